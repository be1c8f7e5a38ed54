//! The gateway that all tests share: a cluster's API, Istio, and the two plugins in Istio's gateway.

use std::time::Duration;

use harness::caller::Protocol;
use harness::istio::Proxy;
use harness::jwt;
use harness::rendered::wasm_plugins;
use harness::runtime;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::manifests::{Manifests, own};
use crate::platform::Platform;

/// From the last object applied to the first answer, with the pull of the image, on a busy machine.
const LIVE: Duration = Duration::from_secs(60);

/// See the module. None of its tests changes it.
pub(crate) struct Mesh {
    // Ends before what it talks to: fields are dropped in order.
    pub(crate) proxy: Proxy,
    platform: Platform,
}

impl std::ops::Deref for Mesh {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

/// The shared one. When it does not start, the first test waits for it in vain and the others fail at once.
pub(crate) async fn mesh() -> Used {
    static MESH: OnceCell<Option<Mesh>> = OnceCell::const_new();
    let start = || async { runtime::spawn(Mesh::start()).await.ok() };
    let mesh = MESH.get_or_init(start).await.as_ref();
    Used(mesh.expect("the mesh starts; why not is said above"))
}

/// A [`Mesh`] in use; when the test fails, it shows the logs.
pub(crate) struct Used(&'static Mesh);

impl std::ops::Deref for Used {
    type Target = Mesh;

    fn deref(&self) -> &Mesh {
        self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs([self.proxy.process()]));
        }
    }
}

impl Mesh {
    async fn start() -> Self {
        let platform = Platform::start("default").await;
        let manifests = Manifests::new(platform.ports());
        let plugins = wasm_plugins(manifests.folder(), &platform.image).await;
        platform.kubernetes.apply(&manifests.for_cluster()).await;
        platform.kubernetes.apply(&authentication()).await;
        platform.kubernetes.apply(&plugins).await;
        let proxy = platform.start_proxy().await;
        let mesh = Self { proxy, platform };
        mesh.until_live().await;
        mesh
    }

    /// A client with a token for GitHub, and one for the gateway where there is one.
    pub(crate) fn client(&self, pat: &str, bearer: Option<&str>) -> Client {
        self.client_over(Protocol::Http1, pat, bearer)
    }

    /// The same over another protocol.
    pub(crate) fn client_over(
        &self,
        protocol: Protocol,
        pat: &str,
        bearer: Option<&str>,
    ) -> Client {
        let client = Client::new(self.address(), protocol).header("x-github-pat", pat);
        match bearer {
            Some(bearer) => client.header("authorization", format!("Bearer {bearer}")),
            None => client,
        }
    }

    /// Until the image is pulled, and the plugins answer.
    async fn until_live(&self) {
        let client = self.client("", Some(&jwt::good()));
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
        let address = self.address();
        until("the gateway answers", LIVE, || async {
            let request = client.post(ping.as_str());
            let answer = request.try_open(address, Protocol::Http1).await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }
}

fn authentication() -> String {
    let placeholders = [
        ("${ISSUER}", jwt::ISSUER.to_owned()),
        ("${AUDIENCE}", jwt::AUDIENCE.to_owned()),
        ("${JWKS}", jwt::keys().to_string()),
    ];
    own("authentication.yaml", &placeholders)
}

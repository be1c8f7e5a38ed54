//! The gateway that all tests share: a cluster's API, Istio, and the two plugins in Istio's gateway.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use harness::caller::Protocol;
use harness::component;
use harness::github::GitHub;
use harness::istio::{Istiod, Proxy, Workload, check_data};
use harness::jwt;
use harness::kubernetes::Kubernetes;
use harness::port::Port;
use harness::process::Process;
use harness::registry::Registry;
use harness::rendered::wasm_plugins;
use harness::runtime;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::manifests::{Manifests, Ports, own};

/// The gateway of the examples.
pub(crate) const GATEWAY: Workload<'_> = Workload {
    gateway: "mcp-gateway",
    namespace: "gateway-system",
};

/// The filter's image in the registry.
pub(crate) const IMAGE: &str = "mcp/filter";

/// From the last object applied to the first answer, with the pull of the image, on a busy machine.
const LIVE: Duration = Duration::from_secs(60);

/// See the module. None of its tests changes it.
pub(crate) struct Mesh {
    pub(crate) proxy: Proxy,
    pub(crate) github: GitHub,
    pub(crate) port: Port,
    istiod: Istiod,
    _kubernetes: Kubernetes,
    pub(crate) registry: Registry,
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
            eprintln!("{}", self.logs());
        }
    }
}

impl Mesh {
    async fn start() -> Self {
        check_data().await;
        let github = GitHub::start().await;
        let port = Port::hold();
        let ports = Ports {
            gateway: port.number(),
            server: github.address().port(),
        };
        let manifests = Manifests::new(ports);
        let registry = Registry::start().await;
        let filter = component::image("mcp-filter");
        let (kubernetes, image) = tokio::join!(cluster(ports), registry.push(IMAGE, &filter));
        let plugins = wasm_plugins(manifests.folder(), &format!("oci://{image}")).await;
        let istiod = Istiod::start(&kubernetes).await;
        kubernetes.apply(&manifests.for_cluster()).await;
        kubernetes.apply(&authentication()).await;
        kubernetes.apply(&plugins).await;
        let proxy = Proxy::start(&istiod, GATEWAY, &registry.authority()).await;
        let mesh = Self {
            proxy,
            github,
            port,
            istiod,
            _kubernetes: kubernetes,
            registry,
        };
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

    fn address(&self) -> SocketAddr {
        self.port.address()
    }

    fn logs(&self) -> String {
        let processes = [
            self.istiod.process(),
            self.registry.process(),
            self.proxy.process(),
        ];
        processes.map(Process::log).join("\n")
    }
}

/// A cluster with Istio's kinds and all that the user's own objects stand on.
pub(crate) async fn cluster(ports: Ports) -> Kubernetes {
    let kubernetes = Kubernetes::start().await;
    kubernetes.define(&component::kinds().join("\n---\n")).await;
    let namespaces = component::file("../examples/github/platform/namespaces.yaml");
    kubernetes
        .apply(&fs::read_to_string(namespaces).unwrap())
        .await;
    kubernetes
        .apply(&own("cluster.yaml", &ports.placeholders()))
        .await;
    kubernetes
}

fn authentication() -> String {
    let placeholders = [
        ("${ISSUER}", jwt::ISSUER.to_owned()),
        ("${AUDIENCE}", jwt::AUDIENCE.to_owned()),
        ("${JWKS}", jwt::keys().to_string()),
    ];
    own("authentication.yaml", &placeholders)
}

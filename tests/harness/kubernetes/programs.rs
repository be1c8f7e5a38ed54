//! The two programs of a cluster's API, and how they are reached.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::component;
use crate::gateway::temporary_folder;
use crate::port::Port;
use crate::proc::runs;
use crate::process::{Process, command};
use crate::wait::until;

/// By which the apiserver knows its only user. It listens on loopback and ends with the test program.
const TOKEN: &str = "administrator";

/// Where it is written down what service accounts ask for.
const AUDIT_LOG: &str = "audit.log";

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// See the module. They end when dropped.
pub(super) struct Programs {
    // Ended before their folder goes: fields are dropped in order.
    apiserver: Mutex<Process>,
    etcd: Mutex<Process>,
    folder: TempDir,
    ports: Ports,
}

struct Ports {
    storage: Port,
    peer: Port,
    api: Port,
}

impl Programs {
    /// What this user has asked for so far, and how it was answered: events of the audit log.
    pub(super) fn asked_by(&self, user: &str) -> Vec<Value> {
        let log = fs::read_to_string(self.folder.path().join(AUDIT_LOG)).expect("an audit log");
        let events = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        events
            .filter(|event: &Value| event["user"]["username"] == user)
            .collect()
    }

    /// Starts both and waits until the API is ready. The client is an administrator's.
    pub(super) async fn start() -> (Self, Client) {
        let folder = temporary_folder("kubernetes");
        let ports = Ports {
            storage: Port::hold(),
            peer: Port::hold(),
            api: Port::hold(),
        };
        let etcd = start_etcd(folder.path(), &ports).await;
        let apiserver = start_apiserver(folder.path(), &ports).await;
        let programs = Self {
            apiserver: Mutex::new(apiserver),
            etcd: Mutex::new(etcd),
            folder,
            ports,
        };
        let client = programs.until_ready().await;
        (programs, client)
    }

    /// Ends kube-apiserver at once, as a machine does that fails. All that was stored stays.
    pub(super) async fn kill_apiserver(&self) {
        let apiserver = self.apiserver.lock().await;
        apiserver.signal(Signal::KILL);
        apiserver.ended().await;
    }

    /// Starts kube-apiserver again on the same data, at the same place, and waits until it is ready.
    pub(super) async fn start_apiserver(&self) {
        *self.apiserver.lock().await = start_apiserver(self.folder.path(), &self.ports).await;
        self.until_ready().await;
    }

    /// Ends etcd at once. All that was stored stays.
    pub(super) async fn kill_etcd(&self) {
        let etcd = self.etcd.lock().await;
        etcd.signal(Signal::KILL);
        etcd.ended().await;
    }

    /// Starts etcd again on the same data, at the same place, and waits until kube-apiserver is ready by it.
    pub(super) async fn start_etcd(&self) {
        *self.etcd.lock().await = start_etcd(self.folder.path(), &self.ports).await;
        self.until_ready().await;
    }

    /// A file by which any program reaches the API as the bearer of `token`.
    pub(super) fn kubeconfig(&self, user: &str, token: &str) -> PathBuf {
        let path = self.folder.path().join(format!("kubeconfig-{user}"));
        let kubeconfig = kubeconfig(self.ports.api.address(), &self.certificate(), token);
        fs::write(&path, kubeconfig.to_string()).expect("a kubeconfig written");
        path
    }

    /// The same for the administrator.
    pub(super) fn administrator(&self) -> PathBuf {
        self.kubeconfig("administrator", TOKEN)
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificates/apiserver.crt")
    }

    /// A client of the API, which answers.
    async fn until_ready(&self) -> Client {
        let certificate = self.certificate();
        let what = "kube-apiserver makes its certificate";
        until(what, START, || async { certificate.exists().then_some(()) }).await;
        let kubeconfig = kubeconfig(self.ports.api.address(), &certificate, TOKEN);
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).expect("a kubeconfig");
        let apiserver = self.apiserver.lock().await;
        until("kube-apiserver is ready", START, || async {
            assert!(runs(apiserver.pid()), "{}", apiserver.log());
            let client = client(kubeconfig.clone()).await?;
            let request = http::Request::get("/readyz").body(Vec::new()).ok()?;
            client.request_text(request).await.ok()?;
            Some(client)
        })
        .await
    }
}

async fn start_etcd(folder: &Path, ports: &Ports) -> Process {
    let [client, peer] =
        [&ports.storage, &ports.peer].map(|port| format!("http://{}", port.address()));
    let mut etcd = command(&component::kube().join("etcd"));
    etcd.args([
        "--name",
        "tests",
        "--unsafe-no-fsync",
        "--log-level",
        "warn",
    ])
    .arg("--data-dir")
    .arg(folder.join("etcd"))
    .args(["--listen-client-urls", &client])
    .args(["--advertise-client-urls", &client])
    .args(["--listen-peer-urls", &peer])
    .args(["--initial-advertise-peer-urls", &peer])
    .args(["--initial-cluster", &format!("tests={peer}")]);
    Process::start("etcd", etcd).await
}

/// It waits for etcd by itself, and makes its own certificate. That one's key signs tokens of service accounts, too.
async fn start_apiserver(folder: &Path, ports: &Ports) -> Process {
    let Ports { storage, api, .. } = ports;
    let certificates = folder.join("certificates");
    let key = certificates.join("apiserver.key");
    let tokens = folder.join("tokens.csv");
    fs::write(&tokens, format!("{TOKEN},tests,tests,\"system:masters\"\n")).expect("a file");
    let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let audit = folder.join("audit.json");
    fs::write(&audit, audit_policy().to_string()).expect("a file");
    let mut apiserver = command(&component::kube().join("kube-apiserver"));
    apiserver
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--secure-port={}", api.number()))
        .arg(format!("--etcd-servers=http://{}", storage.address()))
        .arg(option("cert-dir", &certificates))
        .arg(option("token-auth-file", &tokens))
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(option("service-account-key-file", &key))
        .arg(option("service-account-signing-key-file", &key))
        .args([
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
        ])
        .arg(option("audit-policy-file", &audit))
        .arg(option("audit-log-path", &folder.join(AUDIT_LOG)))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .arg("--disable-admission-plugins=ServiceAccount");
    Process::start("kube-apiserver", apiserver).await
}

/// What service accounts ask for is written down.
fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
    })
}

/// In JSON, which is YAML, too.
fn kubeconfig(api: SocketAddr, certificate: &Path, token: &str) -> Value {
    let address = format!("https://{api}");
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": address, "certificate-authority": certificate}}],
        "users": [{"name": "tests", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    })
}

/// Nothing where the certificate is not whole yet.
async fn client(kubeconfig: Kubeconfig) -> Option<Client> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.ok()?).ok()
}

//! etcd and kube-apiserver: a cluster's API without nodes and without controllers.
//!
//! So nothing follows from an object but what the test itself starts: no Pod runs, no Service gets endpoints.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use kube::api::{Api, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::component;
use crate::gateway::temporary_folder;
use crate::port::Port;
use crate::proc::runs;
use crate::process::{Process, command};
use crate::wait::until;

/// By which the apiserver knows its only user. It listens on loopback and ends with the test program.
const TOKEN: &str = "administrator";

/// The name under which objects are applied.
const FIELD_MANAGER: &str = "tests";

/// The file's name.
const KUBECONFIG: &str = "kubeconfig";

/// The kind of definitions of custom resources.
const DEFINITION: &str = "CustomResourceDefinition";

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// See the module. Ends when dropped.
pub struct Kubernetes {
    // Ended before their folder goes: fields are dropped in order.
    _apiserver: Process,
    _etcd: Process,
    client: Client,
    folder: TempDir,
    _ports: [Port; 3],
}

impl Kubernetes {
    /// Starts both and waits until the API is ready.
    pub async fn start() -> Self {
        let folder = temporary_folder("kubernetes");
        let ports = [Port::hold(), Port::hold(), Port::hold()];
        let [storage, peer, api] = &ports;
        let etcd = start_etcd(folder.path(), storage, peer).await;
        let apiserver = start_apiserver(folder.path(), storage, api).await;
        let client = until_ready(&apiserver, folder.path(), api.address()).await;
        Self {
            _apiserver: apiserver,
            _etcd: etcd,
            client,
            folder,
            _ports: ports,
        }
    }

    /// A file by which any program reaches the API as administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    /// Applies all documents, in order.
    pub async fn apply(&self, manifests: &str) {
        for object in objects(manifests) {
            apply(&self.client, object).await;
        }
    }

    /// Applies one object as a user would who wants to hear of every mistake. Gives what is stored.
    pub async fn submit(&self, object: Value) -> Result<Value, kube::Error> {
        let parameters = PatchParams {
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::apply(FIELD_MANAGER).force()
        };
        let (api, object) = typed(&self.client, object);
        let stored = api
            .patch(&name(&object), &parameters, &Patch::Apply(&object))
            .await?;
        Ok(serde_json::to_value(stored).expect("an object in JSON"))
    }

    /// The object of this version, kind and name, as it is stored.
    pub async fn read(&self, object: &Value) -> Value {
        let (api, object) = typed(&self.client, object.clone());
        let stored = api.get(&name(&object)).await;
        serde_json::to_value(stored.expect("it is there")).expect("an object in JSON")
    }

    /// Writes the status of the object of this version, kind and name. Gives what is stored.
    pub async fn write_status(&self, object: &Value, status: Value) -> Result<Value, kube::Error> {
        let (api, object) = typed(&self.client, object.clone());
        let patch = Patch::Merge(json!({ "status": status }));
        let stored = api
            .patch_status(&name(&object), &PatchParams::default(), &patch)
            .await?;
        Ok(serde_json::to_value(stored).expect("an object in JSON"))
    }

    /// The columns' names and the one line that the apiserver prints of this object, as `kubectl get` has them.
    pub async fn table(&self, object: &Value) -> (Vec<String>, Value) {
        let (api, object) = typed(&self.client, object.clone());
        let request = http::Request::get(format!("{}/{}", api.resource_url(), name(&object)))
            .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
            .body(Vec::new())
            .expect("a request");
        let table: Value = self.client.request(request).await.expect("a table");
        let columns = table["columnDefinitions"].as_array().expect("columns");
        let names = columns.iter().filter_map(|column| column["name"].as_str());
        (
            names.map(str::to_owned).collect(),
            table["rows"][0]["cells"].clone(),
        )
    }

    /// Applies definitions of custom resources and what stands among them, and waits until their kinds are served.
    pub async fn define(&self, manifests: &str) {
        let objects = objects(manifests);
        let definitions = objects.iter().filter(|object| object["kind"] == DEFINITION);
        let names: Vec<_> = definitions
            .map(|object| object["metadata"]["name"].clone())
            .collect();
        join_all(
            objects
                .into_iter()
                .map(|object| apply(&self.client, object)),
        )
        .await;
        let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", DEFINITION);
        let api = Api::all_with(self.client.clone(), &ApiResource::from_gvk(&kind));
        let names = names.iter().filter_map(Value::as_str);
        join_all(names.map(|name| until_established(&api, name))).await;
    }
}

async fn start_etcd(folder: &Path, client: &Port, peer: &Port) -> Process {
    let [client, peer] = [client, peer].map(|port| format!("http://{}", port.address()));
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
async fn start_apiserver(folder: &Path, storage: &Port, api: &Port) -> Process {
    let certificates = folder.join("certificates");
    let key = certificates.join("apiserver.key");
    let tokens = folder.join("tokens.csv");
    fs::write(&tokens, format!("{TOKEN},tests,tests,\"system:masters\"\n")).expect("a file");
    let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
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
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .arg("--disable-admission-plugins=ServiceAccount");
    Process::start("kube-apiserver", apiserver).await
}

/// In JSON, which is YAML, too.
fn kubeconfig(api: SocketAddr, certificate: &Path) -> Value {
    let address = format!("https://{api}");
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": address, "certificate-authority": certificate}}],
        "users": [{"name": "tests", "user": {"token": TOKEN}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    })
}

/// A client of the API, which answers.
async fn until_ready(apiserver: &Process, folder: &Path, api: SocketAddr) -> Client {
    let certificate = folder.join("certificates/apiserver.crt");
    let what = "kube-apiserver makes its certificate";
    until(what, START, || async { certificate.exists().then_some(()) }).await;
    let kubeconfig = kubeconfig(api, &certificate);
    fs::write(folder.join(KUBECONFIG), kubeconfig.to_string()).expect("a kubeconfig written");
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).expect("a kubeconfig");
    until("kube-apiserver is ready", START, || async {
        assert!(runs(apiserver.pid()), "{}", apiserver.log());
        let client = client(kubeconfig.clone()).await?;
        let request = http::Request::get("/readyz").body(Vec::new()).ok()?;
        client.request_text(request).await.ok()?;
        Some(client)
    })
    .await
}

/// Nothing where the certificate is not whole yet.
async fn client(kubeconfig: Kubeconfig) -> Option<Client> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.ok()?).ok()
}

fn objects(manifests: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifests)
        .unwrap_or_else(|error| panic!("{error} in\n{manifests}"));
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect()
}

async fn apply(client: &Client, object: Value) {
    let shown = format!("{} {}", object["kind"], object["metadata"]["name"]);
    // What a kubelet would write.
    let status = object["kind"] == "Pod";
    let (api, object) = typed(client, object);
    let name = name(&object);
    let (parameters, patch) = (
        PatchParams::apply(FIELD_MANAGER).force(),
        Patch::Apply(&object),
    );
    let mut applied = api.patch(&name, &parameters, &patch).await;
    if status && applied.is_ok() {
        applied = api.patch_status(&name, &parameters, &patch).await;
    }
    applied.unwrap_or_else(|error| panic!("{shown} is applied: {error}"));
}

/// An object and where its like are.
fn typed(client: &Client, object: Value) -> (Api<DynamicObject>, DynamicObject) {
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let kind = GroupVersionKind::try_from(object.types.clone().expect("a kind")).expect("a kind");
    let resource = ApiResource::from_gvk(&kind);
    let api = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    (api, object)
}

fn name(object: &DynamicObject) -> String {
    object.metadata.name.clone().expect("a name")
}

async fn until_established(api: &Api<DynamicObject>, name: &str) {
    let what = format!("{name} is established");
    until(&what, START, || async {
        let definition = api.get(name).await.ok()?;
        let conditions = definition.data["status"]["conditions"].as_array()?.clone();
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
            .then_some(())
    })
    .await;
}

//! etcd and kube-apiserver: a cluster's API without nodes and without controllers.
//!
//! So nothing follows from an object but what the test itself starts: no Pod runs, no Service gets endpoints.

mod programs;
mod trial;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use kube::Client;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, ValidationDirective,
};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

use crate::wait::until;
use programs::Programs;
pub use trial::Trial;

/// The name under which objects are applied.
const FIELD_MANAGER: &str = "tests";

/// The kind of definitions of custom resources.
const DEFINITION: &str = "CustomResourceDefinition";

/// Longer takes nothing that follows from an object.
const CONSEQUENCE: Duration = Duration::from_secs(120);

/// See the module. Ends when dropped.
pub struct Kubernetes {
    programs: Programs,
    client: Client,
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Starts both and waits until the API is ready.
    pub async fn start() -> Self {
        let (programs, client) = Programs::start().await;
        Self { programs, client }
    }

    /// A file by which any program reaches the API as administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.programs.administrator()
    }

    /// A file by which any program reaches the API as this service account, for an hour.
    pub async fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let wanted = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        });
        let request = http::Request::post(path)
            .header("content-type", "application/json")
            .body(wanted.to_string().into_bytes())
            .expect("a request");
        let answer: Value = self.client.request(request).await.expect("a token");
        let token = answer["status"]["token"].as_str().expect("a token");
        self.programs
            .kubeconfig(&format!("{namespace}-{account}"), token)
    }

    /// What this service account has asked for so far, and how it was answered: events of the audit log.
    pub fn asked_by(&self, namespace: &str, account: &str) -> Vec<Value> {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        self.programs.asked_by(&user)
    }

    /// A client of the API, an administrator's.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Ends kube-apiserver at once, as a machine does that fails. All that was stored stays.
    pub async fn kill_apiserver(&self) {
        self.programs.kill_apiserver().await;
    }

    /// Starts kube-apiserver again after [`Kubernetes::kill_apiserver`], and waits until it is ready.
    pub async fn start_apiserver(&self) {
        self.programs.start_apiserver().await;
    }

    /// Ends etcd at once, without which kube-apiserver answers nothing but errors. All that was stored stays.
    pub async fn kill_etcd(&self) {
        self.programs.kill_etcd().await;
    }

    /// Starts etcd again after [`Kubernetes::kill_etcd`], and waits until kube-apiserver is ready by it.
    pub async fn start_etcd(&self) {
        self.programs.start_etcd().await;
    }

    /// Applies all documents, in order.
    pub async fn apply(&self, manifests: &str) {
        for object in objects(manifests) {
            apply(&self.client, object).await;
        }
    }

    /// Applies one object as a user would who wants to hear of every mistake. Gives what is stored.
    pub async fn submit(&self, object: Value) -> Result<Value, kube::Error> {
        self.submit_as(FIELD_MANAGER, object).await
    }

    /// The same under another name. What that one applied before and now leaves out goes.
    pub async fn submit_as(&self, manager: &str, object: Value) -> Result<Value, kube::Error> {
        let parameters = PatchParams {
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::apply(manager).force()
        };
        let (api, object) = typed(&self.client, object);
        let stored = api
            .patch(&name(&object), &parameters, &Patch::Apply(&object))
            .await?;
        Ok(serde_json::to_value(stored).expect("an object in JSON"))
    }

    /// Changes members of the object of this version, kind and name, as `kubectl edit` does: null takes one away.
    /// Gives what is stored.
    pub async fn edit(&self, object: &Value, members: Value) -> Value {
        let (api, object) = typed(&self.client, object.clone());
        let parameters = PatchParams {
            field_manager: Some("kubectl-edit".to_owned()),
            ..PatchParams::default()
        };
        let stored = api
            .patch(&name(&object), &parameters, &Patch::Merge(members))
            .await;
        serde_json::to_value(stored.expect("it is edited")).expect("an object in JSON")
    }

    /// Deletes the object of this version, kind and name, and says whether it is gone at once: nothing holds it.
    pub async fn delete(&self, object: &Value) -> bool {
        let (api, object) = typed(&self.client, object.clone());
        let deleted = api.delete(&name(&object), &DeleteParams::default()).await;
        deleted.expect("it is deleted");
        let left = api.get_opt(&name(&object)).await.expect("an answer");
        left.is_none()
    }

    /// The object of this version, kind and name, as it is stored.
    pub async fn read(&self, object: &Value) -> Value {
        self.find(object).await.expect("it is there")
    }

    /// The same where it is there.
    pub async fn find(&self, object: &Value) -> Option<Value> {
        let (api, object) = typed(&self.client, object.clone());
        let stored = api.get_opt(&name(&object)).await.expect("an answer");
        stored.map(|stored| serde_json::to_value(stored).expect("an object in JSON"))
    }

    /// All objects of this version and kind in all namespaces, in the order of their names.
    pub async fn list(&self, version: &str, kind: &str) -> Vec<Value> {
        let api = all(&self.client, version, kind);
        let list = api.list(&ListParams::default()).await.expect("a list");
        let objects = list.items.into_iter();
        objects
            .map(|object| serde_json::to_value(object).expect("an object in JSON"))
            .collect()
    }

    /// Watches the object of this version, kind and name until `condition` gives something; null where it is not there.
    pub async fn until_object<T>(
        &self,
        what: &str,
        object: &Value,
        condition: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let (api, object) = typed(&self.client, object.clone());
        let name = name(&object);
        let seen = std::sync::Mutex::new(Value::Null);
        let watching = async {
            let mut states = watcher::watch_object(api, &name).default_backoff().boxed();
            while let Some(state) = states.next().await {
                let Ok(state) = state else { continue };
                let state = serde_json::to_value(state).expect("an object in JSON");
                let found = condition(&state);
                *seen.lock().unwrap() = state;
                if found.is_some() {
                    return found;
                }
            }
            None
        };
        let found = tokio::time::timeout(CONSEQUENCE, watching).await;
        found.ok().flatten().unwrap_or_else(|| {
            let seen = seen.lock().unwrap();
            panic!("waited {CONSEQUENCE:?} in vain: {what}; {name} is {seen:#}")
        })
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
        let api = all(&self.client, "apiextensions.k8s.io/v1", DEFINITION);
        let names = names.iter().filter_map(Value::as_str);
        join_all(names.map(|name| until_established(&api, name))).await;
    }
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

/// Where all objects of a version and kind are.
fn all(client: &Client, version: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = GroupVersionKind::gvk(group, version, kind);
    Api::all_with(client.clone(), &ApiResource::from_gvk(&kind))
}

fn name(object: &DynamicObject) -> String {
    object.metadata.name.clone().expect("a name")
}

async fn until_established(api: &Api<DynamicObject>, name: &str) {
    let what = format!("{name} is established");
    until(&what, CONSEQUENCE, || async {
        let definition = api.get(name).await.ok()?;
        let conditions = definition.data["status"]["conditions"].as_array()?.clone();
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
            .then_some(())
    })
    .await;
}

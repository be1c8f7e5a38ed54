//! The cluster that all tests share. Each makes its objects in a namespace of its own.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::component;
use harness::kubernetes::Kubernetes;
use harness::runtime;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// The shared one, with this project's kinds. When it does not start, the first test waits for it in vain and the
/// others fail at once.
pub(crate) async fn cluster() -> &'static Kubernetes {
    static CLUSTER: OnceCell<Option<Kubernetes>> = OnceCell::const_new();
    let start = || async { runtime::spawn(start()).await.ok() };
    let cluster = CLUSTER.get_or_init(start).await.as_ref();
    cluster.expect("the cluster starts; why not is said above")
}

async fn start() -> Kubernetes {
    let kubernetes = Kubernetes::start().await;
    let kinds = component::own_kinds().join("\n---\n");
    kubernetes.define(&kinds).await;
    kubernetes
}

/// A new namespace.
pub(crate) async fn namespace(cluster: &Kubernetes) -> String {
    let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    cluster.submit(namespace).await.unwrap();
    name
}

/// An object of a kind of `mcp.kuadrant.io/v1`.
pub(crate) fn object(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// A file of the GitHub guides.
pub(crate) fn example(name: &str) -> String {
    fs::read_to_string(component::file("../examples/github").join(name)).unwrap()
}

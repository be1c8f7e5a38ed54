//! What a user applies to have control in a cluster, as far as a cluster's API alone has a use for it.

use serde_json::Value;

use crate::kubectl::shell;
use crate::kubernetes::Kubernetes;

/// What a user is told to run whose namespace is closed.
pub const OPEN_SECRETS: &str = "kubectl apply -n mcp-test -k wasmplugin/install/secrets";

/// Applies what these folders grant, and to whom. Gives the roles.
pub async fn grant(kubernetes: &Kubernetes, folders: &[&str]) -> Vec<Value> {
    let mut roles = Vec::new();
    for folder in folders {
        for object in rendered(kubernetes, folder).await {
            let kind = object["kind"].as_str().expect("a kind");
            let is_role = ["Role", "ClusterRole"].contains(&kind);
            if kind == "ServiceAccount" || kind.contains("Role") {
                let applied = kubernetes.submit(object.clone()).await;
                applied.expect("it is applied");
            }
            if is_role {
                roles.push(object);
            }
        }
    }
    roles
}

/// The objects of a folder of the install.
pub async fn rendered(kubernetes: &Kubernetes, folder: &str) -> Vec<Value> {
    let rendered = shell(kubernetes, &format!("kubectl kustomize {folder}")).await;
    assert!(rendered.well, "{}", rendered.err);
    serde_saphyr::from_multiple(&rendered.out).expect("manifests")
}

/// As a user does it whose namespace has registrations with credentials.
pub async fn open_secrets(kubernetes: &Kubernetes) {
    let ended = shell(kubernetes, OPEN_SECRETS).await;
    assert!(ended.well, "{}", ended.err);
}

//! The Deployment of control, as `kubectl kustomize wasmplugin/install` renders it.

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::component;
use crate::process::command;

/// The folder that is installed.
const INSTALL: &str = "../wasmplugin/install";

/// See the module.
#[derive(Debug)]
pub struct Deployment {
    object: Value,
}

impl Deployment {
    /// The one that is installed. Rendered once.
    pub async fn installed() -> &'static Self {
        static INSTALLED: OnceCell<Deployment> = OnceCell::const_new();
        INSTALLED.get_or_init(Self::render).await
    }

    async fn render() -> Self {
        let mut kustomize = command(&component::kubectl());
        kustomize.arg("kustomize").arg(component::file(INSTALL));
        let output = kustomize.output().await.expect("kubectl");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl kustomize: {errors}");
        let text = String::from_utf8(output.stdout).expect("text");
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("manifests");
        let mut deployments = objects
            .into_iter()
            .filter(|object| object["kind"] == "Deployment");
        let object = deployments.next().expect("a Deployment");
        assert!(deployments.next().is_none(), "one Deployment");
        let deployment = Self { object };
        let container = deployment.container();
        for volume in deployment.pod()["volumes"].as_array().into_iter().flatten() {
            let sources = [&volume["secret"], &volume["configMap"]];
            let is_optional = sources.iter().any(|source| source["optional"] == true);
            assert!(is_optional, "nobody here mounts what it wants: {volume}");
        }
        assert!(
            container["command"].is_null(),
            "the image's entrypoint runs"
        );
        deployment
    }

    /// The ServiceAccount of its Pods.
    pub fn account(&self) -> &str {
        let account = self.pod()["serviceAccountName"].as_str();
        account.expect("a ServiceAccount")
    }

    /// What the container's program is started with.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        let arguments = self.container()["args"].as_array().expect("arguments");
        arguments
            .iter()
            .map(|argument| argument.as_str().expect("an argument"))
    }

    /// All that the container's program finds in its environment, in the Pod of this name.
    pub fn environment<'a>(&'a self, pod: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let variables = self.container()["env"].as_array().expect("variables");
        variables.iter().map(move |variable| {
            let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
            let value = match field {
                Some("metadata.namespace") => self.object["metadata"]["namespace"].as_str(),
                Some("metadata.name") => Some(pod),
                Some(other) => panic!("{other} is not known here"),
                None => variable["value"].as_str(),
            };
            let name = variable["name"].as_str().expect("a name");
            (name, value.expect("a value"))
        })
    }

    fn pod(&self) -> &Value {
        &self.object["spec"]["template"]["spec"]
    }

    fn container(&self) -> &Value {
        &self.pod()["containers"][0]
    }
}

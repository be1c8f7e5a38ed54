//! A gateway of Istio whose plugins `mcp-control run` makes: nothing but what the guide applies makes it serve MCP.

use harness::caller::Protocol;
use harness::component;
use harness::control::{Control, NAMESPACE};
use harness::deployment::Deployment;
use harness::github::{GitHub, token};
use harness::istio::{Istiod, Proxy, check_data};
use harness::kubectl::shell;
use harness::kubernetes::Kubernetes;
use harness::port::Port;
use harness::registry::Registry;
use harness::sessions::Client;
use serde_json::{Value, json};

use crate::manifests::{Ports, example, extension, own};
use crate::mesh::{GATEWAY, IMAGE, cluster};

/// See the module. Each test has one of its own.
pub(crate) struct Managed {
    // What talks to another ends before it: fields are dropped in order.
    control: Option<Control>,
    pub(crate) proxy: Proxy,
    pub(crate) istiod: Istiod,
    pub(crate) github: GitHub,
    pub(crate) kubernetes: Kubernetes,
    registry: Registry,
    port: Port,
    image: String,
}

impl Managed {
    /// With the platform that the guide finds: Istio, the Gateway, and control as it is installed, under its own account.
    pub(crate) async fn start() -> Self {
        check_data().await;
        let github = GitHub::start().await;
        let port = Port::hold();
        let ports = Ports {
            gateway: port.number(),
            server: github.address().port(),
        };
        let registry = Registry::start().await;
        let filter = component::image("mcp-filter");
        let (kubernetes, image) = tokio::join!(cluster(ports), registry.push(IMAGE, &filter));
        kubernetes
            .define(&component::own_kinds().join("\n---\n"))
            .await;
        let istiod = Istiod::start(&kubernetes).await;
        install(&kubernetes).await;
        kubernetes
            .apply(&own("gateway.yaml", &ports.placeholders()))
            .await;
        kubernetes
            .apply(&own("server.yaml", &ports.placeholders()))
            .await;
        kubernetes.apply(&extension(Some(port.address()))).await;
        let proxy = Proxy::start(&istiod, GATEWAY, &registry.authority()).await;
        let mut managed = Self {
            control: None,
            proxy,
            istiod,
            github,
            kubernetes,
            registry,
            port,
            image: format!("oci://{image}"),
        };
        managed.start_control().await;
        managed
    }

    /// Starts control.
    pub(crate) async fn start_control(&mut self) {
        let account = Deployment::installed().await.account();
        let kubeconfig = self.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let image = format!("--image={}", self.image);
        self.control = Some(Control::start(&kubeconfig, "mcp-controller-0", &[&image]).await);
    }

    /// Ends control at once.
    pub(crate) async fn kill_control(&mut self) {
        if let Some(control) = self.control.take() {
            control.kill().await;
        }
    }

    /// Another control in place of the one that runs, which gives the gateway this image.
    pub(crate) async fn roll(&mut self, image: &str) {
        self.kill_control().await;
        image.clone_into(&mut self.image);
        self.start_control().await;
    }

    /// Starts istiod again after it was killed.
    pub(crate) async fn start_istiod_again(&mut self) {
        self.istiod.start_again(&self.kubernetes).await;
    }

    /// The image that the gateway is given.
    pub(crate) fn image(&self) -> String {
        self.image.clone()
    }

    /// The WasmPlugins in a phase.
    pub(crate) async fn plugins(&self, phase: &str) -> Vec<Value> {
        let (version, kind) = ("extensions.istio.io/v1alpha1", "WasmPlugin");
        let mut plugins = self.kubernetes.list(version, kind).await;
        plugins.retain(|plugin| plugin["spec"]["phase"] == phase);
        for plugin in &mut plugins {
            plugin["apiVersion"] = version.into();
            plugin["kind"] = kind.into();
        }
        plugins
    }

    /// Runs a command line of a user, which must end well. Gives what it prints.
    pub(crate) async fn run(&self, line: &str) -> String {
        let ended = shell(&self.kubernetes, line).await;
        assert!(ended.well, "{line}: {}", ended.err);
        ended.out
    }

    /// Applies a manifest of the guides as it is written, but for the token, which the guide has a shell put in.
    pub(crate) async fn apply(&self, name: &str) {
        let text = example(name).replace("$GITHUB_PAT", &token('l'));
        self.kubernetes.apply(&text).await;
    }

    /// Waits until a registration is Ready, or why it is not. Gives it.
    pub(crate) async fn until_ready(&self, name: &str, status: &str, reason: &str) -> Value {
        let registration = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPServerRegistration",
            "metadata": {"name": name, "namespace": "mcp-test"},
        });
        let wanted = |object: &Value| {
            let conditions = object["status"]["conditions"].as_array()?;
            let ready = conditions
                .iter()
                .find(|condition| condition["type"] == "Ready")?;
            let is_wanted = ready["status"] == status && ready["reason"] == reason;
            is_wanted.then(|| object.clone())
        };
        let what = format!("{name} is Ready={status} {reason}");
        self.kubernetes
            .until_object(&what, &registration, wanted)
            .await
    }

    /// A client without session and token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.port.address(), Protocol::Http1)
    }

    /// The names of the tools that the server itself lists, and those that the gateway does.
    pub(crate) async fn tools(&self) -> [Vec<String>; 2] {
        let bearer = format!("Bearer {}", token('l'));
        let direct = Client::new(self.github.address(), Protocol::Http1);
        let direct = direct
            .header("authorization", bearer)
            .list("tools/list", "tools")
            .await;
        let listed = self.client().list("tools/list", "tools").await;
        [direct, listed]
    }

    /// What the processes have said.
    pub(crate) fn logs(&self) -> String {
        let control = self.control.iter().map(Control::process);
        let others = [
            self.istiod.process(),
            self.registry.process(),
            self.proxy.process(),
        ];
        let logs: Vec<_> = control.chain(others).map(|process| process.log()).collect();
        logs.join("\n")
    }

    /// The log of control alone.
    pub(crate) fn told(&self) -> Vec<String> {
        let control = self.control.as_ref().expect("control runs");
        control.process().lines()
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

/// What the install gives control's account, and what a user adds whose namespace has credentials.
async fn install(kubernetes: &Kubernetes) {
    let rendered = shell(kubernetes, "kubectl kustomize wasmplugin/install").await;
    assert!(rendered.well, "{}", rendered.err);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&rendered.out).unwrap();
    let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    kubernetes.submit(system).await.unwrap();
    for object in objects {
        let kind = object["kind"].as_str().unwrap();
        if kind == "ServiceAccount" || kind.contains("Role") {
            kubernetes.submit(object).await.unwrap();
        }
    }
    let opened = shell(
        kubernetes,
        "kubectl apply -n mcp-test -k wasmplugin/install/secrets",
    )
    .await;
    assert!(opened.well, "{}", opened.err);
}

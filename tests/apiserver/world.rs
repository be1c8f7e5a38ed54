//! A cluster of a test's own, with gateways in it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use harness::caller::Protocol;
use harness::cluster_gateway::ClusterGateway;
use harness::control::{self, Control};
use harness::kubernetes::Kubernetes;
use harness::manifests::Server;
use harness::sessions::{Client, items_of};
use harness::wait::until;
use serde_json::{Value, json};

/// A lease that outlasts a restart of the API, and a machine that is busy.
pub(crate) const PATIENT: &[&str] = &["--lease-seconds", "60"];

/// Longer takes nothing that follows from a change.
pub(crate) const CONSEQUENCE: Duration = Duration::from_secs(120);

/// See the module.
pub(crate) struct World {
    // The gateways end before the cluster: fields are dropped in order.
    pub(crate) gateways: Vec<ClusterGateway>,
    pub(crate) kubernetes: Kubernetes,
}

impl World {
    /// With one gateway, the Gateway `gateway-system/mcp-gateway`.
    pub(crate) async fn start() -> Self {
        Self::with_gateways(&["mcp-gateway"]).await
    }

    /// With these Gateways in namespace `gateway-system`.
    pub(crate) async fn with_gateways(names: &[&str]) -> Self {
        let kubernetes = control::cluster().await;
        let mut gateways = Vec::new();
        for name in names {
            gateways.push(ClusterGateway::start(&kubernetes, name).await);
        }
        Self {
            gateways,
            kubernetes,
        }
    }

    /// The only gateway, or the first.
    pub(crate) fn gateway(&self) -> &ClusterGateway {
        &self.gateways[0]
    }

    /// Applies all that belongs to a server.
    pub(crate) async fn apply(&self, server: &Server) {
        self.kubernetes.apply(&server.yaml()).await;
    }

    /// Starts a control that owns the WasmPlugins.
    pub(crate) async fn control(&self, identity: &str) -> Control {
        self.control_with(identity, &[]).await
    }

    /// The same with these arguments more.
    pub(crate) async fn control_with(&self, identity: &str, arguments: &[&str]) -> Control {
        Control::start(&self.kubernetes.kubeconfig(), identity, arguments).await
    }

    /// Applies all that belongs to a server but its registration.
    pub(crate) async fn apply_without_registration(&self, server: &Server) {
        let documents: Vec<Value> = serde_saphyr::from_multiple(&server.yaml()).unwrap();
        for document in documents {
            if document["kind"] != "MCPServerRegistration" {
                self.kubernetes.apply(&document.to_string()).await;
            }
        }
    }

    /// Waits until the condition `Ready` of a registration is this, for the registration as it stands. Gives the object.
    pub(crate) async fn until_ready(&self, name: &str, status: &str, reason: &str) -> Value {
        self.until_told(&registration(name), status, reason).await
    }

    /// The same of any object that has the condition.
    pub(crate) async fn until_told(&self, object: &Value, status: &str, reason: &str) -> Value {
        let name = &object["metadata"]["name"];
        let what = format!("{name} is Ready={status} {reason}");
        let wanted = |object: &Value| {
            let ready = condition(object, "Ready")?;
            let is_current = ready["observedGeneration"] == object["metadata"]["generation"];
            let is_wanted = ready["status"] == status && ready["reason"] == reason;
            (is_current && is_wanted).then(|| object.clone())
        };
        self.kubernetes.until_object(&what, object, wanted).await
    }

    /// The WasmPlugin that has the configuration of a Gateway.
    pub(crate) async fn plugin(&self, gateway: &str) -> Value {
        let plugins = self.plugins().await;
        let mut its = plugins.into_iter().filter(|plugin| {
            let target = &plugin["spec"]["targetRefs"][0]["name"];
            plugin["spec"]["phase"] == "AUTHN" && *target == *gateway
        });
        let plugin = its.next().expect("a plugin");
        assert!(its.next().is_none(), "one plugin for {gateway}");
        plugin
    }

    /// All WasmPlugins.
    pub(crate) async fn plugins(&self) -> Vec<Value> {
        let (version, kind) = ("extensions.istio.io/v1alpha1", "WasmPlugin");
        let mut plugins = self.kubernetes.list(version, kind).await;
        for plugin in &mut plugins {
            plugin["apiVersion"] = version.into();
            plugin["kind"] = kind.into();
        }
        plugins
    }

    /// The versions of all WasmPlugins: each write makes a new one.
    pub(crate) async fn versions(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let plugins = self.plugins().await;
        let plugins = plugins.iter().map(|plugin| &plugin["metadata"]);
        plugins
            .map(|metadata| (text(&metadata["name"]), text(&metadata["resourceVersion"])))
            .collect()
    }

    /// Waits until control has read all that was applied before: it says that another registration leads nowhere. That
    /// one is served nothing, so nothing is pushed for it.
    pub(crate) async fn until_caught_up(&self) {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("nowhere-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut nowhere = registration(&name);
        nowhere["spec"] = json!({"targetRef": {"name": "nowhere"}});
        self.kubernetes.submit(nowhere).await.unwrap();
        self.until_ready(&name, "False", "TargetNotFound").await;
    }
}

/// A registration by its name.
pub(crate) fn registration(name: &str) -> Value {
    object("mcp.kuadrant.io/v1", "MCPServerRegistration", name)
}

/// An object of the namespace in which servers are.
pub(crate) fn object(version: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "mcp-test"},
    })
}

/// A route by its name.
pub(crate) fn route(name: &str) -> Value {
    object("gateway.networking.k8s.io/v1", "HTTPRoute", name)
}

/// Waits until a gateway has accepted a route.
pub(crate) async fn until_accepted(world: &World, name: &str) {
    let is_accepted = |route: &Value| {
        let condition = &route["status"]["parents"][0]["conditions"][0];
        (condition["type"] == "Accepted" && condition["status"] == "True").then_some(())
    };
    let what = "the route is accepted";
    world
        .kubernetes
        .until_object(what, &route(name), is_accepted)
        .await;
}

/// A new namespace.
pub(crate) async fn namespace(world: &World, name: &str) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    world.kubernetes.submit(namespace).await.unwrap();
}

/// The MCPGatewayExtension of a Gateway that [`World::with_gateways`] makes.
pub(crate) fn extension(gateway: &str) -> Value {
    json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPGatewayExtension",
        "metadata": {"name": gateway, "namespace": "gateway-system"},
    })
}

/// The message of the condition `Ready`.
pub(crate) fn message(object: &Value) -> &str {
    let ready = condition(object, "Ready").expect("a condition");
    ready["message"].as_str().unwrap()
}

/// Asserts that the message of the condition `Ready` has all of these words.
pub(crate) fn assert_says(object: &Value, words: &[&str]) {
    let (name, message) = (&object["metadata"]["name"], message(object));
    for word in words {
        assert!(message.contains(word), "{name} says {word:?}: {message}");
    }
}

/// The manifest that stands below the sentence of such a message.
pub(crate) fn manifest(message: &str) -> Value {
    let (_, manifest) = message.split_once('\n').expect("a manifest in the message");
    serde_saphyr::from_str(manifest).expect("YAML that can be applied")
}

/// A condition of an object.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// A client that has no session.
pub(crate) fn client(gateway: &ClusterGateway) -> Client {
    Client::new(gateway.address(), Protocol::Http1)
}

/// The tools that a gateway lists, each in the bytes in which it comes; none where it does not answer with 200.
pub(crate) async fn tools(gateway: &ClusterGateway) -> Vec<String> {
    let client = client(gateway);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let answer = client
        .post(list)
        .try_open(client.address, client.protocol)
        .await;
    let Some(answer) = answer.ok().filter(|answer| answer.status == 200) else {
        return Vec::new();
    };
    let reply = answer.rest().await;
    assert_eq!(reply.result().get("nextCursor"), None, "one page has all");
    items_of(&reply.message_bytes(), "tools")
}

/// Waits until a gateway lists exactly these tools, in any order.
pub(crate) async fn until_tools(gateway: &ClusterGateway, names: &[&str]) {
    until_tools_under(gateway, "", names).await;
}

/// Waits until a gateway lists exactly these tools, in any order, of those whose names begin with `prefix`.
pub(crate) async fn until_tools_under(gateway: &ClusterGateway, prefix: &str, names: &[&str]) {
    let names: BTreeSet<_> = names.iter().map(|&name| name.to_owned()).collect();
    let what = format!("the gateway lists {names:?} of {prefix}*");
    until(&what, CONSEQUENCE, || async {
        let listed = tools(gateway).await;
        let listed = listed.iter().map(|tool| name_of(tool));
        let listed: BTreeSet<_> = listed.filter(|name| name.starts_with(prefix)).collect();
        (listed == names).then_some(())
    })
    .await;
}

/// Asserts that a call of this tool reaches a server, which knows it by its `own` name and echoes.
pub(crate) async fn assert_called(gateway: &ClusterGateway, tool: &str, own: &str) {
    let reply = client(gateway).call(tool, json!({})).await;
    let called = &reply.result()["structuredContent"]["params"]["name"];
    assert_eq!(called, own, "{}", reply.shown());
}

/// Waits until a gateway lists no tool under this prefix, and asserts that it knows this one of them no more.
pub(crate) async fn until_gone(gateway: &ClusterGateway, prefix: &str, tool: &str) {
    until_tools_under(gateway, prefix, &[]).await;
    let reply = client(gateway).call(tool, json!({})).await;
    assert_eq!(
        reply.message()["error"]["code"],
        -32602,
        "{}",
        reply.shown()
    );
}

/// The name of a tool's definition.
pub(crate) fn name_of(tool: &str) -> String {
    let tool: Value = serde_json::from_str(tool).unwrap();
    tool["name"].as_str().unwrap().to_owned()
}

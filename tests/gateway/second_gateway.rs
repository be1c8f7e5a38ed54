//! Two Gateways of one Istio, each with a workload of its own: a registration reaches those that it is attached to.

use std::collections::BTreeSet;

use harness::caller::Protocol;
use harness::component;
use harness::istio::{Proxy, Workload};
use harness::load::Load;
use harness::manifests::Server;
use harness::port::Port;
use harness::sessions::Client;
use serde_json::{Value, json};

use crate::faults::{SOME, serve};
use crate::managed::{HOST, Managed, ready};
use crate::manifests::{Ports, example, own};
use crate::platform::IMAGE;

/// The second Gateway.
const SECOND: &str = "other-gateway";

tests! {
    async fn a_registration_is_served_by_the_gateway_that_it_is_attached_to_and_leaves_the_other_alone() {
        let managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let second = Second::start(&managed).await;
        let first = plugins(&managed, "mcp-gateway").await;
        assert_eq!(first.len(), 2);
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let theirs = Server::new("theirs", upstream.address()).gateways(&[SECOND]);
        managed.kubernetes.apply(&theirs.yaml()).await;
        managed.until_ready("theirs", "True", "Ready").await;
        assert_eq!(names(&second.client()).await, BTreeSet::from(["theirs_greet".to_owned()]));
        assert_eq!(names(&managed.client()).await, BTreeSet::from(["echo_greet".to_owned()]));
        let called = second.client().call("theirs_greet", json!({})).await.result();
        assert_eq!(called["structuredContent"]["params"]["name"], "greet");
        for (client, tool) in [(managed.client(), "theirs_greet"), (second.client(), "echo_greet")] {
            let reply = client.call(tool, json!({})).await;
            assert_eq!(reply.message()["error"]["code"], -32602, "{}", reply.shown());
        }
        load.until_more(SOME).await;
        assert_eq!(plugins(&managed, "mcp-gateway").await, first, "nothing of the first is written");
        let both = Server::new("both", upstream.address()).gateways(&["mcp-gateway", SECOND]);
        managed.kubernetes.apply(&both.yaml()).await;
        managed.until_ready("both", "True", "Ready").await;
        assert_eq!(names(&second.client()).await, BTreeSet::from(["both_greet", "theirs_greet"].map(str::to_owned)));
        assert_eq!(names(&managed.client()).await, BTreeSet::from(["both_greet", "echo_greet"].map(str::to_owned)));
        load.stop().await;
    }

    async fn an_image_that_was_deleted_since_another_gateway_got_it_is_not_given_to_one_that_would_be_closed_by_it() {
        let managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let image = managed.image();
        managed.registry.delete(image.trim_start_matches("oci://")).await;
        let second = Second::begin(&managed).await;
        second.until_extension(&managed, ["Unknown", "ImageUnusable", "no such image"]).await;
        assert_eq!(plugins(&managed, SECOND).await, Vec::<Value>::new());
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        managed.registry.push(IMAGE, &component::image("mcp-filter")).await;
        second.until_extension(&managed, ["True", "Ready", ""]).await;
        let theirs = Server::new("theirs", upstream.address()).gateways(&[SECOND]);
        managed.kubernetes.apply(&theirs.yaml()).await;
        managed.until_ready("theirs", "True", "Ready").await;
        second.client().call("theirs_greet", json!({})).await.result();
    }
}

/// The second Gateway's workload.
struct Second {
    _proxy: Proxy,
    port: Port,
    _tls_port: Port,
}

impl Second {
    /// With a Gateway and an MCPGatewayExtension like those of the guides, which is Ready.
    async fn start(managed: &Managed) -> Self {
        let second = Self::begin(managed).await;
        second.until_extension(managed, ["True", "Ready", ""]).await;
        second
    }

    /// The same, whatever becomes of it.
    async fn begin(managed: &Managed) -> Self {
        let (port, tls_port) = (Port::hold(), Port::hold());
        let ports = Ports {
            gateway: port.number(),
            gateway_tls: tls_port.number(),
            ..managed.ports()
        };
        let cluster = own("cluster.yaml", &ports.placeholders());
        // Another Pod's address, and another WorkloadEntry's; all listen at the same.
        let cluster = cluster
            .replace("podIP: 127.0.0.1", "podIP: 127.0.0.2")
            .replace("- ip: 127.0.0.1", "- ip: 127.0.0.2")
            .replace("127.0.0.21", "127.0.0.22")
            .replace("name: loopback", "name: other-loopback");
        let extension = example("platform/extension.yaml");
        let private = format!("{extension}  privateHost: {}\n", port.address());
        for manifests in [cluster, example("platform/gateway.yaml"), private] {
            let manifests = manifests.replace("mcp-gateway", SECOND);
            managed.kubernetes.apply(&manifests).await;
        }
        let workload = Workload {
            gateway: SECOND,
            namespace: "gateway-system",
            address: "127.0.0.2",
        };
        let proxy = Proxy::start(&managed.istiod, workload, &managed.registry).await;
        Self {
            _proxy: proxy,
            port,
            _tls_port: tls_port,
        }
    }

    async fn until_extension(&self, managed: &Managed, [status, reason, words]: [&str; 3]) {
        let extension = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPGatewayExtension",
            "metadata": {"name": SECOND, "namespace": "gateway-system"},
        });
        let is_wanted = |object: &Value| {
            let ready = ready(object)?;
            let is_wanted = ready["status"] == status && ready["reason"] == reason;
            (is_wanted && ready["message"].as_str()?.contains(words)).then_some(())
        };
        let what = format!("the second MCPGatewayExtension is Ready={status} {reason}");
        managed
            .kubernetes
            .until_object(&what, &extension, is_wanted)
            .await;
    }

    fn client(&self) -> Client {
        Client::new(self.port.address(), Protocol::Http1).naming(HOST)
    }
}

/// The tools that a client is shown.
async fn names(client: &Client) -> BTreeSet<String> {
    let listed = client.list("tools/list", "tools").await;
    let definitions = listed
        .iter()
        .map(|tool| serde_json::from_str::<Value>(tool).unwrap());
    let names = definitions.map(|tool| tool["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// The WasmPlugins of a Gateway, as they are stored.
async fn plugins(managed: &Managed, gateway: &str) -> Vec<Value> {
    let [routes, gates] = [
        managed.plugins("AUTHN").await,
        managed.plugins("AUTHZ").await,
    ];
    let mut plugins: Vec<_> = routes.into_iter().chain(gates).collect();
    plugins.retain(|plugin| plugin["spec"]["targetRefs"][0]["name"] == gateway);
    plugins
}

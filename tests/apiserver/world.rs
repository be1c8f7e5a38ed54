//! A cluster of a test's own, with gateways in it.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::caller::Protocol;
use harness::cluster_gateway::ClusterGateway;
use harness::component;
use harness::kubernetes::Kubernetes;
use harness::manifests::{Server, platform};
use harness::port::Port;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::{Value, json};

use crate::cluster::definitions;

/// What of the kinds of Gateway API and Istio somebody reads here.
const KINDS: [&str; 7] = [
    "DestinationRule",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "ReferenceGrant",
    "ServiceEntry",
    "WasmPlugin",
];

/// Longer takes nothing that follows from a change.
const CONSEQUENCE: Duration = Duration::from_secs(60);

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
        let kubernetes = Kubernetes::start().await;
        let kinds = component::kinds().into_iter().filter(|kind| {
            let mut wanted = KINDS.iter();
            wanted.any(|name| kind.contains(&format!("    kind: {name}\n")))
        });
        let kinds: Vec<_> = kinds.chain([definitions()]).collect();
        kubernetes.define(&kinds.join("\n---\n")).await;
        let system =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mcp-system"}});
        kubernetes.submit(system).await.unwrap();
        let mut gateways = Vec::new();
        for name in names {
            let port = Port::hold();
            kubernetes.apply(&platform(name, port.address())).await;
            let gateway = ClusterGateway::start(&kubernetes, port, "gateway-system", name).await;
            gateways.push(gateway);
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
}

/// A client that has no session.
pub(crate) fn client(gateway: &ClusterGateway) -> Client {
    Client::new(gateway.address(), Protocol::Http1)
}

/// The tools that a gateway lists, each in the bytes in which it comes; none where it does not answer with 200.
pub(crate) async fn tools(gateway: &ClusterGateway) -> Vec<String> {
    let client = client(gateway);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let answer = client
        .post(ping)
        .try_open(client.address, client.protocol)
        .await;
    match answer {
        Ok(answer) if answer.status == 200 => client.list("tools/list", "tools").await,
        _ => Vec::new(),
    }
}

/// Waits until a gateway lists exactly these tools, in any order.
pub(crate) async fn until_tools(gateway: &ClusterGateway, names: &[&str]) {
    let names: BTreeSet<_> = names.iter().map(|&name| name.to_owned()).collect();
    let what = format!("the gateway lists {names:?}");
    until(&what, CONSEQUENCE, || async {
        let listed = tools(gateway).await;
        let listed: BTreeSet<_> = listed.iter().map(|tool| name_of(tool)).collect();
        (listed == names).then_some(())
    })
    .await;
}

/// The name of a tool's definition.
pub(crate) fn name_of(tool: &str) -> String {
    let tool: Value = serde_json::from_str(tool).unwrap();
    tool["name"].as_str().unwrap().to_owned()
}

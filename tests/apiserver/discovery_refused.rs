//! A policy of the gateway that refuses control's own requests is not taken for the server.

use std::time::Duration;

use harness::cluster_gateway::ClusterGateway;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::json;

use crate::shared::{GUARDED, shared};
use crate::world::{assert_says, client, until_tools};

tests! {
    async fn a_policy_that_refuses_discovery_is_named_and_takes_nothing_away() {
        let world = shared().await;
        let gateway = world.gateway_of(GUARDED);
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = |name: &str| Server::new(name, upstream.address()).gateways(&[GUARDED]);
        world.apply(&server("admitted").credential("Bearer first")).await;
        world.until_ready("admitted", "True", "Ready").await;
        until_tools(gateway, &["admitted_greet"]).await;

        gateway.forbid(".mcp.local", ("gateway-system", "members-only"));
        until_refused(gateway, "admitted_greet").await;
        world.apply(&server("walled")).await;
        let told = world.until_ready("walled", "False", "DiscoveryRefused").await;
        let words = ["members-only", "403", "let requests that carry x-mcp-control through that policy"];
        assert_says(&told, &words);
        // With another credential it is asked anew.
        world.apply(&server("admitted").credential("Bearer second")).await;
        let told = world.until_ready("admitted", "Unknown", "DiscoveryRefused").await;
        assert_says(&told, &words);
        assert_says(&told, &["what the server offered before is still served"]);
        assert_eq!(told["status"]["discoveredTools"], 1);
        until_tools(gateway, &["admitted_greet"]).await;

        gateway.permit();
        world.until_ready("walled", "True", "Ready").await;
        world.until_ready("admitted", "True", "Ready").await;
        until_tools(gateway, &["admitted_greet", "walled_greet"]).await;
    }
}

/// Waits until the policy is in force.
async fn until_refused(gateway: &ClusterGateway, tool: &str) {
    until("calls are refused", Duration::from_secs(30), || async {
        let reply = client(gateway).call(tool, json!({})).await;
        (reply.status != 200 || reply.message()["error"].is_object()).then_some(())
    })
    .await;
}

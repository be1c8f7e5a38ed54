//! Of two that want the same, the older has it.

use std::time::Duration;

use harness::cluster_gateway::ClusterGateway;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::shared::{CONTESTED, shared};
use crate::world::{
    assert_called, assert_says, client, extension, registration, until_tools, until_tools_under,
};

tests! {
    async fn of_two_registrations_with_one_prefix_the_older_is_served_and_the_younger_comes_after_it() {
        let world = shared().await;
        let [older, younger] = [server_of("greet").await, server_of("part").await];
        world.apply(&Server::new("same-older", older.address()).prefix("same_")).await;
        let first = world.until_ready("same-older", "True", "Ready").await;
        until_younger(&first).await;
        // Its name comes first, so it is by the age alone that it does not.
        world.apply(&Server::new("same-after", younger.address()).prefix("same_")).await;
        let told = world.until_ready("same-after", "False", "PrefixConflict").await;
        let gateway = "Gateway gateway-system/mcp-gateway";
        assert_says(&told, &["mcp-test/same-older", "same_", gateway, "is older", "choose another prefix"]);
        world.until_ready("same-older", "True", "Ready").await;
        until_tools_under(world.gateway(), "same_", &["same_greet"]).await;
        assert_called(world.gateway(), "same_greet", "greet").await;
        assert!(younger.received().is_empty(), "nobody has asked the other");

        assert!(world.kubernetes.delete(&registration("same-older")).await);
        world.until_ready("same-after", "True", "Ready").await;
        until_tools_under(world.gateway(), "same_", &["same_part"]).await;
        assert_called(world.gateway(), "same_part", "part").await;
    }

    async fn of_two_extensions_for_one_listener_the_older_counts_and_the_younger_comes_after_it() {
        let world = shared().await;
        let gateway = world.gateway_of(CONTESTED);
        let upstream = server_of("greet").await;
        world.apply(&Server::new("contested", upstream.address()).gateways(&[CONTESTED])).await;
        until_tools(gateway, &["contested_greet"]).await;
        let first = world.until_told(&extension(CONTESTED), "True", "Ready").await;
        until_younger(&first).await;
        let mut younger = extension("another");
        younger["spec"] = json!({
            "targetRef": {"name": CONTESTED, "sectionName": "mcp"},
            "publicHost": "another.example",
            "privateHost": gateway.address().to_string(),
        });
        world.kubernetes.submit(younger.clone()).await.unwrap();
        let told = world.until_told(&younger, "False", "ListenerConflict").await;
        let older = "MCPGatewayExtension gateway-system/contested";
        assert_says(&told, &[older, "listener mcp of Gateway gateway-system/contested", "take one of them out"]);
        world.until_told(&first, "True", "Ready").await;
        assert_eq!(status_at(gateway, "localhost").await, 200);
        assert_eq!(status_at(gateway, "another.example").await, 404);

        assert!(world.kubernetes.delete(&first).await);
        world.until_told(&younger, "True", "Ready").await;
        world.until_ready("contested", "True", "Ready").await;
        until_status(gateway, "another.example", 200).await;
        until_status(gateway, "localhost", 404).await;
    }
}

/// A server of one tool.
async fn server_of(tool: &str) -> Upstream {
    Upstream::start(Script::with_tools(vec![Tool::new(tool, Answer::Echo)])).await
}

/// Waits until what is applied now is younger: the API counts whole seconds.
async fn until_younger(object: &Value) {
    let created = object["metadata"]["creationTimestamp"].as_str().unwrap();
    let created: Timestamp = created.parse().unwrap();
    until("a second is over", Duration::from_secs(10), || async {
        (Timestamp::now().as_second() > created.as_second()).then_some(())
    })
    .await;
}

async fn until_status(gateway: &ClusterGateway, host: &str, status: u16) {
    let what = format!("{host} gets {status}");
    until(&what, Duration::from_secs(30), || async {
        (status_at(gateway, host).await == status).then_some(())
    })
    .await;
}

/// That of the answer to a ping at this host.
async fn status_at(gateway: &ClusterGateway, host: &str) -> u16 {
    let client = client(gateway);
    let ping = client.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let answer = ping.host(host).send(client.address, client.protocol).await;
    answer.status
}

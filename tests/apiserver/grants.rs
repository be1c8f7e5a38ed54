//! What stands in another namespace counts where its owner grants that.

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::shared::{DISTANT, shared};
use crate::world::{
    World, assert_called, assert_says, extension, manifest, message, namespace, object, until_gone,
    until_tools, until_tools_under,
};

tests! {
    async fn a_registration_reaches_a_route_of_another_namespace_while_the_grant_of_its_message_stands() {
        let world = shared().await;
        namespace(&world, "guests").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply_without_registration(&Server::new("granted", upstream.address())).await;
        let mut guest = object("mcp.kuadrant.io/v1", "MCPServerRegistration", "guest");
        guest["metadata"]["namespace"] = "guests".into();
        guest["spec"] = json!({"targetRef": {"name": "granted", "namespace": "mcp-test"}, "prefix": "guest_"});
        world.kubernetes.submit(guest.clone()).await.unwrap();
        let told = world.until_told(&guest, "False", "TargetNotFound").await;
        let refers = "lets MCPServerRegistration of namespace guests refer to it";
        assert_says(&told, &["HTTPRoute mcp-test/granted", refers, "apply:"]);
        assert!(upstream.received().is_empty(), "nobody has asked the server");

        let grant = manifest(message(&told));
        world.kubernetes.submit(grant.clone()).await.expect("it can be applied");
        world.until_told(&guest, "True", "Ready").await;
        until_tools_under(world.gateway(), "guest_", &["guest_greet"]).await;
        assert_called(world.gateway(), "guest_greet", "greet").await;

        assert!(world.kubernetes.delete(&grant).await);
        let told = world.until_told(&guest, "False", "TargetNotFound").await;
        assert_says(&told, &["HTTPRoute mcp-test/granted", refers, "apply:"]);
        until_gone(world.gateway(), "guest_", "guest_greet").await;
    }

    async fn an_extension_makes_a_gateway_of_another_namespace_serve_while_the_grant_of_its_message_stands() {
        let world = shared().await;
        let gateway = world.gateway_of(DISTANT);
        namespace(&world, "platform").await;
        let mut distant = extension(DISTANT);
        assert!(world.kubernetes.delete(&distant).await);
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("far", upstream.address()).gateways(&[DISTANT])).await;
        world.until_ready("far", "False", "NoGatewayExtension").await;
        until_without_pair(&world).await;

        distant["metadata"]["namespace"] = "platform".into();
        distant["spec"] = json!({
            "targetRef": {"name": DISTANT, "namespace": "gateway-system", "sectionName": "mcp"},
            "publicHost": "localhost",
            "privateHost": gateway.address().to_string(),
        });
        world.kubernetes.submit(distant.clone()).await.unwrap();
        let told = world.until_told(&distant, "False", "TargetNotFound").await;
        let refers = "lets MCPGatewayExtension of namespace platform refer to it";
        assert_says(&told, &["Gateway gateway-system/distant", refers, "apply:"]);
        world.until_ready("far", "False", "NoGatewayExtension").await;
        assert_eq!(pair(&world).await, Vec::<Value>::new(), "it serves nothing");

        let grant = manifest(message(&told));
        world.kubernetes.submit(grant.clone()).await.expect("it can be applied");
        world.until_told(&distant, "True", "Ready").await;
        world.until_ready("far", "True", "Ready").await;
        until_tools(gateway, &["far_greet"]).await;
        assert_called(gateway, "far_greet", "greet").await;

        assert!(world.kubernetes.delete(&grant).await);
        let told = world.until_told(&distant, "False", "TargetNotFound").await;
        assert_says(&told, &["Gateway gateway-system/distant", refers, "apply:"]);
        world.until_ready("far", "False", "NoGatewayExtension").await;
        // The gateway is its owner's, who has taken the grant back.
        until_without_pair(&world).await;
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

/// The WasmPlugins of the distant gateway.
async fn pair(world: &World) -> Vec<Value> {
    let mut plugins = world.plugins().await;
    plugins.retain(|plugin| plugin["spec"]["targetRefs"][0]["name"] == DISTANT);
    plugins
}

async fn until_without_pair(world: &World) {
    for plugin in pair(world).await {
        let is_gone = |object: &Value| object.is_null().then_some(());
        let what = "the pair goes";
        world.kubernetes.until_object(what, &plugin, is_gone).await;
    }
}

//! A registration reaches the gateways that its route is attached to, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::control::{Control, IMAGE};
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::events::until_event;
use crate::world::{
    World, condition, extension, manifest, message, registration, tools, until_tools,
};

/// Longer takes nothing that follows from a change.
const CONSEQUENCE: Duration = Duration::from_secs(120);

tests! {
    async fn each_gateway_serves_what_is_attached_to_it() {
        let world = World::with_gateways(&["inner", "outer"]).await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = |name: &str, gateways: &[&str]| Server::new(name, upstream.address()).gateways(gateways);
        world.apply(&server("both", &["inner", "outer"])).await;
        world.apply(&server("hidden", &["inner"])).await;
        world.apply(&server("open", &["outer"])).await;
        let (inner, outer) = (&world.gateways[0], &world.gateways[1]);
        until_tools(inner, &["both_greet", "hidden_greet"]).await;
        until_tools(outer, &["both_greet", "open_greet"]).await;
        for name in ["both", "hidden", "open"] {
            let ready = world.until_ready(name, "True", "Ready").await;
            assert_eq!(ready["status"]["discoveredTools"], 1);
        }

        world.apply(&server("hidden", &["outer"])).await;
        until_tools(inner, &["both_greet"]).await;
        until_tools(outer, &["both_greet", "hidden_greet", "open_greet"]).await;
        for gateway in ["inner", "outer"] {
            assert_pair(&world, gateway).await;
        }
    }

    async fn a_gateway_that_is_down_is_no_trouble_for_the_other() {
        let world = World::with_gateways(&["inner", "outer"]).await;
        let (inner, outer) = (&world.gateways[0], &world.gateways[1]);
        inner.kill();
        let control = world.control("one").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = |name: &str, gateways: &[&str]| Server::new(name, upstream.address()).gateways(gateways);
        world.apply(&server("hidden", &["inner"])).await;
        world.apply(&server("open", &["outer"])).await;
        world.until_ready("open", "True", "Ready").await;
        until_tools(outer, &["open_greet"]).await;
        world.until_ready("hidden", "Unknown", "GatewayUnreachable").await;
        let extension = ("MCPGatewayExtension", "inner");
        assert_eq!(until_event(&world, extension, "GatewayUnreachable").await, "Warning");
        until_counted(&control, &[r#"status="True",reason="Ready"} 1"#, r#"status="Unknown",reason="GatewayUnreachable"} 1"#])
            .await;
        inner.start_again().await;
        world.until_ready("hidden", "True", "Ready").await;
        until_counted(&control, &[r#"status="True",reason="Ready"} 2"#]).await;
        until_tools(inner, &["hidden_greet"]).await;
        assert_eq!(until_event(&world, extension, "Ready").await, "Normal");
    }

    async fn a_gateway_without_extension_loses_its_plugins_and_the_other_keeps_its_own() {
        let world = World::with_gateways(&["inner", "outer"]).await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = |name: &str, gateways: &[&str]| Server::new(name, upstream.address()).gateways(gateways);
        world.apply(&server("hidden", &["inner"])).await;
        world.apply(&server("open", &["outer"])).await;
        let (inner, outer) = (&world.gateways[0], &world.gateways[1]);
        until_tools(inner, &["hidden_greet"]).await;
        until_tools(outer, &["open_greet"]).await;
        for name in ["hidden", "open"] {
            world.until_ready(name, "True", "Ready").await;
        }
        world.until_caught_up().await;
        let before = pair(&world, "outer").await;

        assert!(world.kubernetes.delete(&extension("inner")).await);
        let missing = world.until_ready("hidden", "False", "NoGatewayExtension").await;
        until("the plugins of inner go", CONSEQUENCE, || async {
            pair(&world, "inner").await.is_empty().then_some(())
        })
        .await;
        until_tools(inner, &[]).await;
        assert_eq!(pair(&world, "outer").await, before);
        assert_eq!(world.plugins().await.len(), 2);
        assert_eq!(tools(outer).await.len(), 1);

        let manifest = manifest(message(&missing));
        assert_eq!(manifest["kind"], "MCPGatewayExtension");
        world.kubernetes.submit(manifest).await.expect("it can be applied");
        let found = |registration: &Value| {
            let ready = condition(registration, "Ready")?;
            (ready["reason"] != "NoGatewayExtension").then_some(())
        };
        world.kubernetes.until_object("the advice helps", &registration("hidden"), found).await;
        until("inner has its plugins again", CONSEQUENCE, || async {
            (pair(&world, "inner").await.len() == 2).then_some(())
        })
        .await;
    }
}

/// Waits until control counts registrations in these series and in no other.
async fn until_counted(control: &Control, series: &[&str]) {
    until("control counts them", CONSEQUENCE, || async {
        let metrics = control.ask("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let told = text
            .lines()
            .filter_map(|line| line.strip_prefix("mcp_control_registrations{"));
        let told: BTreeSet<_> = told.collect();
        (told == series.iter().copied().collect()).then_some(())
    })
    .await;
}

/// The WasmPlugins of a gateway.
async fn pair(world: &World, gateway: &str) -> Vec<Value> {
    let mut plugins = world.plugins().await;
    plugins.retain(|plugin| plugin["spec"]["targetRefs"][0]["name"] == gateway);
    plugins
}

async fn assert_pair(world: &World, gateway: &str) {
    let its = pair(world, gateway).await;
    let its: Vec<_> = its.iter().map(|plugin| &plugin["spec"]).collect();
    let phases: Vec<_> = its.iter().map(|spec| &spec["phase"]).collect();
    assert_eq!(
        phases,
        ["AUTHZ", "AUTHN"],
        "a pair for {gateway}: gate, route"
    );
    for spec in its {
        assert_eq!(
            (&spec["url"], &spec["failStrategy"]),
            (&json!(IMAGE), &json!("FAIL_RELOAD"))
        );
    }
}

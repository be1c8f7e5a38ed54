//! A gateway has one pair of WasmPlugins: control's, or its user's.

use std::time::Duration;

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::drift::template;
use crate::events::until_event;
use crate::world::{World, assert_says, extension, message, registration, until_tools};

/// Those of control's own pair, by the image that tests name.
const OWN: [&str; 2] = [
    "mcp-gate-mcp-gateway-01234567",
    "mcp-route-mcp-gateway-01234567",
];

/// Those of the pair that a user makes of the template.
const USERS: [&str; 2] = ["mcp-gate", "mcp-route"];

const ADOPT: &[&str] = &["--wasmplugins", "adopt"];

/// A control that ends hands over, and the next one has to read what is there.
const CONSEQUENCE: Duration = Duration::from_secs(120);

tests! {
    async fn the_pair_that_control_has_made_goes_once_the_users_own_is_whole() {
        let world = World::start().await;
        let control = world.control("manages").await;
        let upstream = server(&world).await;
        assert!(control.stop().await.success());
        let _control = world.control_with("adopts", ADOPT).await;
        let [route, gate] = <[Value; 2]>::try_from(template("mcp-gateway")).unwrap();
        for object in [extension("mcp-gateway"), registration("echo")] {
            world.until_told(&object, "Unknown", "WasmPluginNotFound").await;
        }
        world.kubernetes.submit_as("argocd", route).await.unwrap();
        let names_gate = |extension: &Value| message(extension).contains("component=gate").then_some(());
        let what = "the gate alone is missing";
        world.kubernetes.until_object(what, &extension("mcp-gateway"), names_gate).await;
        world.until_caught_up().await;
        assert_eq!(names(&world).await, [OWN[0], USERS[1], OWN[1]], "what is there goes on");
        until_tools(world.gateway(), &["echo_greet"]).await;

        world.kubernetes.submit_as("argocd", gate).await.unwrap();
        until_names(&world, &USERS).await;
        world.until_told(&extension("mcp-gateway"), "True", "Ready").await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        world.apply(&Server::new("later", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet", "later_greet"]).await;
    }

    async fn no_pair_is_made_beside_the_users_own_until_that_is_handed_over() {
        let world = World::start().await;
        for plugin in template("mcp-gateway") {
            world.kubernetes.submit_as("argocd", plugin).await.unwrap();
        }
        let control = world.control_with("adopts", ADOPT).await;
        let _upstream = server(&world).await;
        assert!(control.stop().await.success());
        let _control = world.control("manages").await;
        assert_conflict(&world, &USERS).await;
        world.until_caught_up().await;
        assert_eq!(names(&world).await, USERS, "what is there stays, and nothing else comes");
        until_tools(world.gateway(), &["echo_greet"]).await;

        let handed = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "mcp-control"}}});
        for plugin in template("mcp-gateway") {
            world.kubernetes.edit(&plugin, handed.clone()).await;
        }
        until_names(&world, &OWN).await;
        world.until_told(&extension("mcp-gateway"), "True", "Ready").await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn half_a_pair_of_a_user_is_told_and_controls_own_that_is_there_goes_on() {
        let world = World::start().await;
        let [route, gate] = <[Value; 2]>::try_from(template("mcp-gateway")).unwrap();
        world.kubernetes.submit_as("argocd", gate.clone()).await.unwrap();
        let _control = world.control("one").await;
        assert_conflict(&world, &USERS[..1]).await;
        world.until_caught_up().await;
        assert_eq!(names(&world).await, USERS[..1], "no pair beside half a pair");
        assert!(world.kubernetes.delete(&gate).await);
        let upstream = server(&world).await;
        until_names(&world, &OWN).await;

        world.kubernetes.submit_as("argocd", route.clone()).await.unwrap();
        assert_conflict(&world, &USERS[1..]).await;
        world.apply(&Server::new("later", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet", "later_greet"]).await;
        assert!(world.kubernetes.delete(&route).await);
        for name in ["echo", "later"] {
            world.until_ready(name, "True", "Ready").await;
        }
        until_names(&world, &OWN).await;
    }
}

/// A server of one tool, `echo_greet`, once the gateway serves it.
async fn server(world: &World) -> Upstream {
    let upstream =
        Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
    world.apply(&Server::new("echo", upstream.address())).await;
    world.until_ready("echo", "True", "Ready").await;
    until_tools(world.gateway(), &["echo_greet"]).await;
    upstream
}

/// Asserts that control says of the gateway that these WasmPlugins are not its own, and what can be done.
async fn assert_conflict(world: &World, names: &[&str]) {
    let object = extension("mcp-gateway");
    let told = world
        .until_told(&object, "Unknown", "WasmPluginConflict")
        .await;
    assert_says(&told, names);
    let remedies = [
        "delete them",
        "app.kubernetes.io/managed-by=mcp-control",
        "--wasmplugins=adopt",
    ];
    assert_says(&told, &remedies);
    let named = ("MCPGatewayExtension", "mcp-gateway");
    assert_eq!(
        until_event(world, named, "WasmPluginConflict").await,
        "Warning"
    );
}

async fn names(world: &World) -> Vec<String> {
    let plugins = world.plugins().await.into_iter();
    let name = |plugin: Value| plugin["metadata"]["name"].as_str().unwrap().to_owned();
    plugins.map(name).collect()
}

/// Waits until there are these WasmPlugins and no others.
async fn until_names(world: &World, wanted: &[&str]) {
    let what = format!("the WasmPlugins are {wanted:?}");
    until(&what, CONSEQUENCE, || async {
        (names(world).await == wanted).then_some(())
    })
    .await;
}

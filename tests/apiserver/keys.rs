//! The keys of session ids are rotated, and no session ends by it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::caller::Protocol;
use harness::control::NAMESPACE;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::leadership::until_leads;
use crate::world::{World, until_tools};

tests! {
    async fn a_key_that_is_a_month_old_is_followed_by_another_and_its_sessions_go_on() {
        let (world, _upstream) = served().await;
        assert_eq!(in_force(&world).await, [1]);
        let older = Client::connected(world.gateway().address(), Protocol::Http1).await;
        rotated(&world, &[40 * 24], &[1, 2]).await;
        assert_served(&older).await;
        rotated(&world, &[40 * 24, 2], &[2, 1]).await;
        let newer = Client::connected(world.gateway().address(), Protocol::Http1).await;
        for client in [&older, &newer] {
            assert_served(client).await;
        }
    }

    async fn an_id_of_the_new_key_is_taken_by_a_gateway_that_still_mints_with_the_old_one() {
        let (world, _upstream) = served().await;
        rotated(&world, &[40 * 24], &[1, 2]).await;
        rotated(&world, &[40 * 24, 2], &[2, 1]).await;
        let newer = Client::connected(world.gateway().address(), Protocol::Http1).await;
        // What a gateway has that was not reached since.
        rotated(&world, &[40 * 24, -2], &[1, 2]).await;
        assert_served(&newer).await;
    }

    async fn who_takes_over_rotates_keys_that_have_aged_since_it_started() {
        let (world, _upstream) = served().await;
        let leader = world.control("leader").await;
        until_leads(&world, "leader").await;
        let standby = world.control("standby").await;
        standby.until_watching().await;
        age(&world, &[40 * 24]).await;
        assert_eq!(in_force(&world).await, [1]);
        leader.stop().await;
        until_in_force(&world, &[1, 2]).await;
        let client = Client::connected(world.gateway().address(), Protocol::Http1).await;
        assert_served(&client).await;
    }

    async fn control_goes_on_with_its_keys_while_their_secret_is_deleted_and_makes_new_ones_at_its_next_start() {
        let world = World::start().await;
        let control = world.control("first").await;
        control.until_watching().await;
        let before = world.kubernetes.read(&secret()).await;
        world.kubernetes.delete(&secret()).await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        control.stop().await;
        let _control = world.control("second").await;
        let are_others = |secret: &Value| (!secret.is_null() && secret["data"] != before["data"]).then_some(());
        world.kubernetes.until_object("there are new keys", &secret(), are_others).await;
        world.until_ready("echo", "True", "Ready").await;
    }

    async fn keys_that_cannot_be_rotated_stop_nothing() {
        let world = World::start().await;
        let control = world.control("first").await;
        control.until_watching().await;
        control.stop().await;
        age(&world, &[40 * 24]).await;
        world.kubernetes.edit(&secret(), json!({"immutable": true})).await;
        let _control = world.control("second").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
        assert_eq!(in_force(&world).await, [1]);
    }
}

/// A world in which a control that has ended has served a server.
async fn served() -> (World, Upstream) {
    let world = World::start().await;
    let tools = vec![Tool::new("greet", Answer::Echo)];
    let upstream = Upstream::start(Script::with_tools(tools)).await;
    world.apply(&Server::new("echo", upstream.address())).await;
    let control = world.control("first").await;
    until_tools(world.gateway(), &["echo_greet"]).await;
    control.stop().await;
    (world, upstream)
}

/// Ages the keys, see [`age`], and runs a control until these are in force.
async fn rotated(world: &World, hours: &[i64], wanted: &[u64]) {
    age(world, hours).await;
    let control = world.control("next").await;
    until_in_force(world, wanted).await;
    control.stop().await;
}

/// Asserts that the session of a client goes on.
async fn assert_served(client: &Client) {
    assert_eq!(client.list("tools/list", "tools").await.len(), 1);
    assert_eq!(client.call("echo_greet", json!({})).await.status, 200);
}

/// The Secret that has them.
pub(crate) fn secret() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mcp-control-keys", "namespace": NAMESPACE},
    })
}

/// The keys in it, in the order of their making.
pub(crate) fn of(secret: &Value) -> Vec<Value> {
    let text = secret["data"]["session-keys"].as_str().unwrap();
    serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
}

/// Makes each mint since so many hours, or in so many.
pub(crate) async fn age(world: &World, hours: &[i64]) {
    let mut keys = of(&world.kubernetes.read(&secret()).await);
    assert_eq!(keys.len(), hours.len());
    for (key, hours) in keys.iter_mut().zip(hours) {
        let from = Timestamp::now() - SignedDuration::from_hours(*hours);
        key["from"] = from.to_string().into();
    }
    let text = STANDARD.encode(serde_json::to_vec(&keys).unwrap());
    let members = json!({"data": {"session-keys": text}});
    world.kubernetes.edit(&secret(), members).await;
}

/// The ids of the keys that the gateway has: the first mints.
async fn in_force(world: &World) -> Vec<u64> {
    ids(&world.plugin("mcp-gateway").await)
}

async fn until_in_force(world: &World, wanted: &[u64]) {
    let plugin = world.plugin("mcp-gateway").await;
    let has = |plugin: &Value| (ids(plugin) == wanted).then_some(());
    let what = format!("the keys in force are {wanted:?}");
    world.kubernetes.until_object(&what, &plugin, has).await;
}

fn ids(plugin: &Value) -> Vec<u64> {
    let keys = &plugin["spec"]["pluginConfig"]["sessions"]["keys"];
    let keys = keys.as_array().into_iter().flatten();
    keys.map(|key| key["id"].as_u64().unwrap()).collect()
}

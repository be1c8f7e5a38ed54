//! AuthPolicies of a Gateway: what they have gateways verify, and what is told of them.

use std::time::Duration;

use harness::component;
use harness::kubectl::shell;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::world::{World, client, condition, extension, until_tools};

const ISSUER: &str = "https://issuer.example.com";

/// What a client is told that has no token.
const DENIAL: &str = "log in, please";

/// Longer takes nothing that follows from a change.
const CONSEQUENCE: Duration = Duration::from_secs(120);

const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;

tests! {
    async fn a_policy_has_its_gateway_verify_tokens_and_want_them_until_it_is_deleted() {
        let world = World::start().await;
        define(&world).await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        see_one_through(&world).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }

    async fn a_policy_that_cannot_be_enforced_says_where_and_lets_nobody_in() {
        let world = World::start().await;
        define(&world).await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        let mut spec = guide();
        spec["when"] = json!([{"predicate": "request.method != 'GET'"}]);
        world.kubernetes.submit(policy("oidc", &spec)).await.unwrap();
        let told = until_told(&world, "oidc", [("False", "PolicyUnsupported"); 2]).await;
        let message = condition(&told, "Accepted").unwrap()["message"].to_string();
        assert!(message.contains("spec.when[0].predicate, line 1, column "), "{message}");
        let client = client(world.gateway());
        until("nobody gets in", CONSEQUENCE, || async {
            (client.call("echo_greet", json!({})).await.status == 403).then_some(())
        }).await;
        world.kubernetes.edit(&policy("oidc", &json!({})), json!({"spec": {"when": null}})).await;
        until_told(&world, "oidc", [("True", "AudienceNotChecked"), ("True", "Enforced")]).await;
    }

    async fn of_two_policies_for_one_listener_the_older_holds_and_the_younger_is_told() {
        let world = World::start().await;
        define(&world).await;
        let _control = world.control("one").await;
        let _upstream = server(&world).await;
        world.kubernetes.submit(policy("a", &guide())).await.unwrap();
        until_told(&world, "a", [("True", "AudienceNotChecked"), ("True", "Enforced")]).await;
        world.kubernetes.submit(policy("b", &guide())).await.unwrap();
        let told = until_told(&world, "b", [("False", "Conflicted"); 2]).await;
        let message = condition(&told, "Accepted").unwrap()["message"].to_string();
        assert!(message.contains("gateway-system/a"), "{message}");
    }

    async fn where_users_make_the_plugins_what_verifies_tokens_still_goes_with_the_gateway() {
        let world = World::start().await;
        define(&world).await;
        let control = world.control("one").await;
        let _upstream = server(&world).await;
        assert!(control.stop().await.success());
        let _control = world.control_with("two", &["--wasmplugins=adopt"]).await;
        world.kubernetes.submit(policy("oidc", &guide())).await.unwrap();
        let is_there = |object: &Value| object["spec"].is_object().then_some(());
        world.kubernetes.until_object("tokens are verified", &authentication(), is_there).await;
        let plugins = world.plugins().await;
        assert!(world.kubernetes.delete(&extension("mcp-gateway")).await);
        let is_gone = |object: &Value| object.is_null().then_some(());
        world.kubernetes.until_object("no token is verified", &authentication(), is_gone).await;
        assert_eq!(world.plugins().await.len(), plugins.len(), "those are the users'");
    }

    async fn a_kind_of_another_product_gets_no_status_and_its_policies_hold() {
        let world = World::start().await;
        define(&world).await;
        let label = "kubectl label --overwrite crd authpolicies.kuadrant.io app.kubernetes.io/part-of=another";
        assert!(shell(&world.kubernetes, label).await.well);
        let control = world.control("one").await;
        let _upstream = server(&world).await;
        world.kubernetes.submit(policy("oidc", &guide())).await.unwrap();
        let is_there = |object: &Value| object["spec"].is_object().then_some(());
        world.kubernetes.until_object("tokens are verified", &authentication(), is_there).await;
        world.until_caught_up().await;
        assert!(world.kubernetes.read(&policy("oidc", &json!({}))).await["status"].is_null());
        assert!(control.stop().await.success());

        let _control = world.control_with("two", &["--auth-policies=ignore"]).await;
        let is_gone = |object: &Value| object.is_null().then_some(());
        world.kubernetes.until_object("no token is wanted", &authentication(), is_gone).await;
        until_tools(world.gateway(), &["echo_greet"]).await;
    }
}

/// Applies a policy, asserts that tokens are verified and wanted, and deletes it.
pub(crate) async fn see_one_through(world: &World) {
    world
        .kubernetes
        .submit(policy("oidc", &guide()))
        .await
        .unwrap();
    let wanted = [("True", "AudienceNotChecked"), ("True", "Enforced")];
    until_told(world, "oidc", wanted).await;
    let is_there = |object: &Value| object["spec"].is_object().then(|| object.clone());
    let made = world
        .kubernetes
        .until_object("tokens are verified", &authentication(), is_there)
        .await;
    let places = json!([{"name": "Authorization", "prefix": "Bearer "}]);
    let rule = json!({"issuer": ISSUER, "forwardOriginalToken": true, "fromHeaders": places});
    assert_eq!(made["spec"]["jwtRules"], json!([rule]));
    assert_eq!(made["spec"]["targetRefs"][0]["name"], "mcp-gateway");
    let denied = client(world.gateway()).send(LIST).await;
    assert_eq!((denied.status, denied.text()), (401, DENIAL));
    world.until_ready("echo", "True", "Ready").await;

    let selector = json!({"matchLabels": {"a": "b"}});
    let edit = json!({"spec": {"jwtRules": [], "targetRefs": null, "selector": selector}});
    world.kubernetes.edit(&authentication(), edit).await;
    let is_back = |object: &Value| (object["spec"] == made["spec"]).then_some(());
    world
        .kubernetes
        .until_object("it is as it was", &authentication(), is_back)
        .await;
    let policy = policy("oidc", &json!({}));
    assert!(world.kubernetes.delete(&policy).await, "nothing holds it");
    let is_gone = |object: &Value| object.is_null().then_some(());
    world
        .kubernetes
        .until_object("it goes with the policy", &authentication(), is_gone)
        .await;
}

/// Defines the kinds that a cluster has which wants them.
pub(crate) async fn define(world: &World) {
    let kinds = component::kinds_named(&["RequestAuthentication"]);
    let kinds = [kinds, vec![component::auth_policies()]].concat();
    world.kubernetes.define(&kinds.join("\n---\n")).await;
}

/// A server of one tool, `echo_greet`, once the gateway lists it.
async fn server(world: &World) -> Upstream {
    let tools = vec![Tool::new("greet", Answer::Echo)];
    let upstream = Upstream::start(Script::with_tools(tools)).await;
    world.apply(&Server::new("echo", upstream.address())).await;
    until_tools(world.gateway(), &["echo_greet"]).await;
    upstream
}

/// A policy as the guide has it, in short.
fn guide() -> Value {
    json!({
        "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "mcp-gateway"},
        "when": [{"predicate": "!request.path.contains('/.well-known')"}],
        "rules": {
            "authentication": {"keycloak": {"jwt": {"issuerUrl": ISSUER}}},
            "response": {"unauthenticated": {"body": {"value": DENIAL}}},
        },
    })
}

fn policy(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "kuadrant.io/v1",
        "kind": "AuthPolicy",
        "metadata": {"name": name, "namespace": "gateway-system"},
        "spec": spec,
    })
}

fn authentication() -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "mcp-authentication-mcp-gateway", "namespace": "gateway-system"},
    })
}

/// Waits until the conditions `Accepted` and `Enforced` of a policy have these statuses and reasons, for the policy as it
/// stands. Gives it.
async fn until_told(world: &World, name: &str, wanted: [(&str, &str); 2]) -> Value {
    let what = format!("{name} is told {wanted:?}");
    let is_told = |object: &Value| {
        let is_so = |(kind, (status, reason)): (&str, (&str, &str))| {
            condition(object, kind).is_some_and(|told| {
                let is_current = told["observedGeneration"] == object["metadata"]["generation"];
                is_current && told["status"] == status && told["reason"] == reason
            })
        };
        let mut conditions = ["Accepted", "Enforced"].into_iter().zip(wanted);
        conditions.all(is_so).then(|| object.clone())
    };
    let policy = policy(name, &json!({}));
    world.kubernetes.until_object(&what, &policy, is_told).await
}

//! `mcp-streams` in a cluster: what control writes and pushes for it, and with which rights.

use harness::control::{Control, NAMESPACE};
use harness::deployment::Deployment;
use harness::install::{grant, rendered};
use harness::wait::until;
use serde_json::{Value, json};

use crate::rights::{Grant, Request};
use crate::world::{CONSEQUENCE, World, extension};

const GATEWAY: &str = "mcp-gateway";
const HOST: &str = "mcp-streams.mcp.local";

fn near(version: &str, kind: &str, name: &str) -> Value {
    let metadata = json!({"name": name, "namespace": "gateway-system"});
    json!({"apiVersion": version, "kind": kind, "metadata": metadata})
}

fn route() -> Value {
    near(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "mcp-streams-mcp-gateway",
    )
}

/// What `wasmplugin/streams` has, as far as control looks at it.
fn service() -> Value {
    let mut service = near("v1", "Service", "mcp-streams");
    service["metadata"]["labels"] = json!({
        "mcp.kuadrant.io/streams": "true",
        "app.kubernetes.io/instance": GATEWAY,
    });
    service["spec"] = json!({"ports": [{"name": "http", "port": 8080}]});
    service
}

/// As Kubernetes makes it of the Service.
fn slice(is_ready: bool) -> Value {
    let mut slice = near("discovery.k8s.io/v1", "EndpointSlice", "mcp-streams-x");
    slice["metadata"]["labels"] = json!({
        "mcp.kuadrant.io/streams": "true",
        "kubernetes.io/service-name": "mcp-streams",
    });
    slice["addressType"] = "IPv4".into();
    slice["ports"] = json!([{"name": "http", "port": 8080}]);
    slice["endpoints"] = json!([{"addresses": ["10.0.0.1"], "conditions": {"ready": is_ready}}]);
    slice
}

async fn manage(world: &World, management: &str) {
    let spec = json!({"spec": {"httpRouteManagement": management}});
    world.kubernetes.edit(&extension(GATEWAY), spec).await;
}

/// Waits until the filter is told of streams, or of none.
async fn until_told(world: &World, is_told: bool) -> Value {
    until(
        "the configuration says where streams are, or not",
        CONSEQUENCE,
        || async {
            let plugins = world.plugins().await;
            let mut its = plugins
                .iter()
                .filter(|plugin| plugin["spec"]["phase"] == "AUTHN");
            let streams = its.next()?["spec"]["pluginConfig"].get("streams").cloned();
            (streams.is_some() == is_told).then(|| streams.unwrap_or_default())
        },
    )
    .await
}

async fn until_route(world: &World, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = |route: &Value| wanted(route).then(|| route.clone());
    world.kubernetes.until_object(what, &route(), found).await
}

tests! {
    async fn a_gateway_is_led_to_mcp_streams_while_that_is_wanted_and_there() {
        let world = World::start().await;
        let _control = world.control("one").await;
        until_told(&world, false).await;
        world.kubernetes.submit(service()).await.unwrap();
        world.until_caught_up().await;
        assert_eq!(world.kubernetes.find(&route()).await, None, "nobody has asked for it");

        manage(&world, "Enabled").await;
        let made = until_route(&world, "the route is made", |route| route["spec"].is_object()).await;
        assert_eq!(made["spec"]["hostnames"], json!([HOST]));
        assert_eq!(made["spec"]["rules"][0]["backendRefs"][0]["name"], "mcp-streams");
        world.until_caught_up().await;
        until_told(&world, false).await;

        world.kubernetes.submit(slice(true)).await.unwrap();
        let streams = until_told(&world, true).await;
        assert_eq!(streams["host"], HOST);
        assert_eq!(streams["upstream"]["cluster"], "outbound|8080||mcp-streams.gateway-system.svc.cluster.local");
        world.kubernetes.edit(&slice(false), json!({"endpoints": slice(false)["endpoints"]})).await;
        until_told(&world, false).await;
        world.kubernetes.edit(&slice(true), json!({"endpoints": slice(true)["endpoints"]})).await;
        until_told(&world, true).await;

        let is_back = |route: &Value| route["spec"] == made["spec"];
        for _ in 0..2 {
            world.kubernetes.edit(&route(), json!({"spec": {"hostnames": ["other.mcp.local"]}})).await;
            until_route(&world, "the route is repaired", is_back).await;
        }
        world.kubernetes.delete(&route()).await;
        until_route(&world, "the route is back", is_back).await;
        until_told(&world, true).await;

        manage(&world, "Disabled").await;
        until_told(&world, false).await;
        until_route(&world, "the route goes", Value::is_null).await;
    }

    async fn the_folder_grants_what_control_needs_for_it_and_no_more() {
        let world = World::start().await;
        grant(&world.kubernetes, &["wasmplugin/install"]).await;
        let mut roles = Vec::new();
        let objects = rendered(&world.kubernetes, "wasmplugin/streams").await;
        for mut object in objects {
            if ["Role", "RoleBinding", "Service"].iter().any(|kind| object["kind"] == *kind) {
                object["metadata"]["namespace"] = "gateway-system".into();
                if object["kind"] == "Role" {
                    roles.push(object.clone());
                }
                world.kubernetes.submit(object).await.unwrap();
            }
        }
        let account = Deployment::installed().await.account();
        let kubeconfig = world.kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let _control = Control::start(&kubeconfig, "one", &[]).await;
        world.kubernetes.submit(slice(true)).await.unwrap();
        manage(&world, "Enabled").await;
        until_told(&world, true).await;
        world.kubernetes.delete(&extension(GATEWAY)).await;
        until_route(&world, "the route goes with the extension", Value::is_null).await;
        let granted: Vec<_> = roles.iter().flat_map(Grant::of).collect();
        // The log of what was asked comes after it.
        until("all that is granted is asked for", CONSEQUENCE, || async {
            let events = world.kubernetes.asked_by(NAMESPACE, account);
            let asked: Vec<_> = events.iter().flat_map(Request::of).collect();
            granted.iter().all(|grant| asked.iter().any(|one| grant.allows(one))).then_some(())
        }).await;
        let events = world.kubernetes.asked_by(NAMESPACE, account);
        let refused = events.iter().filter(|event| event["responseStatus"]["code"] == 403);
        let refused: Vec<_> = refused.flat_map(Request::of).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

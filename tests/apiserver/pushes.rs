//! A push that the apiserver does not take is told, and takes nothing away.

use std::time::Duration;

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::events::{assert_told_once, until_event};
use crate::world::{World, assert_says, extension, object, registration, until_tools};

/// What the apiserver says who refuses.
const WORDS: &str = "nobody writes plugins today";

tests! {
    async fn a_push_that_is_refused_is_told_until_it_is_taken() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("first", upstream.address())).await;
        world.until_ready("first", "True", "Ready").await;
        until_tools(world.gateway(), &["first_greet"]).await;
        for part in refusal() {
            world.kubernetes.submit(part).await.unwrap();
        }
        until_refused(&world).await;

        world.apply(&Server::new("second", upstream.address())).await;
        for object in [registration("first"), registration("second"), extension("mcp-gateway")] {
            let told = world.until_told(&object, "Unknown", "PushRefused").await;
            assert_says(&told, &["WasmPlugin gateway-system/mcp-", WORDS, "goes on trying", "What it served before goes on"]);
            let named = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            assert_eq!(until_event(&world, named, "PushRefused").await, "Warning");
        }
        until_tools(world.gateway(), &["first_greet"]).await;
        let lines = control.process().lines();
        let refusals = lines.iter().filter(|line| line.contains("is not written") && !line.contains("Ready=Unknown"));
        assert_eq!(refusals.count(), 1, "{lines:#?}");

        for part in refusal().iter().rev() {
            world.kubernetes.delete(part).await;
        }
        for object in [registration("first"), registration("second"), extension("mcp-gateway")] {
            world.until_told(&object, "True", "Ready").await;
        }
        until_tools(world.gateway(), &["first_greet", "second_greet"]).await;
        assert_told_once(&world, ("MCPGatewayExtension", "mcp-gateway"), "PushRefused").await;
    }
}

/// A policy that lets nobody write WasmPlugins, and what puts it into force.
fn refusal() -> [Value; 2] {
    let version = "admissionregistration.k8s.io/v1";
    let part = |kind: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "no-plugins"}, "spec": spec});
    let all = json!({
        "apiGroups": ["extensions.istio.io"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["wasmplugins"],
    });
    let policy = json!({
        "matchConstraints": {"resourceRules": [all]},
        "validations": [{"expression": "false", "message": WORDS}],
    });
    let binding = json!({"policyName": "no-plugins", "validationActions": ["Deny"]});
    [
        part("ValidatingAdmissionPolicy", policy),
        part("ValidatingAdmissionPolicyBinding", binding),
    ]
}

/// Waits until the apiserver refuses.
async fn until_refused(world: &World) {
    until(
        "the policy is in force",
        Duration::from_secs(30),
        || async {
            let mut plugin = object("extensions.istio.io/v1alpha1", "WasmPlugin", "probe");
            plugin["spec"] = json!({"url": "oci://registry.example.com/probe"});
            world.kubernetes.submit(plugin).await.err()
        },
    )
    .await;
}

//! Virtual servers: their statuses say what their names come to, and the gateways serve them.

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::events::{assert_told_once, until_event};
use crate::world::{World, assert_says, client, condition, registration, until_tools};

tests! {
    async fn a_virtual_server_says_what_its_names_come_to_and_is_served() {
        let world = World::start().await;
        let names = ["echo_greet", "late_greet"];
        world.kubernetes.submit(virtual_server("few", &names)).await.unwrap();
        let _control = world.control("one").await;
        let told = until_selects(&world, 0, &names).await;
        let ready = condition(&told, "Ready").unwrap();
        assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("TargetNotFound")));
        let few = ("MCPVirtualServer", "few");
        assert_eq!(until_event(&world, few, "TargetNotFound").await, "Warning");
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        until_selects(&world, 1, &["late_greet"]).await;
        world.apply(&Server::new("late", upstream.address())).await;
        until_selects(&world, 2, &[]).await;
        until_tools(world.gateway(), &names).await;
        world.kubernetes.delete(&registration("late")).await;
        until_selects(&world, 1, &["late_greet"]).await;
        let few_itself = virtual_server("few", &[]);
        let told = world.until_told(&few_itself, "True", "Ready").await;
        assert_says(&told, &["status.unmatched"]);

        let edit = json!({"spec": {"tools": ["echo_greet"], "prompts": ["late_greet"]}});
        let edited = world.kubernetes.edit(&few_itself, edit).await;
        let told = until_selects(&world, 1, &["late_greet"]).await;
        assert_eq!(told["metadata"]["generation"], edited["metadata"]["generation"]);
        assert_told_once(&world, few, "TargetNotFound").await;
        world.until_told(&few_itself, "True", "Ready").await;

        let client = client(world.gateway());
        let list = r#"{"jsonrpc":"2.0","id":"v","method":"tools/list"}"#;
        let ask = async |name: &str| {
            let asked = client.post(list).header("x-mcp-virtualserver", name);
            asked.send(client.address, client.protocol).await
        };
        let shown = ask("mcp-test/few").await;
        assert_eq!(shown.result()["tools"].as_array().map(Vec::len), Some(1), "{}", shown.shown());
        ask("mcp-test/gone").await.assert_error(200, -32600, &json!("v"));
    }
}

/// The virtual server `mcp-test/<name>` of these tools.
pub(crate) fn virtual_server(name: &str, tools: &[&str]) -> Value {
    json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPVirtualServer",
        "metadata": {"name": name, "namespace": "mcp-test"},
        "spec": {"tools": tools},
    })
}

/// Waits until the status of `few` says so many tools and these names that no gateway lists, for the object as it stands.
async fn until_selects(world: &World, tools: i32, unmatched: &[&str]) -> Value {
    let what = format!("{tools} tools are selected, and none named {unmatched:?}");
    let wanted = |few: &Value| {
        let status = &few["status"];
        let names = status["unmatched"].as_array().cloned().unwrap_or_default();
        let is_current = status["observedGeneration"] == few["metadata"]["generation"];
        let is_wanted = status["tools"] == tools && names == *unmatched;
        (is_current && is_wanted).then(|| few.clone())
    };
    let few = virtual_server("few", &[]);
    world.kubernetes.until_object(&what, &few, wanted).await
}

//! The gauge of sessions at servers, as Envoy shows it.

use std::fs;
use std::time::Duration;

use harness::caller::Protocol;
use harness::component;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::exposition::{Exposition, ask, envoy_folder};

/// A few sessions are counted within three seconds; the rest is for a busy machine.
const COUNTED: Duration = Duration::from_secs(20);

in_both_roles! {
    async fn sessions_at_servers_are_counted_from_the_first_call_to_their_end(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let gateway = gateway(role, &server).await;
        let clients = calling(&gateway, 3).await;
        let without_a_call = Client::connected(gateway.address(), Protocol::Http1).await;
        until_shown(&gateway, 3.0).await;
        server.forget_sessions();
        clients[0].call("kept_echo", json!({})).await.result();
        clients[0].delete().await;
        without_a_call.delete().await;
        until_shown(&gateway, 2.0).await;
        for client in &clients[1..] {
            client.delete().await;
        }
        until_shown(&gateway, 0.0).await;
    }

    async fn another_configuration_counts_the_same_sessions(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let gateway = gateway(role, &server).await;
        let clients = calling(&gateway, 2).await;
        until_shown(&gateway, 2.0).await;
        let generation = Exposition::of(&gateway).await.sum("mcp_filter_generation", &[]);
        gateway.write("another.yaml", &Server::new("another", server.address()).yaml());
        until("another configuration is served", COUNTED, || async {
            let shown = Exposition::of(&gateway).await;
            assert_eq!(shown.sum(GAUGE, &[]), 2.0);
            (shown.sum("mcp_filter_generation", &[]) != generation).then_some(())
        }).await;
        clients[0].delete().await;
        until_shown(&gateway, 1.0).await;
    }
}

tests! {
    async fn another_module_counts_the_same_sessions() {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let gateway = gateway(Role::Hold, &server).await;
        let clients = calling(&gateway, 2).await;
        until_shown(&gateway, 2.0).await;
        have_another_module(&gateway).await;
        let more = calling(&gateway, 1).await;
        until_shown(&gateway, 3.0).await;
        for client in clients.iter().chain(&more) {
            client.delete().await;
        }
        until_shown(&gateway, 0.0).await;
    }
}

const GAUGE: &str = "mcp_filter_upstream_sessions";

async fn gateway(role: Role, server: &Upstream) -> Gateway {
    let manifests = Manifests::gateway().server(&Server::new("kept", server.address()));
    Gateway::start(role, &manifests).await
}

/// Clients that have called a tool, each in its own session.
async fn calling(gateway: &Gateway, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("kept_echo", json!({})).await.result();
        clients.push(client);
    }
    clients
}

async fn until_shown(gateway: &Gateway, sessions: f64) {
    until("the sessions are counted", COUNTED, || async {
        let shown = Exposition::of(gateway).await;
        (shown.sum(GAUGE, &[]) == sessions).then_some(())
    })
    .await;
}

/// Puts other bytes with the same code into the module's place, and waits until nothing is left of the first ones.
async fn have_another_module(gateway: &Gateway) {
    let folder = envoy_folder(gateway);
    let mut module = fs::read(component::filter()).unwrap();
    // An empty custom section of the name `x`.
    module.extend([0, 2, 1, b'x']);
    let path = folder.join("another.wasm");
    fs::write(&path, module).unwrap();
    let machines = || async {
        let shown = Exposition::of(gateway).await;
        let of = |name| shown.sum(&format!("envoy_wasm_envoy_wasm_runtime_v8_{name}"), &[]);
        (of("created"), of("active"))
    };
    let (created, active) = machines().await;
    let file = folder.join("filter-hold.json");
    let mut filter: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let code = "/resources/0/typed_config/config/vm_config/code/local/filename";
    *filter.pointer_mut(code).expect("a module") = json!(path);
    filter["version_info"] = json!("another module");
    let partial = folder.join("partial");
    fs::write(&partial, filter.to_string()).unwrap();
    fs::rename(&partial, &file).unwrap();
    until("the first module is gone", COUNTED, || async {
        let now = machines().await;
        let configured = ask(gateway, "/config_dump").await.contains("another.wasm");
        (configured && now.0 > created && now.1 <= active).then_some(())
    })
    .await;
}

//! From what is applied to what a client gets.

use std::time::Duration;

use harness::control::Control;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::within;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Value, json};

use crate::world::{World, client, name_of, registration, tools, until_tools};

/// What has to come "within seconds": sooner than discovery asks again by itself.
const SECONDS: Duration = Duration::from_secs(15);

tests! {
    async fn a_registration_is_ready_and_its_tools_answer_a_real_client() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstream = Upstream::start(two_tools()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        let ready = world.until_ready("echo", "True", "Ready").await;
        assert_eq!(ready["status"]["discoveredTools"], 2);
        let (names, cells) = world.kubernetes.table(&registration("echo")).await;
        let column = names.iter().position(|name| name == "Tools").unwrap();
        assert_eq!(cells[column], 2);

        until_tools(world.gateway(), &["echo_greet", "echo_part"]).await;
        let transport = StreamableHttpClientTransport::from_uri(world.gateway().url());
        let rmcp = ().serve(transport).await.expect("a handshake");
        let listed = rmcp.list_all_tools().await.expect("tools");
        assert_eq!(listed.len(), 2, "{listed:?}");
        let call = CallToolRequestParams::new("echo_greet");
        let called = rmcp.call_tool(call).await.expect("an answer");
        let called = serde_json::to_value(&called).unwrap();
        assert_eq!(called["structuredContent"]["params"]["name"], "greet");
        rmcp.cancel().await.expect("an orderly end");
        said(&control, "Discovered 2 tools", "mcp-test/echo").await;
    }

    async fn a_secret_that_changes_is_used_within_seconds() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let script = Script { authorization: Some("Bearer second".to_owned()), ..two_tools() };
        let upstream = Upstream::start(script).await;
        let server = Server::new("locked", upstream.address());
        world.apply(&server.clone().credential("Bearer first")).await;
        let refused = world.until_ready("locked", "False", "UpstreamRefused").await;
        assert!(!refused.to_string().contains("Bearer first"), "no credential is told: {refused}");
        // By now discovery waits before it asks again.
        until_asked(&upstream, 3).await;
        world.apply(&server.credential("Bearer second")).await;
        let ready = world.until_ready("locked", "True", "Ready");
        within("the new credential is used", SECONDS, ready).await;
        assert!(upstream.received().iter().any(|request| request.header("authorization") == Some("Bearer first")));
        let held = world.plugins().await;
        assert!(!Value::from(held).to_string().contains("Bearer"), "no credential is pushed");
    }

    async fn a_deleted_registration_takes_its_own_tools_with_it() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(two_tools()).await;
        for name in ["goes", "stays"] {
            world.apply(&Server::new(name, upstream.address())).await;
        }
        until_tools(world.gateway(), &["goes_greet", "goes_part", "stays_greet", "stays_part"]).await;
        assert!(world.kubernetes.delete(&registration("goes")).await, "nothing holds it");
        until_tools(world.gateway(), &["stays_greet", "stays_part"]).await;
        let reply = client(world.gateway()).call("goes_greet", json!({})).await;
        assert_eq!(reply.message()["error"]["code"], -32602, "{}", reply.shown());
    }

    async fn a_registration_that_goes_while_control_is_down_is_gone_at_once_and_its_tools_when_control_is_back() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstream = Upstream::start(two_tools()).await;
        for name in ["goes", "stays"] {
            world.apply(&Server::new(name, upstream.address())).await;
        }
        until_tools(world.gateway(), &["goes_greet", "goes_part", "stays_greet", "stays_part"]).await;
        control.kill().await;
        assert!(world.kubernetes.delete(&registration("goes")).await, "nothing holds it");
        assert_eq!(tools(world.gateway()).await.len(), 4, "nobody has told the gateway");
        let _control = world.control("two").await;
        until_tools(world.gateway(), &["stays_greet", "stays_part"]).await;
    }

    async fn lists_come_byte_for_byte_as_the_server_wrote_them() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let definition = r#"{"name":"odd","inputSchema":{"type":"object","z":1.50,"a":12345678901234567890},"title":"\u00e9"}"#;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::defined("odd", definition)])).await;
        world.apply(&Server::new("exact", upstream.address())).await;
        until_tools(world.gateway(), &["exact_odd"]).await;
        let listed = tools(world.gateway()).await;
        assert_eq!(name_of(&listed[0]), "exact_odd");
        assert_eq!(listed[0], definition.replace(r#""odd""#, r#""exact_odd""#));
    }
}

fn two_tools() -> Script {
    let tools = ["greet", "part"].map(|name| Tool::new(name, Answer::Echo));
    Script::with_tools(tools.to_vec())
}

async fn said(control: &Control, one: &str, other: &str) {
    let what = format!("{one} ... {other}");
    let holds = |line: &str| (line.contains(one) && line.contains(other)).then_some(());
    control.process().line(&what, holds).await;
}

async fn until_asked(upstream: &Upstream, times: usize) {
    let what = format!("the server was asked {times} times");
    let asked = || async { (upstream.received().len() >= times).then_some(()) };
    harness::wait::until(&what, Duration::from_secs(60), asked).await;
}

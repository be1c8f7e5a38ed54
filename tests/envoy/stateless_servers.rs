//! Servers of the stateless revision 2026-07-28, alone or beside sessions, as discovery finds them through the gateway.

use harness::caller::Protocol;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Discover, Eras, Script, Tool};
use harness::sessions::Client;
use harness::stateless::ask;
use harness::upstream::Upstream;
use mcp_filter_core::catalog::{Catalog, ListKind, ListedIn};
use serde_json::json;

use crate::shared::joined;

fn echo(name: &str) -> Tool {
    Tool::new(name, Answer::Echo)
}

/// The gateway before one server with the prefix `one_`.
async fn before(role: Role, script: Script) -> (Gateway, Upstream) {
    let upstream = Upstream::start(script).await;
    let manifests = Manifests::gateway().server(&Server::new("one", upstream.address()));
    (Gateway::start(role, &manifests).await, upstream)
}

/// Readiness and number of tools in the table.
fn row(gateway: &Gateway) -> [String; 2] {
    let mut rows = gateway.printed().iter();
    let row = rows.find(|row| row.starts_with("one ")).expect("a row");
    let words: Vec<_> = row.split_whitespace().map(str::to_owned).collect();
    [words[4].clone(), words[5].clone()]
}

/// Revision, whether it is stateless, too, and its tools.
fn found(gateway: &Gateway) -> (String, bool, Vec<(String, ListedIn)>) {
    let config = gateway.configuration();
    let server = &config.servers[0];
    let catalog = Catalog::decode(config.catalog.as_ref().expect("a catalog")).unwrap();
    let tools = catalog.entries(ListKind::Tools).zip(0..);
    let tools = tools
        .map(|((_, name), place)| (name.to_owned(), catalog.listed_in(ListKind::Tools, place)));
    (
        server.protocol_version.clone(),
        server.stateless,
        tools.collect(),
    )
}

in_both_roles! {
    async fn a_server_of_the_stateless_revision_alone_is_ready_with_its_tools(role) {
        let script = Script { eras: Eras::Stateless, page_items: 2, ..Script::with_tools(vec![echo("a"), echo("b"), echo("c")]) };
        let (gateway, upstream) = before(role, script).await;
        assert_eq!(row(&gateway), ["True", "3"], "{:?}", gateway.printed());
        let both = |name: &str| (name.to_owned(), ListedIn::Both);
        assert_eq!(found(&gateway), ("2026-07-28".to_owned(), true, vec![both("one_a"), both("one_b"), both("one_c")]));
        assert_eq!(gateway.configuration().requires, ["stateless"]);
        for request in upstream.received() {
            assert_eq!(request.header("mcp-session-id"), None);
        }
        // Strict as the server is, whatever it has answered had come with all headers.
        let asked: Vec<_> = upstream.received().iter().map(harness::upstream::Received::rpc_method).collect();
        assert!(asked.starts_with(&["initialize".to_owned(), "server/discover".to_owned()]), "{asked:?}");
    }

    async fn a_server_of_both_eras_is_ready_once(role) {
        let script = Script {
            eras: Eras::Both,
            stateless_tools: Some(vec![echo("new"), echo("kept")]),
            ..Script::with_tools(vec![echo("old"), echo("kept")]).with_sessions()
        };
        let (gateway, _upstream) = before(role, script).await;
        assert_eq!(row(&gateway), ["True", "3"], "{:?}", gateway.printed());
        let expected = [
            ("one_old", ListedIn::SessionsOnly),
            ("one_kept", ListedIn::Both),
            ("one_new", ListedIn::StatelessOnly),
        ];
        let expected = expected.map(|(name, listed_in)| (name.to_owned(), listed_in)).to_vec();
        assert_eq!(found(&gateway), ("2025-11-25".to_owned(), true, expected));
        assert!(gateway.configuration().requires.is_empty());
    }

    async fn a_client_of_sessions_calls_a_tool_whose_arguments_are_repeated_in_headers(role) {
        let tool = Tool::defined("deploy", r#"{"name":"deploy","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"empty":{"type":"string","x-mcp-header":"Empty"},"count":{"type":"integer","x-mcp-header":"Count"},"dry":{"type":"boolean","x-mcp-header":"Dry"},"left":{"type":"string","x-mcp-header":"Left"}}}}"#);
        let script = Script { eras: Eras::Stateless, ..Script::with_tools(vec![tool]) };
        let (gateway, upstream) = before(role, script).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = Client::connected(gateway.address(), protocol).await;
            let arguments = json!({"region": "S\u{e3}o Paulo", "empty": "", "count": -7, "dry": false, "left": null});
            let result = client.call("one_deploy", arguments.clone()).await.result();
            // Strict as the server is, it would have refused a call without all of them.
            assert_eq!(result["structuredContent"]["params"]["arguments"], arguments, "{result}");
            let call = upstream.call_from(client.mark());
            let told = |name: &str| call.header(name).map(str::to_owned);
            assert_eq!(told("mcp-param-region").as_deref(), Some("=?base64?U8OjbyBQYXVsbw==?="));
            assert_eq!(told("mcp-param-empty").as_deref(), Some(""));
            assert_eq!(told("mcp-param-count").as_deref(), Some("-7"));
            assert_eq!(told("mcp-param-dry").as_deref(), Some("false"));
            assert_eq!(told("mcp-param-left"), None);
        }
    }

    async fn a_call_that_becomes_a_task_is_asked_for_by_its_id(role) {
        let answer = Answer::Response {
            status: 200,
            headers: vec![("content-type", b"application/json".to_vec())],
            body: r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"task","taskId":"t-1","status":"working"}}"#.to_owned(),
        };
        let script = Script { eras: Eras::Stateless, ..Script::with_tools(vec![Tool::new("research", answer)]) };
        let (gateway, upstream) = before(role, script).await;
        let client = Client::new(gateway.address(), Protocol::Http1);
        let found = ask(&client, "server/discover", &json!({})).await.result();
        assert_eq!(found["capabilities"]["extensions"], json!({"io.modelcontextprotocol/tasks": {}}));
        let task = ask(&client, "tools/call", &json!({"name": "one_research"})).await.result();
        assert_eq!(task["resultType"], "task", "{task}");
        let id = task["taskId"].as_str().expect("an id");
        assert_ne!(id, "t-1");
        let named = json!({"taskId": id});
        let told = ask(&client, "tasks/get", &named).await.result();
        assert_eq!(told["taskId"], id, "{told}");
        for method in ["tasks/update", "tasks/cancel"] {
            ask(&client, method, &named).await.result();
        }
        let asked: Vec<_> = upstream.received_from(client.mark()).iter()
            .filter(|request| request.rpc_method().starts_with("tasks/"))
            .map(|request| request.header("mcp-name").map(str::to_owned))
            .collect();
        assert_eq!(asked, vec![Some("t-1".to_owned()); 3]);
        ask(&client, "tasks/get", &json!({"taskId": "t-1"})).await.assert_error(200, -32602, &json!(7));
    }

    async fn a_server_that_never_answers_server_discover_is_ready_by_its_sessions(role) {
        for eras in [Eras::Sessions, Eras::Both] {
            let script = Script { eras, discover: Discover::Hangs, ..Script::with_tools(vec![echo("a")]) };
            let (gateway, _upstream) = before(role, script).await;
            assert_eq!(row(&gateway), ["True", "1"], "{:?}", gateway.printed());
            assert!(!found(&gateway).1);
        }
    }

    async fn github_speaks_both_eras_and_server_everything_has_sessions_alone(role) {
        let shared = joined(role).await;
        let config = shared.gateway.configuration();
        let eras = |name: &str| {
            let mut servers = config.servers.iter();
            let server = servers.find(|server| server.name.ends_with(name)).expect(name);
            (server.protocol_version.clone(), server.stateless)
        };
        assert_eq!(eras("/github"), ("2025-11-25".to_owned(), true));
        assert_eq!(eras("/everything"), ("2025-11-25".to_owned(), false));
    }
}

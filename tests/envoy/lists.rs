//! What clients see in lists.

use harness::caller::Protocol;
use harness::gateway::Gateway;
use harness::github::token;
use harness::manifests::{Manifests, Server};
use harness::script::{Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wire::Wire;
use serde_json::{Value, json};

use crate::shared::{joined, scripted};

/// Each list's method and the member of the result that holds it.
const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
];

everywhere! {
    async fn lists_are_the_servers_own_byte_for_byte_but_for_the_names(role, protocol) {
        let shared = joined(role).await;
        let everything = Client::with_capabilities(shared.everything.address(), Protocol::Http1, json!({
            "roots": {"listChanged": true}, "sampling": {}, "elicitation": {"form": {}, "url": {}},
        })).await;
        let bearer = format!("Bearer {}", token('x'));
        let github = Client::new(shared.github.address(), Protocol::Http1).header("authorization", bearer);
        let client = shared.connected(protocol).await;
        for (method, list) in LISTS {
            let named = matches!(list, "tools" | "prompts");
            let mut expected = Vec::new();
            for (server, prefix) in [(&everything, "everything_"), (&github, "github_")] {
                let own = server.list(method, list).await;
                expected.extend(own.iter().map(|item| if named { prefixed(item, prefix) } else { item.clone() }));
            }
            assert!(list != "tools" || expected.len() > 50, "both servers have many tools: {}", expected.len());
            assert_eq!(client.list(method, list).await, expected, "{method}");
        }
    }

    async fn a_list_needs_no_session(role, protocol) {
        let shared = joined(role).await;
        let with = shared.connected(protocol).await.list("tools/list", "tools").await;
        assert_eq!(shared.client(protocol).list("tools/list", "tools").await, with);
    }

    async fn odd_definitions_keep_their_bytes(role, protocol) {
        let shared = scripted(role).await;
        let own = Client::new(shared.plain.address(), Protocol::Http1);
        let client = shared.connected(protocol).await;
        for (method, list) in LISTS {
            let listed = client.list(method, list).await;
            for item in own.list(method, list).await {
                let item = if matches!(list, "tools" | "prompts") { prefixed(&item, "plain_") } else { item };
                assert!(listed.contains(&item), "{item} in {listed:?}");
            }
        }
    }
}

in_both_roles! {
    async fn the_guides_curl_lists_tools(role) {
        let shared = joined(role).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: mcp.127-0-0-1.sslip.io:8001\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len(),
        );
        let reply = Wire::exchange(shared.gateway.address(), request).await;
        let tools = reply.result()["tools"].clone();
        assert!(tools.as_array().unwrap().iter().any(|tool| tool["name"] == "github_get_me"), "{}", reply.shown());
    }

    async fn a_gateway_without_servers_has_empty_lists(role) {
        let gateway = Gateway::start(role, &Manifests::gateway()).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        for (method, list) in LISTS {
            assert_eq!(client.request(method, &json!({})).await.result(), json!({ list: [] }));
        }
    }

    async fn a_servers_pages_are_all_read_and_a_long_list_is_paged(role) {
        let tools: Vec<_> = (0..2500).map(|n| Tool::new(&format!("t{n}"), harness::script::Answer::Echo)).collect();
        let own: Vec<_> = tools.iter().map(|tool| prefixed(&tool.definition, "many_")).collect();
        let server = Upstream::start(Script { page_items: 100, ..Script::with_tools(tools) }).await;
        let manifests = Manifests::gateway().server(&Server::new("many", server.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let first = client.request("tools/list", &json!({})).await.result();
        assert!(first["nextCursor"].is_string(), "2,500 tools come on pages");
        assert_eq!(client.list("tools/list", "tools").await, own);
        assert_eq!(client.call("many_t2499", json!({})).await.status, 200);
        let changed: String = first["nextCursor"].as_str().unwrap().chars().rev().collect();
        for cursor in [json!("invented"), json!(7), json!(changed)] {
            client.request("tools/list", &json!({"cursor": cursor})).await.assert_error(200, -32602, &json!(1));
        }
    }

    async fn a_list_of_large_definitions_is_paged_by_their_bytes(role) {
        let text = "x".repeat(64 * 1024);
        let large = |n: u32| Tool::defined("", &json!({"name": format!("t{n}"), "description": text, "inputSchema": {"type": "object"}}).to_string());
        let tools: Vec<_> = (0..100).map(large).collect();
        let own: Vec<_> = tools.iter().map(|tool| prefixed(&tool.definition, "large_")).collect();
        let server = Upstream::start(Script::with_tools(tools)).await;
        let manifests = Manifests::gateway().server(&Server::new("large", server.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let first = client.request("tools/list", &json!({})).await.result();
        let on_first = first["tools"].as_array().unwrap().len();
        assert_eq!(on_first, 4 * 1024 * 1024 / (own[10].len() + 1), "4 MiB of them");
        assert_eq!(client.list("tools/list", "tools").await, own);
    }

    async fn a_server_that_answers_by_event_streams_is_listed_as_any_other(role) {
        let script = Script { streams: true, ..Script::standard().with_sessions() };
        let server = Upstream::start(script).await;
        let manifests = Manifests::gateway().server(&Server::new("streaming", server.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let tools = client.list("tools/list", "tools").await;
        assert_eq!(tools.len(), Script::standard().tools.len());
        let reply = client.call("streaming_echo", json!({"a": 1})).await;
        assert_eq!(reply.result()["structuredContent"]["params"]["arguments"], json!({"a": 1}));
    }

    async fn the_older_of_two_registrations_keeps_a_name_that_both_have(role) {
        let both = || async { Upstream::start(Script::with_tools(vec![echo("same"), echo("own")])).await };
        let (first, second) = (both().await, both().await);
        let manifests = Manifests::gateway()
            .server(&Server::new("a-first", first.address()).prefix(""))
            .server(&Server::new("b-second", second.address()).prefix(""));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        assert_eq!(names(&client).await, ["same", "own"]);
        client.call("same", json!({})).await.result();
        first.call_from(client.mark());
        assert!(second.received_from(client.mark()).is_empty());
        let log = gateway.process().lines().join("\n");
        assert!(log.contains("b-second"), "the younger is named: {log}");
    }

    async fn a_prefix_may_begin_another(role) {
        let short = Upstream::start(Script::with_tools(vec![echo("bar_x"), echo("y")])).await;
        let long = Upstream::start(Script::with_tools(vec![echo("x"), echo("y")])).await;
        let manifests = Manifests::gateway()
            .server(&Server::new("b-short", short.address()).prefix("foo_"))
            .server(&Server::new("a-long", long.address()).prefix("foo_bar_"));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        assert_eq!(names(&client).await, ["foo_bar_x", "foo_bar_y", "foo_y"]);
        client.call("foo_bar_x", json!({})).await.result();
        assert_eq!(member_name(long.call_from(client.mark()).text()), "x");
    }

    async fn one_unreadable_definition_costs_nobody_else(role) {
        let unnamed = Tool::defined("", r#"{"inputSchema":{}}"#);
        let number = Tool::defined("", r#"{"name":7,"inputSchema":{}}"#);
        let odd = Upstream::start(Script::with_tools(vec![unnamed, echo("good"), number])).await;
        let other = Upstream::start(Script::with_tools(vec![echo("fine")])).await;
        let manifests = Manifests::gateway()
            .server(&Server::new("odd", odd.address()))
            .server(&Server::new("other", other.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        assert_eq!(names(&client).await, ["odd_good", "other_fine"]);
    }

    async fn one_bad_server_takes_nobody_else_down(role) {
        let good = Upstream::start(Script::with_tools(vec![echo("x")])).await;
        let gone = Upstream::start(Script::with_tools(vec![])).await;
        let dead = gone.address();
        drop(gone);
        let future = Upstream::start(Script { protocol_version: "2026-07-28", ..Script::with_tools(vec![echo("x")]) }).await;
        let refusing = Upstream::start(Script { authorization: Some("Bearer x".to_owned()), ..Script::with_tools(vec![]) }).await;
        let manifests = Manifests::gateway()
            .server(&Server::new("good", good.address()))
            .server(&Server::new("dead", dead))
            .server(&Server::new("future", future.address()))
            .server(&Server::new("refusing", refusing.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        assert_eq!(names(&client).await, ["good_x"]);
        let row = |name: &str| {
            let rows = gateway.printed().iter();
            rows.filter(|row| row.starts_with(name)).cloned().collect::<Vec<_>>().join("\n")
        };
        assert!(row("good ").contains("True"), "{:?}", gateway.printed());
        for name in ["dead ", "future ", "refusing "] {
            assert!(row(name).contains("False"), "{name}: {:?}", gateway.printed());
        }
    }

    async fn the_table_says_what_kubectl_would(role) {
        let shared = joined(role).await;
        let printed = shared.gateway.printed();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let header = printed.iter().position(|line| line.starts_with("NAME")).expect("a header");
        assert_eq!(words(&printed[header]), ["NAME", "PREFIX", "TARGET", "PATH", "READY", "TOOLS", "CREDENTIALS", "AGE"]);
        let github = words(printed.iter().find(|line| line.starts_with("github ")).expect("github's row"));
        assert_eq!(github[..5], ["github", "github_", "github", "/mcp", "True"]);
        assert!(github[5].parse::<u32>().unwrap() >= 40, "{github:?}");
        assert_eq!(github[6], "github-token");
        assert_eq!(printed.last().unwrap(), &format!("ready {}", shared.gateway.url()));
        assert_eq!(printed.iter().filter(|line| line.starts_with("ready ")).count(), 1);
    }
}

fn echo(name: &str) -> Tool {
    Tool::new(name, harness::script::Answer::Echo)
}

async fn names(client: &Client) -> Vec<String> {
    let tools = client.list("tools/list", "tools").await;
    tools
        .iter()
        .map(|tool| {
            serde_json::from_str::<Value>(tool).unwrap()["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn member_name(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["params"]["name"].as_str().unwrap().to_owned()
}

/// A definition with a prefix before its name and every other byte as it was.
fn prefixed(definition: &str, prefix: &str) -> String {
    let members: std::collections::HashMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(definition).unwrap();
    let at = members["name"].get().as_ptr() as usize - definition.as_ptr() as usize;
    let (before, after) = definition.split_at(at);
    format!("{before}\"{prefix}{}", &after[1..])
}

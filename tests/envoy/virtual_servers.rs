//! Virtual servers in local mode: a selection in the place of everything, by path and by header.

use std::time::Duration;

use harness::caller::{PROTOCOLS, Protocol};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

const HEADER: &str = "x-mcp-virtualserver";
const PATH: &str = "/mcp/mcp-test/few";

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(60);

/// `mcp-test/few` of these tools, without prompts.
fn few(tools: &[&str]) -> String {
    format!(
        "apiVersion: mcp.kuadrant.io/v1\nkind: MCPVirtualServer\nmetadata: {{name: few, namespace: mcp-test}}\nspec:\n  \
         tools: {}\n  prompts: []\n",
        json!(tools)
    )
}

async fn start(role: Role, server: &Upstream) -> Gateway {
    let manifests = Manifests::gateway().server(&Server::new("first", server.address()));
    Gateway::start(
        role,
        &manifests.file("few.yaml", &few(&["first_echo", "first_gone"])),
    )
    .await
}

/// What of a method comes back by path and by header.
async fn both(client: &Client, method: &str, params: Value) -> [Value; 2] {
    let body = json!({"jsonrpc": "2.0", "id": "v", "method": method, "params": params}).to_string();
    let by_path = client.post(body.clone()).path(PATH);
    let by_header = client.post(body).header(HEADER, "mcp-test/few");
    let by_path = by_path.send(client.address, client.protocol).await;
    let by_header = by_header.send(client.address, client.protocol).await;
    [by_path.message(), by_header.message()]
}

fn names(list: &Value, member: &str) -> Vec<String> {
    let list = list["result"][member].as_array().expect("a list");
    list.iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

in_both_roles! {
    async fn it_lists_and_calls_what_it_selects_and_nothing_else(role) {
        let server = Upstream::start(Script::standard()).await;
        let gateway = start(role, &server).await;
        for protocol in PROTOCOLS {
            let client = Client::connected(gateway.address(), protocol).await;
            assert!(client.list("tools/list", "tools").await.len() > 1);
            for list in both(&client, "tools/list", json!({})).await {
                assert_eq!(names(&list, "tools"), ["first_echo"]);
            }
            for list in both(&client, "prompts/list", json!({})).await {
                assert_eq!(names(&list, "prompts"), [""; 0]);
            }
            for answer in both(&client, "tools/call", json!({"name": "first_echo", "arguments": {}})).await {
                assert!(answer["result"].is_object(), "{answer}");
            }
            let before = server.received_from(client.mark()).len();
            for answer in both(&client, "tools/call", json!({"name": "first_slow", "arguments": {}})).await {
                assert_eq!(answer["error"]["code"], -32602, "{answer}");
                assert_eq!(answer["error"]["message"], "Unknown tool: first_slow");
            }
            assert_eq!(server.received_from(client.mark()).len(), before, "no call reaches the server");
        }
    }

    async fn a_client_can_open_its_session_at_the_path(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let gateway = start(role, &server).await;
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"},
        }});
        let mut client = Client::new(gateway.address(), Protocol::Http1);
        let reply = client.post(initialize.to_string()).path(PATH).send(client.address, client.protocol).await;
        client.session = reply.header("mcp-session-id").map(str::to_owned);
        assert!(client.session.is_some(), "{}", reply.shown());
        for answer in both(&client, "tools/call", json!({"name": "first_echo", "arguments": {}})).await {
            assert!(answer["result"].is_object(), "{answer}");
        }
        client.call("first_echo", json!({})).await.result();
    }

    async fn who_asks_for_one_that_is_not_there_gets_nothing(role) {
        let server = Upstream::start(Script::standard()).await;
        let gateway = start(role, &server).await;
        let client = Client::connected(gateway.address(), Protocol::Http2).await;
        for (method, params) in [
            ("initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}})),
            ("tools/list", json!({})),
            ("tools/call", json!({"name": "first_echo", "arguments": {}})),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": "v", "method": method, "params": params}).to_string();
            for value in ["mcp-test/gone", "few", ""] {
                let reply = client.post(body.clone()).header(HEADER, value).send(client.address, client.protocol).await;
                reply.assert_error(200, -32600, &json!("v"));
                let message = &reply.message()["error"]["message"];
                assert!(message.as_str().unwrap().contains(HEADER), "it says what is wrong: {message}");
                assert!(reply.header("mcp-session-id").is_none(), "{}", reply.shown());
            }
            for path in ["/mcp/mcp-test/gone", "/mcp/mcp-test/few/", "/mcp/", "/mcp/mcp-test%2Ffew"] {
                let reply = client.post(body.clone()).path(path).send(client.address, client.protocol).await;
                reply.assert_error(200, -32600, &json!("v"));
            }
        }
        assert!(server.received_from(client.mark()).is_empty(), "no call reaches the server");
    }

    async fn a_change_of_it_is_served_and_its_end_closes_its_path(role) {
        let server = Upstream::start(Script::standard()).await;
        let gateway = start(role, &server).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        gateway.write("few.yaml", &few(&["first_slow", "first_echo"]));
        until("both tools are listed", LATE, || async {
            let [list, _] = both(&client, "tools/list", json!({})).await;
            (names(&list, "tools") == ["first_echo", "first_slow"]).then_some(())
        }).await;
        gateway.remove("few.yaml");
        until("its path is closed", LATE, || async {
            let [answer, _] = both(&client, "tools/list", json!({})).await;
            (answer["error"]["code"] == -32600).then_some(())
        }).await;
    }
}

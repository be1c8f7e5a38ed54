//! Virtual servers are not served yet: who asks for one is never shown everything.

use serde_json::json;

use crate::shared::scripted;

const HEADER: &str = "x-mcp-virtualserver";

everywhere! {
    async fn who_asks_for_a_virtual_server_gets_an_error_and_nobody_else_does(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for (method, params) in [
            ("initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}})),
            ("tools/list", json!({})),
            ("tools/call", json!({"name": "plain_echo", "arguments": {}})),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": "v", "method": method, "params": params}).to_string();
            for value in ["mcp-test/few", ""] {
                let reply = client.post(body.clone()).header(HEADER, value).send(client.address, protocol).await;
                reply.assert_error(200, -32600, &json!("v"));
                let message = &reply.message()["error"]["message"];
                assert!(message.as_str().unwrap().contains(HEADER), "it says what to leave out: {message}");
                assert!(reply.header("mcp-session-id").is_none(), "{}", reply.shown());
            }
        }
        assert!(shared.plain.received_from(client.mark()).is_empty(), "no call reaches a server");
        client.call("plain_echo", json!({})).await.result();
    }

    async fn the_path_of_a_virtual_server_leads_nowhere(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        for path in ["/mcp/mcp-test/few", "/mcp/mcp-test/few/", "/mcp/"] {
            let reply = client.post(body).path(path).send(client.address, protocol).await;
            assert!(reply.status == 404 && !reply.text().contains("plain_"), "{path}: {}", reply.shown());
        }
        client.call("plain_echo", json!({})).await.result();
    }
}

//! Clients of the stateless revision 2026-07-28 are told to fall back to the handshake.

use serde_json::json;

use crate::shared::scripted;

everywhere! {
    async fn server_discover_is_answered_404_and_method_not_found(role, protocol) {
        let shared = scripted(role).await;
        let body = json!({"jsonrpc": "2.0", "id": "d1", "method": "server/discover", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        let client = shared.client(protocol);
        let bare = client.send(body.to_string()).await;
        bare.assert_error(404, -32601, &json!("d1"));
        let request = client.post(body.to_string())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "server/discover");
        request.send(client.address, protocol).await.assert_error(404, -32601, &json!("d1"));
    }

    async fn a_stateless_request_is_refused_without_a_stateless_code(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        let body = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        let request = client.post(body.to_string())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/list");
        let reply = request.send(client.address, protocol).await;
        assert!((400..500).contains(&reply.status), "{}", reply.shown());
        let code = reply.message()["error"]["code"].as_i64().unwrap();
        assert!(!(-32099..=-32020).contains(&code), "a code that says: I speak 2026-07-28: {code}");
    }
}

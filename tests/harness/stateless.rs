//! Requests of the stateless revision 2026-07-28, as its clients write them.

use serde_json::{Value, json};

use crate::caller::Request;
use crate::message::Reply;
use crate::sessions::Client;

/// The revision.
pub const REVISION: &str = "2026-07-28";

/// What stands for the handshake in each request, with these capabilities of the client.
pub fn meta(capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    })
}

/// The body of a request with the id 7, of a client that can answer nothing.
pub fn body(method: &str, params: &Value) -> Value {
    let mut params = params.clone();
    if params["_meta"].is_null() {
        params["_meta"] = meta(&json!({}));
    }
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

/// The request with all headers that its body wants.
pub fn request(client: &Client, method: &str, params: &Value) -> Request {
    let name = match method {
        "tools/call" | "prompts/get" => params["name"].as_str(),
        "resources/read" => params["uri"].as_str(),
        "tasks/get" | "tasks/update" | "tasks/cancel" => params["taskId"].as_str(),
        _ => None,
    };
    let request = client
        .post(body(method, params).to_string())
        .header("mcp-protocol-version", REVISION)
        .header("mcp-method", method);
    match name {
        Some(name) => request.header("mcp-name", name),
        None => request,
    }
}

/// Asks and waits for the whole answer.
pub async fn ask(client: &Client, method: &str, params: &Value) -> Reply {
    request(client, method, params)
        .send(client.address, client.protocol)
        .await
}

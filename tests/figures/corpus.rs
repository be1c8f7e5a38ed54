//! The corpus `synthetic`: servers whose tools have texts made of words drawn by a fixed rule. With 40 tools each it is
//! `synthetic-40`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use harness::port::Port;
use harness::runtime;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Tools of a server whose path does not say how many.
pub(crate) const TOOLS: usize = 40;

const WORDS: [&str; 32] = [
    "list",
    "create",
    "issue",
    "branch",
    "commit",
    "the",
    "of",
    "repository",
    "a",
    "owner",
    "with",
    "name",
    "search",
    "returns",
    "pull",
    "request",
    "page",
    "number",
    "state",
    "label",
    "filter",
    "by",
    "milestone",
    "assignee",
    "draft",
    "review",
    "comment",
    "thread",
    "merge",
    "file",
    "content",
    "reference",
];

/// A linear congruence (Knuth's constants), so that every run draws the same words.
struct Words(u64);

impl Words {
    fn next(&mut self) -> &'static str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        WORDS[(self.0 >> 59) as usize]
    }

    fn sentence(&mut self, words: usize) -> String {
        let words: Vec<_> = (0..words).map(|_| self.next()).collect();
        words.join(" ")
    }
}

/// Tool number `tool` of server number `server`: some 700 bytes.
fn tool(server: u64, tool: usize) -> Value {
    let mut words = Words(server * 1_000 + tool as u64);
    let property = |words: &mut Words| json!({"type": "string", "description": words.sentence(9)});
    let properties: serde_json::Map<_, _> = (0..5)
        .map(|number| (format!("{}_{number}", words.next()), property(&mut words)))
        .collect();
    json!({
        "name": format!("{}_{}_{tool}", words.next(), words.next()),
        "description": words.sentence(24),
        "inputSchema": {"type": "object", "properties": properties},
    })
}

/// The name of that tool, as its server knows it.
pub(crate) fn tool_name(server: u64, number: usize) -> String {
    tool(server, number)["name"].as_str().unwrap().to_owned()
}

/// Serves the corpus: server number N at path `/mcp/N`, and at `/mcp/N/T` with T tools. Ends with the program.
pub(crate) async fn serve() -> SocketAddr {
    let port = Arc::new(Port::hold());
    let address = port.address();
    let listener = TcpListener::bind(address).await.unwrap();
    runtime::spawn(async move {
        let _port = port;
        let routes = Router::new()
            .route("/mcp/{server}", post(usual))
            .route("/mcp/{server}/{tools}", post(sized));
        axum::serve(listener, routes).await.unwrap();
    });
    address
}

async fn usual(Path(server): Path<u64>, body: axum::body::Bytes) -> Response {
    answer(server, TOOLS, &body)
}

async fn sized(Path((server, tools)): Path<(u64, usize)>, body: axum::body::Bytes) -> Response {
    answer(server, tools, &body)
}

fn answer(server: u64, tools: usize, body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap();
    let result = match request["method"].as_str().unwrap() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "synthetic-40", "version": "1"},
        }),
        "tools/list" => {
            let tools: Vec<_> = (0..tools).map(|number| tool(server, number)).collect();
            json!({ "tools": tools })
        }
        "tools/call" => json!({"content": []}),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    axum::Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).into_response()
}

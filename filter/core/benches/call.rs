//! One call of a tool of a server with sessions, from request headers to the end of its response.
//! `call ROUNDS` makes that many; for callgrind, which counts instructions.

use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;

use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind};
use mcp_filter_core::claims::Claims;
use mcp_filter_core::exchange::CallStep;
use mcp_filter_core::slots::MemorySlots;
use mcp_filter_core::{
    BodyStep, CallOutcome, Context, Exchange, Headers, RequestStep, ResponseHeadStep,
    ResponseSource, Table,
};

const NOW_MS: u64 = 1_790_000_000_000;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"one_tool","arguments":{"text":"a text of some length, as it is in an ordinary call of a tool, with a \"quote\"","count":3}}}"#;
const OPENED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"one","version":"1"}}}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a result of some length, as it is in an ordinary answer of a tool"}]}}"#;

/// What outlives a request.
struct Gateway {
    table: Rc<Table>,
    slots: MemorySlots,
}

/// The heads of a call: the host hands each over in one block.
struct Heads {
    request: Headers,
    response: Headers,
}

impl Gateway {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut config: PluginConfig =
            serde_json::from_str(include_str!("../src/exchange/tests/driver/config.json"))?;
        let mut catalog = CatalogWriter::new();
        let definition = r#"{"name":"tool","inputSchema":{}}"#;
        catalog.push(1, Definition::parse(ListKind::Tools, "one_", definition)?);
        config.catalog = Some(catalog.finish());
        for server in &mut config.servers {
            server.prefix = "one_".to_owned();
            server.policies = vec![0];
        }
        Ok(Self {
            table: Rc::new(Table::compile(&config)?),
            slots: MemorySlots::new(),
        })
    }

    fn lend<T>(&mut self, callback: impl FnOnce(&mut Context<'_>) -> T) -> T {
        callback(&mut Context {
            now_ms: NOW_MS,
            random: &mut |bytes| bytes.fill(7),
            claims: &mut |_| Claims::NONE,
            slots: &mut self.slots,
        })
    }

    /// Up to the decision. A session at the server is opened when there is none.
    fn request(&mut self, head: Headers, body: &str) -> (Exchange, RequestStep) {
        let mut exchange = Exchange::new(Rc::clone(&self.table));
        self.lend(|context| exchange.on_request_headers(head, false, context));
        let piece = body.as_bytes().to_vec();
        let mut step = self.lend(|context| exchange.on_held_body(piece, true, context));
        while let Some(token) = exchange.take_calls().iter().find_map(|call| call.token) {
            let outcome = CallOutcome::Answered {
                headers: response_head(&[("mcp-session-id", b"upstream")]),
                body: OPENED.into(),
            };
            match self.lend(|context| exchange.on_call(token, outcome, context)) {
                CallStep::Request(later) => step = later,
                _ => continue,
            }
        }
        (exchange, step)
    }

    /// A whole call.
    fn call(&mut self, heads: &Heads) -> bool {
        let (mut exchange, step) = self.request(heads.request.clone(), black_box(CALL));
        let RequestStep::Release(release) = step else {
            return false;
        };
        black_box(release);
        let head = heads.response.clone();
        let continued = self.lend(|context| {
            exchange.on_response_headers(head, false, ResponseSource::Upstream, context)
        });
        let body = RESULT.as_bytes().to_vec();
        let first = exchange.on_response_body(body, false);
        let last = exchange.on_response_body(Vec::new(), true);
        exchange.on_done();
        matches!(continued, ResponseHeadStep::Continue(..))
            && first != BodyStep::Reset
            && last == BodyStep::Forward
    }
}

fn request_head(session: Option<&[u8]>, body: &str) -> Headers {
    let length = body.len().to_string();
    let mut pairs: Vec<(&str, &[u8])> = vec![
        (":authority", b"127.0.0.1"),
        (":path", b"/mcp"),
        (":method", b"POST"),
        (":scheme", b"http"),
        ("content-type", b"application/json"),
        ("accept", b"application/json, text/event-stream"),
        ("x-github-pat", b"abcdef"),
        ("mcp-protocol-version", b"2025-06-18"),
        ("user-agent", b"bench"),
        ("content-length", length.as_bytes()),
        ("x-forwarded-proto", b"http"),
        ("x-request-id", b"8d5ff3f4-23b4-4b0e-9a0c-6f1c7b0a9a33"),
    ];
    pairs.extend(session.map(|id| ("mcp-session-id", id)));
    headers(&pairs)
}

fn response_head(more: &[(&str, &[u8])]) -> Headers {
    let mut pairs: Vec<(&str, &[u8])> = vec![
        (":status", b"200"),
        ("content-type", b"application/json"),
        ("content-length", b"140"),
        ("date", b"Sat, 21 Nov 2026 12:00:00 GMT"),
        ("x-envoy-upstream-service-time", b"1"),
    ];
    pairs.extend(more);
    headers(&pairs)
}

fn headers(pairs: &[(&str, &[u8])]) -> Headers {
    let owned = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
    Headers::new(pairs.iter().map(owned).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1);
    let mut gateway = Gateway::new()?;
    let (_, RequestStep::Respond(opened)) =
        gateway.request(request_head(None, INITIALIZE), INITIALIZE)
    else {
        return Err("initialize was not answered".into());
    };
    let mut named = opened.headers.iter();
    let (_, session) = named
        .find(|(name, _)| name == "mcp-session-id")
        .ok_or("no session")?;
    let heads = Heads {
        request: request_head(Some(session), CALL),
        response: response_head(&[]),
    };
    for _ in 0..rounds {
        if !gateway.call(&heads) {
            return Err("the call did not go through".into());
        }
    }
    Ok(())
}

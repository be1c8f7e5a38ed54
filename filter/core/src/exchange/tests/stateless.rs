//! Clients of 2026-07-28, and servers of it, with their counterparts of either era.

mod answers;
mod calls;
mod from_sessions;
mod headers;
mod logs;
mod mirrored;
mod statuses;
mod tasks;

use super::driver::*;
use crate::step::{BodyStep, LocalResponse, ResponseHeadStep};

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A request with these members of `params`, and `_meta` behind them.
fn request(method: &str, params: &str) -> String {
    let comma = if params.is_empty() { "" } else { "," };
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}{comma}{META}}}}}"#)
}

/// A request that is answered here, with the headers that it wants.
fn ask(gateway: &mut Gateway, method: &str, params: &str) -> LocalResponse {
    gateway.answer(&[VERSION, ("mcp-method", method)], &request(method, params))
}

/// `github` answers stateless requests, too.
fn with_both() -> Gateway {
    Gateway::with(|config| {
        if let Some(server) = config.servers.first_mut() {
            server.stateless = true;
        }
    })
}

/// `github` answers no others.
fn with_stateless_alone() -> Gateway {
    Gateway::with(|config| {
        config.requires.push("stateless".to_owned());
        if let Some(server) = config.servers.first_mut() {
            server.stateless = true;
            server.protocol_version = "2026-07-28".to_owned();
        }
    })
}

/// What the client gets of a response of these pieces.
fn feed(
    gateway: &mut Gateway,
    exchange: &mut crate::Exchange,
    content_type: (&str, &str),
    pieces: &[&str],
) -> String {
    let step = gateway.respond(exchange, 200, &[content_type]);
    assert!(matches!(step, ResponseHeadStep::Continue(..)), "{step:?}");
    let (mut out, mut held) = (String::new(), String::new());
    for (index, piece) in pieces.iter().enumerate() {
        held.push_str(piece);
        match gateway.body(exchange, piece, index + 1 == pieces.len()) {
            BodyStep::Hold => {}
            BodyStep::Forward => out.push_str(&std::mem::take(&mut held)),
            BodyStep::Replace(bytes) => {
                out.push_str(text(&bytes));
                held.clear();
            }
            other => panic!("{other:?}"),
        }
    }
    out
}

//! Clients of 2026-07-28, and servers of it, with their counterparts of either era.

mod answers;
mod calls;
mod headers;

use super::driver::*;
use crate::step::LocalResponse;

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

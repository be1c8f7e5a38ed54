//! A server asks for input before it answers, of a client whose revision has no words for that.
//!
//! The gateway has declared no capability for it, so a server has no reason to ask; one that does must not leave the
//! client with a result that it would take for an empty one.

use super::routed::Routed;
use crate::Table;
use crate::json::splice::string_token;
use crate::method::RoutedMethod;
use crate::rejection::{Caller, Rejection};

/// What the client gets in the place of the server's result.
pub(crate) fn answer(table: &Table, routed: &Routed) -> Vec<u8> {
    let server = &table.server(routed.route.server).name;
    told(server, routed.route.method, routed.caller())
}

/// The same, of a `method` of the `server` with this name.
///
/// MCP 2025-11-25, server/tools, Error Handling: what a tool could not do is its result, which a model reads.
pub(crate) fn told(server: &str, method: &str, caller: Caller<'_>) -> Vec<u8> {
    let rejection = Rejection::InputRequired {
        server: server.to_owned(),
    };
    match caller.id {
        Some(id) if method == RoutedMethod::ToolsCall.as_str() => {
            let text = string_token(&rejection.to_string());
            let before = br#"{"jsonrpc":"2.0","id":"#.as_slice();
            let result = br#","result":{"content":[{"type":"text","text":"#.as_slice();
            [before, id, result, &text, br#"}],"isError":true}}"#].concat()
        }
        _ => rejection.body(caller),
    }
}

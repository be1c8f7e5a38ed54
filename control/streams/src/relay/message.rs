//! What is asked of servers.

use axum::body::Bytes;
use mcp_filter_core::version::STATELESS_REVISION;
use serde_json::value::RawValue;

use crate::uris::{Uri, Uris};

/// `subscriptions/listen`
pub(super) const LISTEN: &str = "subscriptions/listen";

/// Asks for updates of a resource (MCP 2025-11-25, server/resources, "Subscriptions"), of a server with sessions. Towards it
/// the gateway gives the request an id of its own.
pub(crate) fn subscribe(uri: &Uri) -> Bytes {
    request("resources/subscribe", uri)
}

/// Takes that back.
pub(super) fn unsubscribe(uri: &Uri) -> Bytes {
    request("resources/unsubscribe", uri)
}

fn request(method: &str, uri: &Uri) -> Bytes {
    let params = format!(r#"{{"uri":{}}}"#, uri.token());
    format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{params}}}"#).into()
}

/// Asks for updates of these resources (MCP 2026-07-28, basic/utilities/subscriptions), of a server without sessions.
pub(super) fn listen(uris: &Uris, meta: Option<&RawValue>) -> Bytes {
    // What stands for the handshake (MCP 2026-07-28, basic, "Per-request protocol fields").
    let own = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"{STATELESS_REVISION}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    let meta = meta.map_or(own.as_str(), RawValue::get);
    let notifications = format!(r#"{{"resourceSubscriptions":{}}}"#, uris.array());
    let params = format!(r#"{{"notifications":{notifications},"_meta":{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{LISTEN}","params":{params}}}"#).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri() -> Uri {
        Uri::read(&RawValue::from_string(r#""a:\/b""#.to_owned()).unwrap()).unwrap()
    }

    fn text(body: &Bytes) -> &str {
        std::str::from_utf8(body).unwrap()
    }

    #[test]
    fn a_resource_is_asked_for_as_the_client_wrote_it() {
        let expected =
            r#"{"jsonrpc":"2.0","id":0,"method":"resources/subscribe","params":{"uri":"a:\/b"}}"#;
        assert_eq!(text(&subscribe(&uri())), expected);
    }

    #[test]
    fn a_server_without_sessions_gets_what_stands_for_the_handshake() {
        let uris: Uris = [uri()].into_iter().collect();
        let own: serde_json::Value = serde_json::from_slice(&listen(&uris, None)).unwrap();
        let expected = serde_json::json!({
            "notifications": {"resourceSubscriptions": ["a:/b"]},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        });
        assert_eq!(own["params"], expected);
        let meta = RawValue::from_string(r#"{"a": 1e2}"#.to_owned()).unwrap();
        let body = listen(&uris, Some(&meta));
        assert!(
            text(&body).ends_with(r#""_meta":{"a": 1e2}}}"#),
            "{}",
            text(&body)
        );
    }
}

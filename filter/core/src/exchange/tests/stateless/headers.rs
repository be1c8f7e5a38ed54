//! What a stateless request must say of itself, and what it must not say twice.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// How a request with these headers and this body is refused.
fn refusal(headers: &[(&str, &str)], body: &str) -> (u16, i64) {
    let response = Gateway::new().answer(headers, body);
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["id"], 7, "{body}");
    (response.status, body["error"]["code"].as_i64().unwrap())
}

const LIST: (&str, &str) = ("mcp-method", "tools/list");

#[test]
fn a_header_that_is_missing_or_differs_is_a_mismatch() {
    let list = request("tools/list", "");
    for headers in [
        &[LIST] as &[_],
        &[VERSION],
        &[VERSION, VERSION, LIST],
        &[VERSION, LIST, LIST],
        &[VERSION, ("mcp-method", "TOOLS/LIST")],
        &[VERSION, ("mcp-method", "prompts/list")],
        &[("mcp-protocol-version", "2025-11-25"), LIST],
    ] {
        assert_eq!(refusal(headers, &list), (400, -32020), "{headers:?}");
    }
}

#[test]
fn a_name_that_the_header_spells_otherwise_is_a_mismatch() {
    let call = request("tools/call", r#""name":"s_echo""#);
    let with = |name| [VERSION, ("mcp-method", "tools/call"), ("mcp-name", name)];
    for name in [
        "echo",
        "S_ECHO",
        "",
        "=?base64?c19lY2hv?",
        "=?base64?c19lY2h?=",
        "=?base64?c19lY2hv!?=",
    ] {
        assert_eq!(refusal(&with(name), &call), (400, -32020), "{name}");
    }
    assert_eq!(
        refusal(&[VERSION, ("mcp-method", "tools/call")], &call),
        (400, -32020)
    );
    let read = request("resources/read", r#""uri":"file:///a""#);
    let headers = [
        VERSION,
        ("mcp-method", "resources/read"),
        ("mcp-name", "file:///b"),
    ];
    assert_eq!(refusal(&headers, &read), (400, -32020));
}

#[test]
fn a_name_may_be_spelled_in_base64_and_have_space_around_it() {
    let call = request("tools/call", r#""name":"s_echo""#);
    for name in ["s_echo", " s_echo\t", "=?base64?c19lY2hv?="] {
        let headers = [VERSION, ("mcp-method", "tools/call"), ("mcp-name", name)];
        let (_, step) = Gateway::new().post(&headers, &call);
        assert!(holds(&step), "{step:?}");
    }
}

#[test]
fn what_stands_for_the_handshake_must_be_there() {
    let headers = [VERSION, ("mcp-method", "server/discover")];
    for params in [
        "",
        r#","params":{}"#,
        r#","params":{"_meta":{}}"#,
        r#","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
        r#","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":1,"io.modelcontextprotocol/clientCapabilities":{}}}"#,
        r#","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#,
        r#","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":null}}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"server/discover"{params}}}"#);
        assert_eq!(refusal(&headers, &body), (400, -32602), "{params}");
    }
}

#[test]
fn a_revision_that_is_not_served_is_answered_with_those_that_are() {
    let body = request("tools/list", "").replace("2026-07-28", "v999.0.0");
    let headers = [("mcp-protocol-version", "v999.0.0"), LIST];
    let response = Gateway::new().answer(&headers, &body);
    assert_eq!(response.status, 400);
    assert!(text(&response.body).contains(
        r#""code":-32022,"message":"Unsupported protocol version","data":{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"requested":"v999.0.0"}"#
    ));
    // Whoever says two things is told that first.
    assert_eq!(refusal(&[VERSION, LIST], &body), (400, -32020));
}

#[test]
fn what_sessions_need_is_no_method_of_it() {
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "unknown/method",
    ] {
        let headers = [VERSION, ("mcp-method", method)];
        assert_eq!(
            refusal(&headers, &request(method, "")),
            (404, -32601),
            "{method}"
        );
    }
}

#[test]
fn a_session_id_is_ignored() {
    let mut gateway = Gateway::new();
    let headers = [VERSION, LIST, ("mcp-session-id", "never issued")];
    let response = gateway.answer(&headers, &request("tools/list", ""));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response.headers, "mcp-session-id"), None);
}

#[test]
fn a_notification_is_accepted_and_an_answer_is_no_message() {
    let mut gateway = Gateway::new();
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    assert_eq!(gateway.answer(&[VERSION], notification).status, 202);
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    assert_eq!(refusal(&[VERSION], answer), (400, -32600));
}

#[test]
fn a_level_of_log_messages_that_there_is_not_is_an_invalid_parameter() {
    for level in [r#""loud""#, "1", "null"] {
        let meta = META.strip_suffix('}').unwrap();
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{{{meta},"io.modelcontextprotocol/logLevel":{level}}}}}}}"#
        );
        assert_eq!(refusal(&[VERSION, LIST], &body), (200, -32602), "{level}");
    }
}

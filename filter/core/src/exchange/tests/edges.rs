use super::driver::*;
use crate::step::RequestStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Body, status, JSON-RPC code, and the id as it is echoed.
const BAD_BODIES: &[(&str, u16, i32, Option<&str>)] = &[
    ("", 400, -32700, None),
    ("{", 400, -32700, None),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{]}"#,
        400,
        -32700,
        Some("1"),
    ),
    (
        r#"{"id":01,"jsonrpc":"2.0","method":"ping"}"#,
        400,
        -32700,
        None,
    ),
    (
        r#"{"id":1.x,"jsonrpc":"2.0","method":"ping"}"#,
        400,
        -32700,
        None,
    ),
    ("nul", 400, -32700, None),
    ("null", 400, -32600, None),
    ("17", 400, -32600, None),
    (r#""x""#, 400, -32600, None),
    ("[]", 400, -32600, None),
    ("{}", 400, -32600, None),
    (
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        400,
        -32600,
        None,
    ),
    (
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        400,
        -32600,
        None,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
        400,
        -32600,
        Some("1"),
    ),
    (r#"{"jsonrpc":"2.0","id":1}"#, 400, -32600, Some("1")),
    (
        r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","n\u0061me":"y"}}"#,
        400,
        -32600,
        Some("\"a\""),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
        400,
        -32600,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        400,
        -32600,
        None,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#,
        200,
        -32601,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"github_"}}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_me"}}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"none"}}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
        200,
        -32602,
        Some("1"),
    ),
    (
        r#"{"jsonrpc":"2.0","id":4,"method":"server/discover"}"#,
        400,
        -32020,
        Some("4"),
    ),
];

#[test]
fn a_bad_body_is_answered_with_status_code_and_the_id_where_there_is_one() {
    for (body, status, code, id) in BAD_BODIES {
        let response = Gateway::new().answer(&[], body);
        let answer = text(&response.body);
        assert_eq!(response.status, *status, "{body} -> {answer}");
        let id = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
        let begin = format!("{{\"jsonrpc\":\"2.0\",{id}\"error\":{{\"code\":{code},");
        assert!(answer.starts_with(&begin), "{body} -> {answer}");
    }
}

#[test]
fn a_body_of_depth_ten_thousand_is_taken_for_what_it_is() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"arguments":{deep},"name":"github_get_me"}}}}"#
    );
    released(Gateway::new().post(&[PAT], &request).1);
}

#[test]
fn an_id_of_a_megabyte_is_refused_without_an_echo() {
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#,
        "x".repeat(1 << 20)
    );
    let response = Gateway::new().answer(&[], &request);
    assert_eq!(response.status, 400);
    assert!(response.body.len() < 200);
}

#[test]
fn internal_hosts_are_closed_in_any_spelling() {
    for host in [
        "github.mcp.local",
        "GITHUB.mcp.local:8001",
        "github.mcp.local.",
        "other.mcp.local",
        "api.example.com:443",
        "stateful",
    ] {
        let response = Gateway::new().answer(&[(":authority", host)], "{}");
        assert_eq!(response.status, 403, "{host}");
    }
}

#[test]
fn a_foreign_origin_is_refused_and_that_of_the_same_host_and_port_is_not() {
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    for (origin, status) in [
        ("http://localhost:8001", 200),
        ("https://localhost:8001", 200),
        ("https://localhost", 403),
        ("http://localhost:9", 403),
        ("http://127.0.0.1:8001", 403),
        ("http://evil.example.com", 403),
        ("null", 403),
        ("http://localhost.evil.example.com", 403),
    ] {
        assert_eq!(
            Gateway::new().answer(&[("origin", origin)], ping).status,
            status,
            "{origin}"
        );
    }
}

#[test]
fn other_verbs_are_told_what_is_allowed() {
    for verb in ["GET", "PUT", "OPTIONS", "HEAD"] {
        let response = Gateway::new().answer(&[(":method", verb)], "");
        assert_eq!(response.status, 405);
        assert_eq!(
            header(&response.headers, "allow").as_deref(),
            Some("POST, DELETE")
        );
    }
}

#[test]
fn an_unknown_revision_is_refused_but_not_for_initialize() {
    let mut gateway = Gateway::new();
    for (version, code) in [("2026-07-28", -32602), ("1", -32600), ("\u{e9}", -32600)] {
        let headers = [("mcp-protocol-version", version)];
        let response = gateway.answer(&headers, r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#);
        assert_eq!(response.status, 400);
        let expected = format!(r#""id":9,"error":{{"code":{code}"#);
        assert!(text(&response.body).contains(&expected));
        assert_eq!(
            gateway
                .answer(&headers, &initialize("2025-06-18", "{}"))
                .status,
            200
        );
    }
}

#[test]
fn two_revisions_are_none_in_any_order() {
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    for (first, second) in [
        ("2025-06-18", "1999"),
        ("1999", "2025-06-18"),
        ("2025-06-18", "2025-06-18"),
        ("2025-06-18", ""),
    ] {
        let headers = [first, second].map(|version| ("mcp-protocol-version", version));
        let response = Gateway::new().answer(&headers, ping);
        assert_eq!(response.status, 400, "{first}, {second}");
        assert!(text(&response.body).contains("MCP-Protocol-Version"));
    }
}

#[test]
fn a_refused_body_is_read_to_its_end_before_it_is_answered() {
    let mut gateway = Gateway::new();
    let (_, step) = gateway.post_pieces(&[], &[b"{]", b"more", b"end"]);
    assert!(matches!(step, RequestStep::Respond(response) if response.status == 400));
    let mut exchange = crate::Exchange::new(std::rc::Rc::clone(&gateway.table));
    gateway
        .lend(|context| exchange.on_request_headers(request_headers("POST", &[]), false, context));
    let step = gateway.lend(|context| exchange.on_held_body(b"{]".to_vec(), false, context));
    assert_eq!(step, RequestStep::Hold);
}

#[test]
fn odd_content_types_and_accepts_are_tolerated() {
    for headers in [
        &[("content-type", "text/plain")][..],
        &[("accept", "*/*")][..],
        &[][..],
    ] {
        assert_eq!(
            Gateway::new()
                .answer(headers, r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)
                .status,
            200
        );
    }
}

#[test]
fn a_request_of_which_the_host_tells_nothing_does_not_pass() {
    let mut gateway = Gateway::new();
    let mut exchange = crate::Exchange::new(std::rc::Rc::clone(&gateway.table));
    let headers = crate::Headers::default();
    let step = gateway.lend(|context| exchange.on_request_headers(headers, false, context));
    assert!(matches!(step, RequestStep::Respond(response) if response.status >= 500));
}

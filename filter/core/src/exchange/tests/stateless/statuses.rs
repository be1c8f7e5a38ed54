//! Statuses that are no success, which clients of 2026-07-28 get as the server's where an error comes with them.

use super::*;
use crate::step::{HeaderEdit, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ERROR: &str = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}"#;

/// A call whose response has begun with `status`, and what its headers wait for.
fn weighed(gateway: &mut Gateway, status: u16) -> (crate::Exchange, Vec<HeaderEdit>) {
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
    ];
    let call = request("tools/call", r#""name":"github_get_me""#);
    let (mut exchange, step) = gateway.post(&headers, &call);
    released(step);
    match gateway.respond(&mut exchange, status, &[JSON]) {
        ResponseHeadStep::Weigh(edits) => (exchange, edits),
        other => panic!("not weighed: {other:?}"),
    }
}

#[test]
fn an_error_passes_with_the_servers_status() {
    for (status, expected) in [(400, None), (404, None), (500, Some("200"))] {
        let mut gateway = with_stateless_alone();
        let (mut exchange, edits) = weighed(&mut gateway, status);
        assert_eq!(set(&edits, ":status").as_deref(), expected);
        assert!(removes(&edits, "content-length"));
        let (first, last) = ERROR.split_at(20);
        assert_eq!(gateway.body(&mut exchange, first, false), BodyStep::Hold);
        // The editor gives what it has kept: all of it.
        match gateway.body(&mut exchange, last, true) {
            BodyStep::Replace(bytes) => assert_eq!(text(&bytes), ERROR),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_answer_is_the_gateways_error_with_its_status() {
    for body in [
        "{}",
        "[]",
        "no",
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":8,"error":{"code":1,"message":""}}"#,
    ] {
        let mut gateway = with_stateless_alone();
        let (mut exchange, _) = weighed(&mut gateway, 404);
        let BodyStep::Respond(response) = gateway.body(&mut exchange, body, true) else {
            panic!("{body} passes");
        };
        assert_eq!(response.status, 502);
        let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603"#;
        assert!(
            text(&response.body).starts_with(error),
            "{}",
            text(&response.body)
        );
        assert_eq!(
            gateway.body(&mut exchange, "more", true),
            BodyStep::Replace(Vec::new())
        );
    }
}

#[test]
fn headers_that_wait_for_a_body_that_stalls_are_answered_for() {
    let mut gateway = with_stateless_alone();
    let (mut exchange, _) = weighed(&mut gateway, 404);
    assert_eq!(gateway.body(&mut exchange, "{", false), BodyStep::Hold);
    gateway.now_ms += 300_000;
    match gateway.lend(|context| exchange.on_tick(context)) {
        TickStep::Respond(response) => assert_eq!(response.status, 504),
        other => panic!("{other:?}"),
    }
}

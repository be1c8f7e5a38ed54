use super::driver::*;
use crate::exchange::CallStep;
use crate::step::{BodyStep, CallOutcome, LocalResponse, ResponseHeadStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A call that meets a session that its server has lost, and the `initialize` that follows.
fn lost() -> (Gateway, String, crate::Exchange, crate::HttpCall) {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    gateway.open(&mut exchange, "old");
    let step = gateway.respond(&mut exchange, 404, &[JSON]);
    assert_eq!(step, ResponseHeadStep::Hold);
    let opening = only(exchange.take_calls());
    (gateway, session, exchange, opening)
}

fn answer(step: CallStep) -> LocalResponse {
    match step {
        CallStep::Response(ResponseHeadStep::Respond(response)) => response,
        other => panic!("not answered: {other:?}"),
    }
}

#[test]
fn a_lost_session_is_opened_anew_and_the_request_sent_again_unseen() {
    let (mut gateway, session, mut exchange, opening) = lost();
    let again = gateway.replay(&mut exchange, &opening);
    assert_eq!(text(&again.body), call("echo"));
    assert_eq!(
        header(&again.headers, "mcp-session-id").as_deref(),
        Some("new")
    );
    let body = r#"{"jsonrpc":"2.0","id":7,"result":{"n":1.0}}"#;
    let response = answer(gateway.end_call(&mut exchange, &again, answered(200, &[JSON], body)));
    assert_eq!((response.status, text(&response.body)), (200, body));

    let (_, step) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    assert_eq!(
        set(&released(step).headers, "mcp-session-id").as_deref(),
        Some("new")
    );
}

/// A call that is answered 400 in a session, and the ping that follows.
fn doubted() -> (Gateway, crate::Exchange, crate::HttpCall) {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    gateway.open(&mut exchange, "old");
    let step = gateway.respond(&mut exchange, 400, &[JSON]);
    assert_eq!(step, ResponseHeadStep::Hold);
    let ping = only(exchange.take_calls());
    assert!(text(&ping.body).contains("\"ping\""));
    assert_eq!(
        header(&ping.headers, "mcp-session-id").as_deref(),
        Some("old")
    );
    (gateway, exchange, ping)
}

#[test]
fn a_400_in_a_session_that_no_ping_finds_is_repaired() {
    for status in [400, 404] {
        let (mut gateway, mut exchange, ping) = doubted();
        let step = gateway.end_call(&mut exchange, &ping, answered(status, &[JSON], "{}"));
        assert_eq!(step, CallStep::Response(ResponseHeadStep::Hold));
        let opening = only(exchange.take_calls());
        let again = gateway.replay(&mut exchange, &opening);
        let body = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        let response =
            answer(gateway.end_call(&mut exchange, &again, answered(200, &[JSON], body)));
        assert_eq!((response.status, text(&response.body)), (200, body));
    }
}

#[test]
fn a_400_in_a_session_that_lives_is_the_servers_answer() {
    let pong = r#"{"jsonrpc":"2.0","id":"session","result":{}}"#;
    for outcome in [answered(200, &[JSON], pong), CallOutcome::Failed] {
        let (mut gateway, mut exchange, ping) = doubted();
        let step = gateway.end_call(&mut exchange, &ping, outcome);
        let CallStep::Response(ResponseHeadStep::Continue(edits, _)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(set(&edits, ":status").as_deref(), Some("200"));
        let body = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no"}}"#;
        assert_eq!(gateway.body(&mut exchange, body, true), BodyStep::Forward);
        assert!(exchange.take_calls().is_empty());
    }
}

#[test]
fn an_answer_as_events_is_repaired_too() {
    let (mut gateway, _, mut exchange, opening) = lost();
    let again = gateway.replay(&mut exchange, &opening);
    let body = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    let response = answer(gateway.end_call(&mut exchange, &again, answered(200, &[EVENTS], body)));
    assert_eq!((response.status, text(&response.body)), (200, body));
    assert_eq!(
        header(&response.headers, "content-type").as_deref(),
        Some("text/event-stream")
    );
}

#[test]
fn a_repair_that_fails_is_an_error_with_the_id() {
    for outcome in [
        CallOutcome::Failed,
        answered(404, &[], ""),
        answered(200, &[JSON], "{}"),
    ] {
        let (mut gateway, _, mut exchange, opening) = lost();
        let again = gateway.replay(&mut exchange, &opening);
        let response = answer(gateway.end_call(&mut exchange, &again, outcome));
        assert_eq!(response.status, 200);
        assert!(text(&response.body).contains(r#""id":7,"error":{"code":-32603"#));
    }
    let (mut gateway, _, mut exchange, opening) = lost();
    let response = answer(gateway.end_call(&mut exchange, &opening, CallOutcome::Failed));
    assert!(text(&response.body).contains("did not open a session"));
}

#[test]
fn a_large_request_that_came_at_once_is_not_kept_to_be_sent_again() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "old");
    let large = call("s_echo").replace("1.0", &format!("\"{}\"", "x".repeat(70_000)));
    let (mut exchange, step) = gateway.post(&headers, &large);
    released(step);
    let ResponseHeadStep::Respond(response) = gateway.respond(&mut exchange, 404, &[]) else {
        panic!()
    };
    assert_eq!(response.status, 404);
}

#[test]
fn a_request_too_large_to_be_held_tells_the_client_to_initialize_anew() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "old");
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"s_echo","a":"{}"}}}}"#,
        "x".repeat(70_000)
    );
    let (first, rest) = large.split_at(69_000);
    let length = large.len().to_string();
    let (mut exchange, step) = gateway.post_pieces(
        &[headers[0], ("content-length", &length)],
        &[first.as_bytes(), b""],
    );
    released(step);
    exchange.on_released_body(rest.as_bytes().to_vec(), true);
    let ResponseHeadStep::Respond(response) = gateway.respond(&mut exchange, 404, &[]) else {
        panic!()
    };
    assert_eq!(response.status, 404);
    let (_, step) = gateway.post(&headers, &call("s_echo"));
    assert!(matches!(step, crate::RequestStep::Settle(_)), "{step:?}");
}

#[test]
fn a_second_answer_that_is_cut_is_no_answer() {
    let (mut gateway, _, mut exchange, opening) = lost();
    let again = gateway.replay(&mut exchange, &opening);
    let cut = "data: {\"method\":\"notifications/message\"}\n\ndata: {\"id\":7,\"result\":";
    let response = answer(gateway.end_call(&mut exchange, &again, answered(200, &[EVENTS], cut)));
    assert!(text(&response.body).starts_with(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603"#));
}

#[test]
fn the_servers_own_error_is_the_second_answer_too() {
    let (mut gateway, _, mut exchange, opening) = lost();
    let again = gateway.replay(&mut exchange, &opening);
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"m"}}"#;
    let response = answer(gateway.end_call(&mut exchange, &again, answered(400, &[JSON], error)));
    assert_eq!((response.status, text(&response.body)), (200, error));
}

#[test]
fn a_second_answer_of_another_type_is_none() {
    let (mut gateway, _, mut exchange, opening) = lost();
    let again = gateway.replay(&mut exchange, &opening);
    let html = [("content-type", "text/html")];
    let body = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    let response = answer(gateway.end_call(&mut exchange, &again, answered(200, &html, body)));
    assert!(text(&response.body).contains("no MCP message"));
}

#[test]
fn a_session_that_is_refused_at_last_is_ended() {
    let (mut gateway, _, mut exchange, opening) = lost();
    gateway.end_call(&mut exchange, &opening, initialized("new"));
    let ready = only(exchange.take_calls());
    answer(gateway.end_call(&mut exchange, &ready, answered(500, &[], "")));
    ends(exchange.take_calls(), "new");
}

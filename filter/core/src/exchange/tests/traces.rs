//! The trace of a client's request is that of the calls made for it.

use super::driver::*;
use crate::step::HttpCall;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PARENT: (&str, &str) = (
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
);
const STATE: (&str, &str) = ("tracestate", "congo=t61rcWkgMzE");
const REQUEST_ID: (&str, &str) = ("x-request-id", "a1b2");

fn trace_of(call: &HttpCall) -> Vec<(&str, &str)> {
    let names = [PARENT.0, STATE.0, REQUEST_ID.0];
    let pairs = call.headers.iter();
    pairs
        .map(|(name, value)| (name.as_ref(), text(value)))
        .filter(|(name, _)| names.contains(name))
        .collect()
}

#[test]
fn the_session_that_a_call_needs_is_opened_and_ended_under_its_trace() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PARENT, STATE, REQUEST_ID], &call("s_echo"));
    let opening = only(exchange.take_calls());
    assert_eq!(trace_of(&opening), [PARENT, STATE, REQUEST_ID]);
    gateway.end_call(&mut exchange, &opening, initialized("u1"));
    let ready = only(exchange.take_calls());
    assert_eq!(trace_of(&ready), [PARENT, STATE, REQUEST_ID]);
    gateway.end_call(&mut exchange, &ready, answered(202, &[], ""));
    exchange.on_done();
    let end = only(exchange.take_calls());
    assert_eq!(header(&end.headers, ":method").as_deref(), Some("DELETE"));
    assert_eq!(trace_of(&end), [PARENT, STATE, REQUEST_ID]);
}

#[test]
fn a_request_is_repeated_under_its_trace() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PARENT];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "old");
    gateway.respond(&mut exchange, 404, &[]);
    let opening = only(exchange.take_calls());
    assert_eq!(trace_of(&opening), [PARENT]);
    let again = gateway.replay(&mut exchange, &opening);
    assert_eq!(trace_of(&again), [PARENT]);
}

#[test]
fn the_end_of_a_session_is_told_under_the_trace_of_the_request_that_ends_it() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let held = ("mcp-session-id", session.as_str());
    let (mut exchange, _) = gateway.post(&[held], &call("s_echo"));
    gateway.open(&mut exchange, "u1");
    let (mut exchange, _) = gateway.post(&[(":method", "DELETE"), held, PARENT], "");
    assert_eq!(trace_of(&only(exchange.take_calls())), [PARENT]);
}

#[test]
fn a_value_that_no_call_could_carry_is_left_out() {
    let long = "x".repeat(1025);
    for value in ["é", "a\u{7f}", long.as_str()] {
        let (mut exchange, _) = Gateway::new().post(&[("tracestate", value)], &call("s_echo"));
        assert_eq!(trace_of(&only(exchange.take_calls())), [], "{value:?}");
    }
}

#[test]
fn a_credential_of_another_server_is_no_trace() {
    let mut gateway = Gateway::with(|config| {
        config.policies[0]
            .credential_headers
            .push("x-request-id".to_owned());
    });
    let (mut exchange, _) = gateway.post(&[REQUEST_ID, PARENT], &call("s_echo"));
    assert_eq!(trace_of(&only(exchange.take_calls())), [PARENT]);
}

#[test]
fn what_a_policy_sets_is_not_the_client_s_as_well() {
    let mut gateway = Gateway::with(|config| {
        config.servers[1].policies.push(0);
        config.policies[0].set_headers[0].name = "traceparent".to_owned();
    });
    let (mut exchange, _) = gateway.post(&[PAT, PARENT], &call("s_echo"));
    let opening = only(exchange.take_calls());
    assert_eq!(trace_of(&opening), [("traceparent", "Bearer abc")]);
}

#[test]
fn a_server_is_told_of_a_cancelled_call_under_the_call_s_trace() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let held = ("mcp-session-id", session.as_str());
    let (mut exchange, _) = gateway.post(&[held, PAT, PARENT], &call("github_get_me"));
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    gateway.answer(&[held], cancelled);
    gateway.now_ms += 1_000;
    gateway.lend(|context| exchange.on_tick(context));
    assert_eq!(trace_of(&only(exchange.take_calls())), [PARENT]);
}

#[test]
fn a_server_is_asked_whether_it_knows_a_session_under_the_trace_of_the_call() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PARENT];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "old");
    gateway.respond(&mut exchange, 400, &[JSON]);
    assert_eq!(trace_of(&only(exchange.take_calls())), [PARENT]);
}

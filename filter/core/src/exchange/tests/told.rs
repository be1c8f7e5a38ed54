//! What is told of a request: its server and tool, and how it has ended.

use super::driver::*;
use crate::exchange::{Exchange, Outcome, Told};
use crate::step::{CallOutcome, ResponseSource};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const RESULT: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;
const ERROR: &str = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"no"}}"#;
const FAILED_TOOL: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"isError":true}}"#;
const SOUND_TOOL: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"isError":false}}"#;

/// A released call of the tool of the server without sessions.
fn called(gateway: &mut Gateway) -> Exchange {
    let (exchange, step) = gateway.post(&[PAT], &call("github_get_me"));
    released(step);
    exchange
}

fn outcome_of(status: u16, kind: (&str, &str), pieces: &[&str]) -> Option<Outcome> {
    let mut gateway = Gateway::new();
    let mut exchange = called(&mut gateway);
    gateway.respond(&mut exchange, status, &[kind]);
    for (index, piece) in pieces.iter().enumerate() {
        gateway.body(&mut exchange, piece, index + 1 == pieces.len());
    }
    exchange.on_done();
    exchange.told().outcome
}

/// Names of server and tool.
fn names(gateway: &Gateway, told: Told) -> (Option<&str>, Option<&str>) {
    let table = &gateway.table;
    let server = told
        .subject
        .map(|subject| &*table.server(subject.server).name);
    let tool = told
        .subject
        .and_then(|subject| table.tool_name(subject.tool?));
    (server, tool)
}

#[test]
fn a_call_is_told_by_server_tool_and_method() {
    let mut gateway = Gateway::new();
    let told = called(&mut gateway).told();
    let known = (Some("test/github"), Some("github_get_me"));
    assert_eq!(names(&gateway, told), known);
    assert_eq!((told.method, told.outcome), (Some("tools/call"), None));
}

#[test]
fn what_is_not_a_call_is_told_by_its_server_alone() {
    let mut gateway = Gateway::new();
    for (method, params) in [
        ("prompts/get", r#"{"name":"s_greet"}"#),
        ("resources/read", r#"{"uri":"file:///a"}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"s_greet"}}"#,
        ),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
        let told = gateway.post(&[], &body).0.told();
        assert_eq!(
            names(&gateway, told),
            (Some("test/stateful"), None),
            "{method}"
        );
        assert_eq!(told.method, Some(method));
    }
}

#[test]
fn what_is_answered_here_has_no_server() {
    let mut gateway = Gateway::new();
    for (method, told_as) in [
        ("ping", "ping"),
        ("tools/list", "tools/list"),
        ("sampling/invented", "other"),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#);
        let told = gateway.post(&[], &body).0.told();
        assert_eq!((told.method, told.subject), (Some(told_as), None));
        assert!(!told.names_unknown);
    }
}

#[test]
fn a_name_that_nobody_has_is_told_without_the_name() {
    for (method, params) in [
        ("tools/call", r#"{"name":"github_invented"}"#),
        ("prompts/get", r#"{"name":"invented"}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"invented"}}"#,
        ),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
        let told = Gateway::new().post(&[], &body).0.told();
        assert_eq!((told.subject, told.names_unknown), (None, true), "{method}");
    }
}

#[test]
fn a_result_is_ok_and_a_failure_of_server_or_tool_is_an_error() {
    for (message, outcome) in [
        (RESULT, Outcome::Ok),
        (SOUND_TOOL, Outcome::Ok),
        (ERROR, Outcome::Error),
        (FAILED_TOOL, Outcome::Error),
    ] {
        assert_eq!(
            outcome_of(200, JSON, &[message]),
            Some(outcome),
            "{message}"
        );
        let halves = message.split_at(message.len() / 2);
        assert_eq!(
            outcome_of(200, JSON, &[halves.0, halves.1, ""]),
            Some(outcome)
        );
        let event = format!("data: {message}\n\n");
        assert_eq!(outcome_of(200, EVENTS, &[&event]), Some(outcome), "{event}");
    }
}

#[test]
fn an_event_stream_has_ended_for_the_request_with_its_answer() {
    let mut gateway = Gateway::new();
    let mut exchange = called(&mut gateway);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.body(&mut exchange, ": hello\n\n", false);
    assert_eq!(exchange.told().outcome, None);
    gateway.body(&mut exchange, &format!("data: {RESULT}\n\n"), false);
    assert_eq!(exchange.told().outcome, Some(Outcome::Ok));
}

#[test]
fn a_response_that_is_no_answer_is_a_failure() {
    let html = ("content-type", "text/html");
    for (status, kind, body) in [
        (500, html, "<html>"),
        (200, html, "<html>"),
        (401, JSON, RESULT),
        (200, JSON, "{}"),
        (200, JSON, r#"{"jsonrpc":"2.0","id":8,"result":{}}"#),
        (200, EVENTS, ": nothing\n\n"),
        (200, EVENTS, "data: {}\n\n"),
    ] {
        let outcome = outcome_of(status, kind, &[body]);
        assert_eq!(outcome, Some(Outcome::Failed), "{status} {body}");
    }
}

#[test]
fn an_answer_of_envoy_s_is_a_failure_unless_it_refuses_the_client() {
    for (status, outcome) in [
        (503, Outcome::Failed),
        (504, Outcome::Failed),
        (401, Outcome::Refused),
        (403, Outcome::Refused),
        (429, Outcome::Refused),
        (413, Outcome::Refused),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = called(&mut gateway);
        let head = response_headers(status, &[]);
        let source = ResponseSource::Envoy(b"");
        gateway.lend(|context| exchange.on_response_headers(head, false, source, context));
        exchange.on_done();
        assert_eq!(exchange.told().outcome, Some(outcome), "{status}");
    }
}

#[test]
fn what_a_policy_denies_is_refused_at_its_server() {
    let mut gateway = Gateway::new();
    let (exchange, _) = gateway.post(&[], &call("github_get_me"));
    let told = exchange.told();
    let known = (Some("test/github"), Some("github_get_me"));
    assert_eq!(names(&gateway, told), known);
    assert_eq!(told.outcome, Some(Outcome::Refused));
}

#[test]
fn a_session_that_cannot_be_opened_is_a_failure() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[], &call("s_echo"));
    let opening = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &opening, CallOutcome::Failed);
    assert_eq!(exchange.told().outcome, Some(Outcome::Failed));
}

#[test]
fn a_repeated_request_ends_as_its_second_response_says() {
    for (message, outcome) in [
        (RESULT, Outcome::Ok),
        (FAILED_TOOL, Outcome::Error),
        ("{}", Outcome::Failed),
    ] {
        for kind in [JSON, EVENTS] {
            let mut gateway = Gateway::new();
            let session = gateway.session();
            let headers = [("mcp-session-id", session.as_str())];
            let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
            gateway.open(&mut exchange, "old");
            gateway.respond(&mut exchange, 404, &[]);
            let opening = only(exchange.take_calls());
            let again = gateway.replay(&mut exchange, &opening);
            assert_eq!(exchange.told().outcome, None);
            let event = format!("data: {message}\n\n");
            let body = if kind == EVENTS { &event } else { message };
            gateway.end_call(&mut exchange, &again, answered(200, &[kind], body));
            assert_eq!(exchange.told().outcome, Some(outcome), "{kind:?} {message}");
        }
    }
}

#[test]
fn a_server_that_is_silent_for_too_long_has_failed() {
    let mut gateway = Gateway::new();
    let mut waiting = called(&mut gateway);
    let mut streaming = called(&mut gateway);
    gateway.respond(&mut streaming, 200, &[EVENTS]);
    gateway.now_ms += 301_000;
    for exchange in [&mut waiting, &mut streaming] {
        // The first tick learns when something came last.
        gateway.lend(|context| exchange.on_tick(context));
        gateway.now_ms += 301_000;
        gateway.lend(|context| exchange.on_tick(context));
        assert_eq!(exchange.told().outcome, Some(Outcome::Failed));
    }
}

#[test]
fn a_cancelled_request_is_told_as_that() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PAT];
    let (mut waiting, _) = gateway.post(&headers, &call("github_get_me"));
    let (mut streaming, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.respond(&mut streaming, 200, &[EVENTS]);
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    gateway.answer(&headers, notification);
    gateway.now_ms += 5_000;
    for exchange in [&mut waiting, &mut streaming] {
        gateway.lend(|context| exchange.on_tick(context));
        assert_eq!(exchange.told().outcome, Some(Outcome::Cancelled));
    }
}

#[test]
fn a_stream_that_ends_before_its_answer_has_no_outcome() {
    let mut gateway = Gateway::new();
    let mut exchange = called(&mut gateway);
    exchange.on_done();
    assert_eq!(exchange.told().outcome, None);
    assert!(exchange.told().subject.is_some());
}

#[test]
fn what_is_answered_here_is_ok_unless_it_is_refused() {
    let mut gateway = Gateway::new();
    for (method, outcome) in [
        ("tools/list", Outcome::Ok),
        ("sampling/invented", Outcome::Refused),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#);
        let (exchange, _) = gateway.post(&[], &body);
        assert_eq!(exchange.told().outcome, Some(outcome), "{method}");
    }
    let (exchange, _) = gateway.post(&[], &call("invented"));
    assert_eq!(exchange.told().outcome, Some(Outcome::Refused));
}

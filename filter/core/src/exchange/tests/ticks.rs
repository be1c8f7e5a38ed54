use super::driver::*;
use crate::Exchange;
use crate::step::{LocalResponse, RequestStep, ResponseHeadStep, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_server_that_is_silent_for_too_long_is_named_in_the_error() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    assert!(exchange.wants_ticks());
    gateway.now_ms += 299_999;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Wait
    );
    gateway.now_ms += 1;
    let TickStep::Respond(response) = gateway.lend(|context| exchange.on_tick(context)) else {
        panic!()
    };
    assert_eq!(response.status, 200);
    assert!(text(&response.body).contains("test/github did not answer in time"));
    assert!(!exchange.wants_ticks());
}

#[test]
fn a_stream_that_falls_silent_is_cut_and_each_piece_counts() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.now_ms += 200_000;
    gateway.body(&mut exchange, ": alive\n\n", false);
    for silent_ms in [0, 299_999] {
        gateway.now_ms += silent_ms;
        assert_eq!(
            gateway.lend(|context| exchange.on_tick(context)),
            TickStep::Wait
        );
    }
    gateway.now_ms += 1;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Reset
    );
}

#[test]
fn a_cancelled_request_ends_after_the_grace_and_no_other_does() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    let (mut other, _) = gateway.post(
        &headers,
        &call("github_get_me").replace("\"id\":7", "\"id\":8"),
    );
    gateway.post(
        &headers,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
    );
    gateway.now_ms += 3_999;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Wait
    );
    gateway.now_ms += 1;
    assert!(matches!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Respond(_)
    ));
    assert_eq!(
        gateway.lend(|context| other.on_tick(context)),
        TickStep::Wait
    );
}

#[test]
fn a_cancellation_may_spell_the_id_anew() {
    for (id, cancelled) in [("3", "3.0"), ("\"H2\"", r#""\u00482""#)] {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let headers = [PAT, ("mcp-session-id", session.as_str())];
        let request = call("github_get_me").replace("\"id\":7", &format!("\"id\":{id}"));
        let (mut exchange, _) = gateway.post(&headers, &request);
        gateway.post(&headers, &CANCEL.replace('7', cancelled));
        gateway.now_ms += 4_000;
        ended(&mut gateway, &mut exchange);
    }
}

/// A way to an exchange of a session that waits.
type Wait = fn(&mut Gateway, &str) -> Exchange;

/// Exchanges that wait for more than the response to a call that was sent: how each came there is in its name.
const WAITS: &[(&str, Wait)] = &[
    ("opening", opening),
    ("opened", opened),
    ("doubting", |gateway, session| {
        answered_with(gateway, session, 400)
    }),
    ("repairing", |gateway, session| {
        answered_with(gateway, session, 404)
    }),
    ("repeated", |gateway, session| {
        let mut exchange = answered_with(gateway, session, 404);
        reopen(gateway, &mut exchange);
        exchange.take_calls();
        exchange
    }),
];

fn opening(gateway: &mut Gateway, session: &str) -> Exchange {
    gateway
        .post(&[("mcp-session-id", session)], &call("s_echo"))
        .0
}

fn opened(gateway: &mut Gateway, session: &str) -> Exchange {
    let mut exchange = opening(gateway, session);
    gateway.now_ms += 1_000;
    gateway.open(&mut exchange, "old");
    exchange
}

fn answered_with(gateway: &mut Gateway, session: &str, status: u16) -> Exchange {
    let mut exchange = opened(gateway, session);
    gateway.now_ms += 1_000;
    let step = gateway.respond(&mut exchange, status, &[JSON]);
    assert_eq!(step, ResponseHeadStep::Hold);
    exchange
}

/// The session is opened for a second time.
fn reopen(gateway: &mut Gateway, exchange: &mut Exchange) {
    let opening = only(exchange.take_calls());
    gateway.end_call(exchange, &opening, initialized("new"));
    let ready = only(exchange.take_calls());
    gateway.end_call(exchange, &ready, answered(202, &[], ""));
}

fn tick(gateway: &mut Gateway, exchange: &mut Exchange) -> TickStep {
    assert!(exchange.wants_ticks());
    gateway.lend(|context| exchange.on_tick(context))
}

fn ended(gateway: &mut Gateway, exchange: &mut Exchange) -> LocalResponse {
    match tick(gateway, exchange) {
        TickStep::Respond(response) => {
            assert!(!exchange.wants_ticks());
            response
        }
        other => panic!("not answered: {other:?}"),
    }
}

#[test]
fn the_time_to_answer_counts_from_the_first_word_to_the_server() {
    for (name, wait) in WAITS {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let began_ms = gateway.now_ms;
        let mut exchange = wait(&mut gateway, &session);
        gateway.now_ms = began_ms + 299_999;
        assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait, "{name}");
        gateway.now_ms += 1;
        let response = ended(&mut gateway, &mut exchange);
        assert_eq!(response.status, 200, "{name}");
        let body = text(&response.body);
        assert!(body.contains(r#""id":7,"error""#), "{name}: {body}");
        assert!(
            body.contains("test/stateful did not answer in time"),
            "{name}: {body}"
        );
    }
}

#[test]
fn whatever_a_cancelled_request_waits_for_it_ends_after_the_grace() {
    for (name, wait) in WAITS {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let mut exchange = wait(&mut gateway, &session);
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
        gateway.post(&[("mcp-session-id", &session)], cancelled);
        gateway.now_ms += 3_999;
        assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait, "{name}");
        gateway.now_ms += 1;
        let response = ended(&mut gateway, &mut exchange);
        assert_eq!(response.status, 200, "{name}");
        assert_eq!(
            text(&response.body),
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"Request cancelled"}}"#,
            "{name}"
        );
    }
}

#[test]
fn a_request_that_is_repeated_has_the_rest_of_its_time_and_ends_by_a_tick() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = answered_with(&mut gateway, &session, 404);
    gateway.now_ms += 10_000;
    reopen(&mut gateway, &mut exchange);
    assert_eq!(only(exchange.take_calls()).timeout_ms, 290_000);
}

const CANCEL: &str = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"\u0041","requestId":7}}"#;

#[test]
fn a_cancelled_call_tells_a_server_without_sessions_once_with_its_own_credential() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(exchange.take_calls(), []);
    let (mut notification, _) = gateway.post(&headers[1..], CANCEL);
    assert_eq!(notification.take_calls(), []);
    gateway.now_ms += 500;
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    let told = only(exchange.take_calls());
    assert_eq!((told.token, text(&told.body)), (None, CANCEL));
    assert_eq!(
        header(&told.headers, "authorization").as_deref(),
        Some("Bearer abc")
    );
    assert_eq!(header(&told.headers, "mcp-session-id"), None);
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(exchange.take_calls(), []);
    gateway.now_ms += 3_500;
    ended(&mut gateway, &mut exchange);
}

#[test]
fn a_stream_of_a_server_without_sessions_is_cancelled_too() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.post(&headers, CANCEL);
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    only(exchange.take_calls());
    gateway.now_ms += 4_000;
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Reset);
}

#[test]
fn a_server_with_sessions_is_told_in_the_session_alone() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = opened(&mut gateway, &session);
    let (mut notification, _) = gateway.post(&[("mcp-session-id", &session)], CANCEL);
    assert_eq!(
        header(&only(notification.take_calls()).headers, "mcp-session-id").as_deref(),
        Some("old")
    );
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(exchange.take_calls(), []);
}

#[test]
fn a_session_that_nobody_remembers_is_told_by_its_call() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = opening(&mut gateway, &session);
    let unmemorable = "x".repeat(2000);
    gateway.open(&mut exchange, &unmemorable);
    let (mut notification, _) = gateway.post(&[("mcp-session-id", &session)], CANCEL);
    assert_eq!(notification.take_calls(), []);
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    let told = only(exchange.take_calls());
    assert_eq!(header(&told.headers, "mcp-session-id"), Some(unmemorable));
}

#[test]
fn a_cancellation_that_is_too_large_to_be_kept_arrives_without_its_reason() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.post(&headers, &CANCEL.replace("\\u0041", &"x".repeat(1000)));
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(
        text(&only(exchange.take_calls()).body),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#
    );
}

#[test]
fn callers_without_a_session_cancel_nothing() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    let (mut notification, step) = gateway.post(&[PAT], CANCEL);
    let RequestStep::Respond(response) = step else {
        panic!("not answered: {step:?}")
    };
    assert_eq!((response.status, notification.take_calls()), (202, vec![]));
    gateway.now_ms += 10_000;
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(exchange.take_calls(), []);
}

#[test]
fn an_earlier_call_with_the_same_id_is_not_this_one() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    gateway.post(&headers, CANCEL);
    gateway.now_ms += 1;
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.now_ms += 10_000;
    assert_eq!(tick(&mut gateway, &mut exchange), TickStep::Wait);
    assert_eq!(exchange.take_calls(), []);
}

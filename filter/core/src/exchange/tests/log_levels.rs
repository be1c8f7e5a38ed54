//! `logging/setLevel`.

use super::driver::*;
use crate::exchange::{CallStep, Exchange};
use crate::step::{CallOutcome, HttpCall, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Both servers send log messages, and both have sessions.
fn gateway() -> Gateway {
    Gateway::with(|config| {
        for server in &mut config.servers {
            (server.logging, server.issues_sessions) = (true, true);
        }
    })
}

fn set_level(level: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"l","method":"logging/setLevel","params":{{"level":{level}}}}}"#
    )
}

fn level_in(call: &HttpCall) -> String {
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["method"], "logging/setLevel");
    assert_ne!(body["id"], "l", "the client's own");
    body["params"]["level"].as_str().unwrap().to_owned()
}

/// Opens a session at the server of `tool`, up to what the server is told behind the handshake.
fn open_to_level(
    gateway: &mut Gateway,
    headers: &[(&str, &str)],
    tool: &str,
) -> (Exchange, HttpCall) {
    let (mut exchange, _) = gateway.post(headers, &call(tool));
    let opening = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &opening, initialized("up"));
    let ready = only(exchange.take_calls());
    assert_eq!(
        gateway.end_call(&mut exchange, &ready, answered(202, &[], "")),
        CallStep::Nothing
    );
    let told = only(exchange.take_calls());
    (exchange, told)
}

#[test]
fn logging_is_announced_where_a_server_sends_log_messages() {
    let capabilities = |gateway: &mut Gateway| {
        let answer = gateway.answer(&[], &initialize("2025-11-25", "{}"));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["result"]["capabilities"].clone()
    };
    assert_eq!(
        capabilities(&mut gateway())["logging"],
        serde_json::json!({})
    );
    let mut silent = Gateway::new();
    assert!(capabilities(&mut silent).get("logging").is_none());
    let refused = silent.answer(&[], &set_level("\"info\""));
    assert!(text(&refused.body).contains(r#""id":"l","error":{"code":-32601"#));
}

#[test]
fn a_level_is_answered_here_with_and_without_a_session() {
    let mut gateway = gateway();
    let session = gateway.session();
    for headers in [&[][..], &[("mcp-session-id", session.as_str())]] {
        let answer = gateway.answer(headers, &set_level("\"warn\\u0069ng\""));
        assert_eq!(answer.status, 200);
        assert_eq!(
            text(&answer.body),
            r#"{"jsonrpc":"2.0","id":"l","result":{}}"#
        );
    }
}

#[test]
fn what_is_no_level_is_refused() {
    let mut gateway = gateway();
    for odd in [
        "\"loud\"",
        "\"Info\"",
        "\"\"",
        "7",
        "null",
        "{}",
        "[\"info\"]",
    ] {
        let answer = gateway.answer(&[], &set_level(odd));
        assert_eq!(answer.status, 200, "{odd}");
        assert!(
            text(&answer.body).contains(r#""id":"l","error":{"code":-32602"#),
            "{odd}"
        );
    }
    let without = r#"{"jsonrpc":"2.0","id":"l","method":"logging/setLevel"}"#;
    assert!(text(&gateway.answer(&[], without).body).contains("-32602"));
    let twice = set_level("\"info\",\"level\":\"debug\"");
    assert_eq!(gateway.answer(&[], &twice).status, 400);
}

#[test]
fn every_server_with_a_session_and_log_messages_is_told() {
    let mut gateway = Gateway::with(|config| {
        for server in &mut config.servers {
            server.issues_sessions = true;
        }
        config.servers[0].logging = true;
    });
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PAT];
    for (tool, id) in [("github_get_me", "at-github"), ("s_echo", "at-stateful")] {
        let (mut exchange, _) = gateway.post(&headers, &call(tool));
        gateway.open(&mut exchange, id);
    }
    let (mut exchange, step) = gateway.post(&headers, &set_level("\"error\""));
    assert!(matches!(step, RequestStep::Respond(_)));
    let told = only(exchange.take_calls());
    assert_eq!((told.token, level_in(&told).as_str()), (None, "error"));
    let at = header(&told.headers, "mcp-session-id");
    assert_eq!(at.as_deref(), Some("at-github"));
    assert_eq!(
        header(&told.headers, "authorization").as_deref(),
        Some("Bearer abc")
    );
}

#[test]
fn a_session_at_a_server_that_is_opened_later_gets_the_level_first() {
    for outcome in [
        answered(200, &[JSON], "{}"),
        answered(500, &[], ""),
        CallOutcome::Failed,
    ] {
        let mut gateway = gateway();
        let session = gateway.session();
        let headers = [("mcp-session-id", session.as_str())];
        for level in ["\"debug\"", "\"alert\""] {
            gateway.answer(&headers, &set_level(level));
        }
        let (mut exchange, told) = open_to_level(&mut gateway, &headers, "s_echo");
        assert_eq!(level_in(&told), "alert", "the last one counts");
        assert_eq!(
            header(&told.headers, "mcp-session-id").as_deref(),
            Some("up")
        );
        let step = gateway.end_call(&mut exchange, &told, outcome);
        let CallStep::Request(RequestStep::Release(release)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(
            set(&release.headers, "mcp-session-id").as_deref(),
            Some("up")
        );
    }
}

#[test]
fn another_session_has_another_level() {
    let mut gateway = gateway();
    let first = gateway.session();
    gateway.answer(&[("mcp-session-id", &first)], &set_level("\"error\""));
    let second = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &second)], &call("s_echo"));
    gateway.open(&mut exchange, "up");
}

#[test]
fn a_session_that_is_opened_in_the_place_of_a_lost_one_gets_the_level_too() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "old");
    gateway.answer(&headers, &set_level("\"error\""));
    let (mut exchange, step) = gateway.post(&headers, &call("s_echo"));
    released(step);
    gateway.respond(&mut exchange, 404, &[]);
    let opening = only(exchange.take_calls());
    let told = gateway.replay(&mut exchange, &opening);
    assert_eq!(level_in(&told), "error");
    gateway.end_call(&mut exchange, &told, answered(200, &[JSON], "{}"));
    let again = only(exchange.take_calls());
    assert_eq!(text(&again.body), call("echo"));
}

#[test]
fn a_call_that_is_given_up_while_its_server_is_told_a_level_leaves_no_session_behind() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    gateway.answer(&headers, &set_level("\"error\""));
    let (mut exchange, _) = open_to_level(&mut gateway, &headers, "s_echo");
    exchange.on_done();
    let end = only(exchange.take_calls());
    assert_eq!(header(&end.headers, ":method").as_deref(), Some("DELETE"));
    assert_eq!(
        header(&end.headers, "mcp-session-id").as_deref(),
        Some("up")
    );
}

#[test]
fn a_log_message_passes_on_the_stream_of_a_call() {
    let mut gateway = gateway();
    let session = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    gateway.open(&mut exchange, "up");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let message = r#"data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"l","data":1.0}}"#;
    let step = gateway.body(&mut exchange, &format!("{message}\n\n"), false);
    assert_eq!(step, crate::step::BodyStep::Forward);
}

use super::driver::*;
use crate::exchange::CallStep;
use crate::step::{CallOutcome, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn initialize_negotiates_the_revision_and_announces_what_the_servers_have() {
    for (asked, given) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2030-01-01", "2025-11-25"),
    ] {
        let response = Gateway::new().answer(&[], &initialize(asked, "{}"));
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["result"]["protocolVersion"], given);
        assert_eq!(
            body["result"]["capabilities"],
            serde_json::json!({"tools": {}, "prompts": {}, "resources": {}, "completions": {}})
        );
        assert_eq!(body["result"]["serverInfo"]["name"], "mcp-proxy-wasm");
        let id = header(&response.headers, "mcp-session-id").unwrap();
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
    }
}

#[test]
fn a_client_of_many_extensions_gets_a_session() {
    let extensions: Vec<_> = (0..500)
        .map(|number| {
            format!("\"com.example/extension-{number}\":{{\"mimeTypes\":[\"text/html\"]}}")
        })
        .collect();
    let capabilities = format!("{{\"extensions\":{{{}}}}}", extensions.join(","));
    assert!(capabilities.len() > 16 * 1024);
    let response = Gateway::new().answer(&[], &initialize("2025-11-25", &capabilities));
    assert_eq!(response.status, 200, "{}", text(&response.body));
    assert!(header(&response.headers, "mcp-session-id").is_some());
}

#[test]
fn an_accepted_notification_is_a_bare_202() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    for method in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/roots/list_changed",
    ] {
        let response = gateway.answer(
            &[("mcp-session-id", &session)],
            &format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"requestId":5}}}}"#),
        );
        assert_eq!((response.status, response.body.len()), (202, 0));
    }
}

#[test]
fn an_invented_session_is_404_with_the_id_of_the_request() {
    let mut gateway = Gateway::new();
    let mut forged = gateway.session();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    for id in ["x", "", forged.as_str()] {
        let response = gateway.answer(
            &[("mcp-session-id", id)],
            r#"{"jsonrpc":"2.0","id":"q","method":"tools/list"}"#,
        );
        assert_eq!(response.status, 404, "{id}");
        assert!(text(&response.body).contains(r#""id":"q","error""#));
    }
}

#[test]
fn a_session_that_was_ended_is_404_from_then_on() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let delete = [(":method", "DELETE"), headers[0]];
    assert_eq!(gateway.answer(&delete, "").status, 204);
    assert_eq!(
        gateway
            .answer(&headers, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            .status,
        404
    );
    assert_eq!(gateway.answer(&delete, "").status, 404);
    assert_eq!(gateway.answer(&[(":method", "DELETE")], "").status, 400);
}

#[test]
fn a_session_ends_with_its_age() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    gateway.now_ms += 24 * 60 * 60 * 1000;
    let response = gateway.answer(
        &[("mcp-session-id", &session)],
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
    );
    assert_eq!(response.status, 404);
}

#[test]
fn the_first_call_opens_a_session_at_the_server_and_the_second_uses_it() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, step) = gateway.post(&headers, &call("s_echo"));
    assert_eq!(settled(step), call("echo"));
    let opening = only(exchange.take_calls());
    assert_eq!(opening.cluster, "outbound|80||stateful");
    assert_eq!(
        header(&opening.headers, ":authority").as_deref(),
        Some("stateful")
    );
    assert!(
        text(&opening.body).contains(r#""capabilities":{"elicitation":{}}"#),
        "{}",
        text(&opening.body)
    );
    gateway.end_call(&mut exchange, &opening, initialized("up-1"));
    let ready = only(exchange.take_calls());
    assert!(text(&ready.body).contains("notifications/initialized"));
    assert_eq!(
        header(&ready.headers, "mcp-session-id").as_deref(),
        Some("up-1")
    );
    let step = gateway.end_call(&mut exchange, &ready, answered(202, &[], ""));
    let CallStep::Request(RequestStep::Release(release)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(
        set(&release.headers, "mcp-session-id").as_deref(),
        Some("up-1")
    );

    let (mut exchange, step) = gateway.post(&headers, &call("s_echo"));
    assert_eq!(
        set(&released(step).headers, "mcp-session-id").as_deref(),
        Some("up-1")
    );
    assert!(exchange.take_calls().is_empty());
}

#[test]
fn another_session_never_meets_that_servers_session() {
    let mut gateway = Gateway::new();
    let first = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &first)], &call("s_echo"));
    gateway.open(&mut exchange, "up-1");
    let second = gateway.session();
    let (_, step) = gateway.post(&[("mcp-session-id", &second)], &call("s_echo"));
    assert_eq!(settled(step), call("echo"));
}

#[test]
fn a_caller_without_a_session_gets_one_at_the_server_for_this_request_alone() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[], &call("s_echo"));
    gateway.open(&mut exchange, "once");
    exchange.on_done();
    ends(exchange.take_calls(), "once");
}

/// Two first calls at once, to a server that issues these ids; the calls that the second one leaves.
fn two_at_once(ids: [&str; 2]) -> Vec<crate::HttpCall> {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut first, _) = gateway.post(&headers, &call("s_echo"));
    let (mut second, _) = gateway.post(&headers, &call("s_echo"));
    for (exchange, id) in [(&mut first, ids[0]), (&mut second, ids[1])] {
        let release = gateway.open(exchange, id);
        let used = set(&release.headers, "mcp-session-id");
        assert_eq!(used.as_deref(), Some(ids[0]), "the first that is known");
    }
    second.take_calls()
}

#[test]
fn of_two_sessions_that_are_opened_at_once_the_second_ends_where_it_is_another() {
    ends(two_at_once(["up-1", "up-2"]), "up-2");
    assert!(two_at_once(["up", "up"]).is_empty());
}

#[test]
fn delete_ends_the_sessions_at_the_servers_too() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "up-1");
    let (mut exchange, _) = gateway.post(&[(":method", "DELETE"), headers[0]], "");
    ends(exchange.take_calls(), "up-1");
}

#[test]
fn a_server_that_opens_no_session_is_named_in_the_error() {
    for (outcome, expected) in [
        (CallOutcome::Failed, "did not open a session"),
        (answered(500, &[], "x"), "did not open a session"),
        (answered(200, &[JSON], "<html>"), "did not open a session"),
        (
            answered(401, &[], ""),
            "refused the request with status 401",
        ),
    ] {
        let mut gateway = Gateway::new();
        let (mut exchange, _) = gateway.post(&[], &call("s_echo"));
        let opening = only(exchange.take_calls());
        let step = gateway.end_call(&mut exchange, &opening, outcome);
        let CallStep::Request(RequestStep::Respond(response)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(response.status, 200);
        assert!(text(&response.body).contains(r#""id":7,"error":{"code":-32603"#));
        assert!(
            text(&response.body).contains("test/stateful")
                && text(&response.body).contains(expected)
        );
    }
}

#[test]
fn a_cancellation_is_passed_on_to_the_sessions_at_the_servers() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "up-1");
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    let (mut exchange, _) = gateway.post(&headers, notification);
    let passed = only(exchange.take_calls());
    assert_eq!((passed.token, text(&passed.body)), (None, notification));
    assert_eq!(
        header(&passed.headers, "mcp-session-id").as_deref(),
        Some("up-1")
    );
}

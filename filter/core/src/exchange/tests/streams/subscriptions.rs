//! `resources/subscribe` of a session: to `mcp-streams`, and from there to its server.

use mcp_filter_config::{CallPart, CallValue, Condition};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::step::{BodyEdit, ResponseHeadStep};

const METHODS: [&str; 2] = ["resources/subscribe", "resources/unsubscribe"];

fn request(method: &str, uri: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"uri":"{uri}"}}}}"#)
}

/// The server with the resource has no sessions.
fn with_stateless_server() -> Gateway {
    with_streams_and(|config| {
        config.requires.push("stateless".to_owned());
        let server = &mut config.servers[1];
        server.stateless = true;
        server.issues_sessions = false;
        server.protocol_version = "2026-07-28".to_owned();
    })
}

#[test]
fn a_subscription_in_a_session_goes_there_with_its_body_and_its_server() {
    for method in METHODS {
        let mut gateway = with_streams();
        let session = gateway.session();
        let (_, step) = gateway.post(
            &[("mcp-session-id", &session)],
            &request(method, "file:///a"),
        );
        let release = released(step);
        for (name, value) in [
            (":authority", "streams.mcp.local"),
            (streams::METHOD, method),
            (streams::SERVER_NAME, "test/stateful"),
            (streams::ERA, "sessions"),
        ] {
            let set = set(&release.headers, name);
            assert_eq!(set.as_deref(), Some(value), "{name}");
        }
        assert_eq!(
            (release.body, release.inspect_rest),
            (BodyEdit::Keep, false)
        );
    }
}

#[test]
fn the_body_may_come_in_pieces_and_without_a_length() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let body = request("resources/subscribe", "file:///a");
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(5).collect();
    let (_, step) = gateway.post_pieces(&[("mcp-session-id", &session)], &pieces);
    let release = released(step);
    assert_eq!(set(&release.headers, ":path").as_deref(), Some("/streams"));
    assert_eq!(release.body, BodyEdit::Keep);
}

#[test]
fn without_a_session_nobody_could_be_told_of_it_so_it_goes_to_its_server() {
    let mut gateway = with_streams();
    let (mut exchange, _) = gateway.post(&[], &request("resources/subscribe", "file:///a"));
    let release = gateway.open(&mut exchange, "up");
    let authority = set(&release.headers, ":authority");
    assert_eq!(authority.as_deref(), Some("stateful.mcp.local"));
}

#[test]
fn what_is_refused_is_refused_here() {
    let mut gateway = with_streams_and(|config| {
        let is_read = Condition::CallEquals(CallValue {
            part: CallPart::Method,
            value: "resources/read".to_owned(),
        });
        config.policies[0].rules[0].requires = Condition::Not(Box::new(is_read));
        config.policies[0].set_headers.clear();
        config.servers[1].policies = vec![0];
        config.servers[0].resources = true;
    });
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let denied = gateway.answer(&headers, &request("resources/subscribe", "file:///a"));
    assert_eq!(denied.status, 400);
    let unknown = gateway.answer(&headers, &request("resources/subscribe", "nowhere:x"));
    assert!(text(&unknown.body).contains("-32002"));
}

#[test]
fn a_program_that_fails_leaves_an_error_that_asks_for_another_try() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &request("resources/subscribe", "file:///a"));
    let ResponseHeadStep::Respond(answer) = gateway.respond(&mut exchange, 500, &[JSON]) else {
        panic!("passed on");
    };
    let body = text(&answer.body);
    assert_eq!(answer.status, 200);
    assert!(body.starts_with(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603"#));
    assert!(body.ends_with(r#""data":{"retry":true}}}"#), "{body}");
}

/// The inner leg of a subscription.
fn subscribed_by_the_program(gateway: &mut Gateway) -> Exchange {
    let ticket = ticket(gateway);
    let session = gateway.session();
    let headers = [
        ("mcp-session-id", session.as_str()),
        (streams::TICKET, &ticket),
        (streams::PURPOSE, streams::CALL),
    ];
    let body = request("resources/subscribe", "file:///a");
    gateway.post(&headers, &body).0
}

#[test]
fn the_program_itself_reaches_the_server_and_is_told_which_it_was() {
    let mut gateway = with_streams();
    let mut exchange = subscribed_by_the_program(&mut gateway);
    let release = gateway.open(&mut exchange, "up");
    let authority = set(&release.headers, ":authority");
    assert_eq!(authority.as_deref(), Some("stateful.mcp.local"));
    assert!(removes(&release.headers, streams::TICKET));
    assert!(removes(&release.headers, streams::PURPOSE));
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 200, &[JSON]) else {
        panic!("not passed on");
    };
    let told = [streams::SERVER_NAME, streams::ERA].map(|name| set(&edits, name).unwrap());
    assert_eq!(told, ["test/stateful", "sessions"]);
}

#[test]
fn a_repaired_answer_tells_the_server_too() {
    let mut gateway = with_streams();
    let mut exchange = subscribed_by_the_program(&mut gateway);
    gateway.open(&mut exchange, "lost");
    gateway.respond(&mut exchange, 404, &[JSON]);
    let opening = only(exchange.take_calls());
    let again = gateway.replay(&mut exchange, &opening);
    let result = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let step = gateway.end_call(&mut exchange, &again, answered(200, &[JSON], result));
    let crate::exchange::CallStep::Response(ResponseHeadStep::Respond(answer)) = step else {
        panic!("{step:?}");
    };
    let server = header(&answer.headers, streams::SERVER_NAME);
    assert_eq!(server.as_deref(), Some("test/stateful"));
}

#[test]
fn a_server_without_sessions_is_not_asked_for_what_it_does_not_know() {
    let mut gateway = with_stateless_server();
    let ticket = ticket(&mut gateway);
    let session = gateway.session();
    let headers = [
        ("mcp-session-id", session.as_str()),
        (streams::TICKET, &ticket),
        (streams::PURPOSE, streams::CALL),
    ];
    for method in METHODS {
        let answer = gateway.answer(&headers, &request(method, "file:///a"));
        assert_eq!(
            text(&answer.body),
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#
        );
        let told = [streams::SERVER_NAME, streams::ERA].map(|name| header(&answer.headers, name));
        assert_eq!(
            told,
            ["test/stateful", "stateless"].map(|text| Some(text.to_owned()))
        );
    }
}

#[test]
fn what_a_client_gets_names_no_server() {
    let mut gateway = with_streams();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 200, &[JSON]) else {
        panic!("not passed on");
    };
    assert_eq!(set(&edits, streams::SERVER_NAME), None);
    assert_eq!(set(&edits, streams::ERA), None);
}

#[test]
fn subscriptions_are_announced_in_both_eras() {
    let mut gateway = with_streams();
    let member = r#""resources":{"subscribe":true,"listChanged":true}"#;
    let answer = gateway.answer(&[], &initialize("2025-11-25", "{}"));
    assert!(text(&answer.body).contains(member));
    let discover = listen().replace(LISTEN, "server/discover");
    let headers = [STATELESS[0], ("mcp-method", "server/discover")];
    assert!(text(&gateway.answer(&headers, &discover).body).contains(member));
}

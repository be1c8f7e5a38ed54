//! The streams of servers, which `mcp-streams` listens to for its clients.

use mcp_filter_config::Condition;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::sealed_id::{SealedId, ServerDigest};
use crate::session_id;
use crate::step::{BodyStep, LocalResponse, ResponseHeadStep, TickStep};

const UPDATED: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"file:///a\"}}\n\n";

/// A session that has one at `test/stateful`, and a ticket.
fn with_upstream_session(gateway: &mut Gateway) -> (String, String) {
    let ticket = ticket(gateway);
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "up");
    (session, ticket)
}

fn ask(
    gateway: &mut Gateway,
    (session, ticket): &(String, String),
    server: &str,
) -> (Exchange, RequestStep) {
    let purpose = format!("server={server}");
    let headers = [
        ("mcp-session-id", session.as_str()),
        (streams::TICKET, ticket),
        (streams::PURPOSE, &purpose),
        ("last-event-id", "e"),
    ];
    get(gateway, &headers)
}

fn refused(step: RequestStep) -> u16 {
    match step {
        RequestStep::Respond(LocalResponse { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_stream_of_a_server_is_that_of_the_clients_session_there() {
    let mut gateway = with_streams();
    let client = with_upstream_session(&mut gateway);
    let (mut exchange, step) = ask(&mut gateway, &client, "test/stateful");
    let release = released(step);
    for (name, value) in [
        (":authority", "stateful.mcp.local"),
        ("mcp-session-id", "up"),
        ("accept", "text/event-stream"),
        ("mcp-protocol-version", "2025-06-18"),
    ] {
        let set = set(&release.headers, name);
        assert_eq!(set.as_deref(), Some(value), "{name}");
    }
    assert_eq!(set(&release.headers, "content-type"), None);
    for name in [streams::TICKET, streams::PURPOSE, "last-event-id"] {
        assert!(removes(&release.headers, name), "{name}");
    }
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 200, &[EVENTS])
    else {
        panic!("not passed on");
    };
    assert_eq!(
        set(&edits, streams::SERVER_NAME).as_deref(),
        Some("test/stateful")
    );
    let step = gateway.body(&mut exchange, UPDATED, false);
    assert_eq!(step, BodyStep::Forward);
}

#[test]
fn it_lasts_as_long_as_both_ends_want_and_its_end_cancels_nothing() {
    let mut gateway = with_streams();
    let client = with_upstream_session(&mut gateway);
    let (mut exchange, _) = ask(&mut gateway, &client, "test/stateful");
    gateway.now_ms += 24 * 60 * 60 * 1000;
    let step = gateway.lend(|context| exchange.on_tick(context));
    assert_eq!(step, TickStep::Wait);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.body(&mut exchange, UPDATED, false);
    gateway.lend(|context| exchange.on_tick(context));
    gateway.now_ms += 24 * 60 * 60 * 1000;
    let step = gateway.lend(|context| exchange.on_tick(context));
    assert_eq!(step, TickStep::Wait);
    assert_eq!(gateway.body(&mut exchange, "", true), BodyStep::Forward);
    exchange.on_done();
    assert_eq!(exchange.take_calls(), []);
}

#[test]
fn a_request_of_the_server_gets_an_id_that_leads_back_and_its_lists_are_its_own_affair() {
    let mut gateway = with_streams();
    let client = with_upstream_session(&mut gateway);
    let (mut exchange, _) = ask(&mut gateway, &client, "test/stateful");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let events = "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"elicitation/create\",\"params\":{}}\n\n\
                  data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    let BodyStep::Replace(out) = gateway.body(&mut exchange, events, false) else {
        panic!("not edited");
    };
    let out = text(&out);
    assert!(
        !out.contains("list_changed") && !out.contains("id: 1"),
        "{out}"
    );
    let id = out
        .split("\"id\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let anonymous = crate::identity::Identity::ANONYMOUS;
    let keys = gateway.table.sessions();
    let session = session_id::verify(client.0.as_bytes(), keys, &anonymous, NOW_MS).unwrap();
    let opened = SealedId::open(id, gateway.table.sessions(), &session).unwrap();
    assert_eq!(opened.server, ServerDigest::of("test/stateful"));
    assert_eq!(
        (
            opened.original.as_slice(),
            opened.upstream_session.as_slice()
        ),
        (&b"7"[..], &b"up"[..])
    );
}

#[test]
fn an_answer_has_no_place_on_it() {
    let mut gateway = with_streams();
    let client = with_upstream_session(&mut gateway);
    let (mut exchange, _) = ask(&mut gateway, &client, "test/stateful");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.body(&mut exchange, UPDATED, false);
    let answer = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
    assert_eq!(gateway.body(&mut exchange, answer, false), BodyStep::Reset);
}

#[test]
fn where_the_client_has_no_session_there_none_is_opened() {
    let mut gateway = with_streams();
    let client = (gateway.session(), ticket(&mut gateway));
    for server in ["test/stateful", "test/nobody", ""] {
        let (mut exchange, step) = ask(&mut gateway, &client, server);
        assert_eq!(refused(step), 404, "{server}");
        assert_eq!(exchange.take_calls(), []);
    }
    let opened = with_upstream_session(&mut gateway);
    let other = (client.0, opened.1);
    assert_eq!(refused(ask(&mut gateway, &other, "test/stateful").1), 404);
    let none = ("invented".to_owned(), other.1);
    assert_eq!(refused(ask(&mut gateway, &none, "test/stateful").1), 404);
}

#[test]
fn a_policy_decides_about_it_as_about_all_else() {
    let mut gateway = with_streams_and(|config| {
        config.policies[0].rules[0].requires = Condition::Not(Box::new(Condition::HeaderPresent(
            "last-event-id".to_owned(),
        )));
        config.policies[0].set_headers.clear();
        config.servers[1].policies = vec![0];
    });
    let client = with_upstream_session(&mut gateway);
    assert_eq!(refused(ask(&mut gateway, &client, "test/stateful").1), 400);
}

#[test]
fn what_a_server_says_instead_of_a_stream_is_told_by_the_status() {
    for (status, content_type, told) in [
        (405, JSON, 405),
        (404, JSON, 404),
        (200, JSON, 502),
        (500, JSON, 502),
        (401, JSON, 502),
    ] {
        let mut gateway = with_streams();
        let client = with_upstream_session(&mut gateway);
        let (mut exchange, _) = ask(&mut gateway, &client, "test/stateful");
        let step = gateway.respond(&mut exchange, status, &[content_type]);
        let ResponseHeadStep::Respond(answer) = step else {
            panic!("{step:?}");
        };
        assert_eq!(answer.status, told, "of {status}");
    }
}

#[test]
fn a_session_that_the_server_has_lost_is_forgotten() {
    let mut gateway = with_streams();
    let client = with_upstream_session(&mut gateway);
    let (mut exchange, _) = ask(&mut gateway, &client, "test/stateful");
    gateway.respond(&mut exchange, 404, &[JSON]);
    assert_eq!(exchange.take_calls(), []);
    assert_eq!(refused(ask(&mut gateway, &client, "test/stateful").1), 404);
}

#[test]
fn without_a_ticket_no_server_is_listened_to() {
    let mut gateway = with_streams();
    let (session, _) = with_upstream_session(&mut gateway);
    let client = (session, "invented".to_owned());
    assert_eq!(refused(ask(&mut gateway, &client, "test/stateful").1), 403);
}

#[test]
fn a_server_without_sessions_is_listened_to_by_a_message() {
    let mut gateway = with_streams_and(|config| config.servers[1].stateless = true);
    let ticket = ticket(&mut gateway);
    let mut ask = |server: &str| {
        let mut headers = STATELESS.to_vec();
        headers.extend([
            (streams::TICKET, ticket.as_str()),
            (streams::PURPOSE, server),
        ]);
        gateway.post(&headers, &listen())
    };
    let (_, of_none) = ask("server=test/github");
    assert_eq!(refused(of_none), 404);
    let (_, again) = ask(streams::CALL);
    assert_eq!(refused(again), 404);
    let (mut exchange, step) = ask("server=test/stateful");
    let release = released(step);
    for (name, value) in [(":authority", "stateful.mcp.local"), ("mcp-method", LISTEN)] {
        let set = set(&release.headers, name);
        assert_eq!(set.as_deref(), Some(value), "{name}");
    }
    assert!(!removes(&release.headers, "mcp-protocol-version"));
    assert!(removes(&release.headers, streams::TICKET));
    gateway.now_ms += 24 * 60 * 60 * 1000;
    let step = gateway.lend(|context| exchange.on_tick(context));
    assert_eq!(step, TickStep::Wait);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    assert_eq!(
        gateway.body(&mut exchange, UPDATED, false),
        BodyStep::Forward
    );
    assert_eq!(gateway.body(&mut exchange, "", true), BodyStep::Forward);
}

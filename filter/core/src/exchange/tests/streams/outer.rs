//! What clients send to `mcp-streams`, and what they are told of it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::step::{BodyEdit, HeaderEdit, ResponseBody, ResponseHeadStep, ResponseSource, TickStep};

/// Envoy's own response.
fn by_envoy(gateway: &mut Gateway, exchange: &mut Exchange, status: u16) -> ResponseHeadStep {
    let head = response_headers(status, &[("content-type", "text/plain")]);
    let source = ResponseSource::Envoy(b"upstream_reset_before_response_started");
    gateway.lend(|context| exchange.on_response_headers(head, false, source, context))
}

/// The head and body with which a response goes out that was replaced in place.
fn replaced_by(exchange: &mut Exchange, step: ResponseHeadStep) -> (String, String) {
    let ResponseHeadStep::Continue(edits, ResponseBody::Inspect) = step else {
        panic!("not replaced: {step:?}");
    };
    let status = set(&edits, ":status").unwrap();
    match exchange.on_response_body(b"reset".to_vec(), true) {
        crate::BodyStep::Replace(body) => (status, text(&body).to_owned()),
        other => panic!("not replaced: {other:?}"),
    }
}

#[test]
fn a_get_in_a_session_goes_there_with_all_that_its_client_sent() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (_, step) = get(
        &mut gateway,
        &[
            ("mcp-session-id", &session),
            ("mcp-protocol-version", "2025-11-25"),
            ("authorization", "Bearer t"),
            ("last-event-id", "e"),
            PAT,
        ],
    );
    let release = released(step);
    for (name, value) in [
        (":authority", "streams.mcp.local"),
        (":path", "/streams"),
        ("accept-encoding", "identity"),
        (streams::AUTHORITY, "localhost:8001"),
        (streams::PATH, "/mcp"),
        (streams::ERA, "sessions"),
        (streams::METHOD, "GET"),
    ] {
        let set = set(&release.headers, name);
        assert_eq!(set.as_deref(), Some(value), "{name}");
    }
    assert_eq!(set(&release.headers, streams::CALLER).unwrap().len(), 64);
    assert_eq!(set(&release.headers, streams::SERVER_NAME), None);
    let is_removal = |edit: &HeaderEdit| matches!(edit, HeaderEdit::Remove(_));
    assert!(!release.headers.iter().any(is_removal), "{release:?}");
    assert_eq!(
        (release.body, release.inspect_rest),
        (BodyEdit::Keep, false)
    );
}

#[test]
fn a_stateless_client_that_listens_goes_there_with_its_body() {
    let mut gateway = with_streams();
    let (_, step) = gateway.post(&STATELESS, &listen());
    let release = released(step);
    for (name, value) in [
        (":authority", "streams.mcp.local"),
        (streams::ERA, "stateless"),
        (streams::METHOD, LISTEN),
    ] {
        let set = set(&release.headers, name);
        assert_eq!(set.as_deref(), Some(value), "{name}");
    }
    assert_eq!(
        (release.body, release.inspect_rest),
        (BodyEdit::Keep, false)
    );
}

#[test]
fn without_mcp_streams_nobody_listens() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let answer = answer_to_get(&mut gateway, &[("mcp-session-id", &session)]);
    assert_eq!(answer.status, 405);
    let answer = gateway.answer(&STATELESS, &listen());
    assert_eq!(answer.status, 404);
    assert!(text(&answer.body).contains("-32601"));
}

#[test]
fn who_has_no_session_does_not_listen() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let id = ("mcp-session-id", session.as_str());
    for (headers, status) in [
        (&[] as &[(&str, &str)], 405),
        (&[("mcp-session-id", "invented")], 404),
        (&[id, ("mcp-protocol-version", "2026-07-28")], 405),
        (&[id, ("mcp-protocol-version", "2024-01-01")], 400),
        (&[id, ("x-mcp-virtualserver", "mcp-test/none")], 405),
        (&[id, ("origin", "https://foreign.example")], 403),
    ] {
        let answer = answer_to_get(&mut gateway, headers);
        assert_eq!(answer.status, status, "{headers:?}");
    }
}

#[test]
fn a_get_with_a_body_is_none_that_is_served() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let mut exchange = Exchange::new(gateway.table.clone());
    let head = request_headers("GET", &[("mcp-session-id", &session)]);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let step = gateway.lend(|context| exchange.on_held_body(b"{}".to_vec(), true, context));
    assert!(matches!(step, RequestStep::Respond(response) if response.status == 405));
}

#[test]
fn a_session_client_has_no_listening_by_post() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}"#;
    let answer = with_streams().answer(&[], body);
    assert_eq!(answer.status, 200);
    assert!(text(&answer.body).contains("-32601"));
}

#[test]
fn callers_differ_by_session_credential_and_identity() {
    let mut gateway = with_streams();
    let (one, other) = (gateway.session(), gateway.session());
    let mut name = |session: &str, pat: &str| {
        let headers = [("mcp-session-id", session), ("x-github-pat", pat)];
        let (_, step) = get(&mut gateway, &headers);
        set(&released(step).headers, streams::CALLER).unwrap()
    };
    let names = [name(&one, "a"), name(&other, "a"), name(&one, "b")];
    assert_eq!(names[0], name(&one, "a"));
    assert_ne!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
}

#[test]
fn sessions_of_one_client_share_its_room() {
    let mut gateway = with_streams();
    let (one, other) = (gateway.session(), gateway.session());
    let mut share = |session: &str, pat: &str| {
        let headers = [("mcp-session-id", session), ("x-github-pat", pat)];
        let (_, step) = get(&mut gateway, &headers);
        set(&released(step).headers, streams::SHARE).unwrap()
    };
    let first = share(&one, "a");
    assert!(first.starts_with(streams::SHOWN), "{first}");
    assert_eq!(first, share(&other, "a"));
    assert_ne!(first, share(&one, "b"));
}

#[test]
fn what_only_the_gateway_says_is_taken_from_the_client() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (_, step) = get(
        &mut gateway,
        &[
            ("mcp-session-id", &session),
            (streams::TICKET, "invented"),
            (streams::SERVER_NAME, "test/github"),
            ("x_mcp_streams", "catalog"),
            ("x_mcp_streams_caller", "me"),
            ("x-mcp-streams-invented", "x"),
            ("x-mcp-virtualserver", "mcp-test/few"),
        ],
    );
    let release = released(step);
    for name in [
        streams::SERVER_NAME,
        "x_mcp_streams",
        "x_mcp_streams_caller",
        "x-mcp-streams-invented",
    ] {
        assert!(removes(&release.headers, name), "{name}");
    }
    assert!(!removes(&release.headers, "x-mcp-virtualserver"));
    assert_ne!(set(&release.headers, streams::TICKET).unwrap(), "invented");
}

#[test]
fn its_response_goes_out_as_it_is_but_for_what_is_between_gateway_and_program() {
    for status in [200, 404, 406] {
        let mut gateway = with_streams();
        let session = gateway.session();
        let (mut exchange, _) = get(&mut gateway, &[("mcp-session-id", &session)]);
        let headers = [EVENTS, (streams::TICKET, "t"), ("x-mcp-servername", "s")];
        let step = gateway.respond(&mut exchange, status, &headers);
        let ResponseHeadStep::Continue(edits, ResponseBody::Ignore) = step else {
            panic!("{step:?}");
        };
        assert_eq!(edits.len(), 2, "{edits:?}");
        assert!(removes(&edits, streams::TICKET) && removes(&edits, "x-mcp-servername"));
        assert!(!exchange.wants_ticks());
    }
}

#[test]
fn where_the_program_fails_there_is_no_stream_and_a_request_may_come_again() {
    for by_program in [true, false] {
        let mut gateway = with_streams();
        let session = gateway.session();
        let (mut of_get, _) = get(&mut gateway, &[("mcp-session-id", &session)]);
        let (mut of_listen, _) = gateway.post(&STATELESS, &listen());
        let mut failed = |exchange: &mut Exchange| {
            if by_program {
                match gateway.respond(exchange, 502, &[JSON]) {
                    ResponseHeadStep::Respond(answer) => {
                        (answer.status.to_string(), text(&answer.body).to_owned())
                    }
                    other => panic!("{other:?}"),
                }
            } else {
                let step = by_envoy(&mut gateway, exchange, 503);
                replaced_by(exchange, step)
            }
        };
        let (status, body) = failed(&mut of_get);
        assert_eq!(status, "405");
        assert!(body.starts_with(r#"{"jsonrpc":"2.0","error":{"code":-32600"#));
        let (status, body) = failed(&mut of_listen);
        assert_eq!(status, "503");
        assert!(body.starts_with(r#"{"jsonrpc":"2.0","id":"l","error":{"code":-32603"#));
        assert!(body.ends_with(r#""data":{"retry":true}}}"#), "{body}");
    }
}

#[test]
fn what_stands_in_the_place_of_envoys_failure_says_what_is_allowed() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (mut exchange, _) = get(&mut gateway, &[("mcp-session-id", &session)]);
    let ResponseHeadStep::Continue(edits, _) = by_envoy(&mut gateway, &mut exchange, 503) else {
        panic!("not replaced");
    };
    assert_eq!(set(&edits, "allow").as_deref(), Some("POST, DELETE"));
}

#[test]
fn what_the_gateways_own_filters_say_reaches_the_client() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (mut exchange, _) = get(&mut gateway, &[("mcp-session-id", &session)]);
    let step = by_envoy(&mut gateway, &mut exchange, 429);
    assert_eq!(
        step,
        ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore)
    );
}

#[test]
fn lists_that_change_are_announced() {
    let announced = |mut gateway: Gateway| {
        let answer = gateway.answer(&[], &initialize("2025-11-25", "{}"));
        text(&answer.body).to_owned()
    };
    let with = announced(with_streams());
    for member in [
        r#""tools":{"listChanged":true}"#,
        r#""prompts":{"listChanged":true}"#,
    ] {
        assert!(with.contains(member), "{with}");
    }
    assert!(!announced(Gateway::new()).contains("listChanged"));
}

#[test]
fn nobody_asks_for_its_host_from_outside() {
    let mut gateway = with_streams_and(|config| config.internal_hosts.clear());
    for host in [
        "streams.mcp.local",
        "Streams.MCP.local.:8080",
        "streams.example.com",
    ] {
        let ticket = ticket(&mut gateway);
        let headers = [(":authority", host), (streams::TICKET, &ticket)];
        let answer = answer_to_get(&mut gateway, &headers);
        assert_eq!(answer.status, 403, "{host}");
    }
}

#[test]
fn no_server_sees_what_is_between_gateway_and_program() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    for (ticket, purpose) in [
        (ticket.as_str(), streams::PURPOSE),
        ("invented", "x_mcp_streams"),
    ] {
        let headers = [
            PAT,
            (streams::TICKET, ticket),
            (purpose, streams::CALL),
            (streams::AUTHORITY, "elsewhere"),
            ("x_mcp_streams_ticket", ticket),
        ];
        let (_, step) = gateway.post(&headers, &call("github_get_me"));
        let release = released(step);
        for (name, _) in &headers[1..] {
            assert!(removes(&release.headers, name), "{name}");
        }
    }
}

#[test]
fn what_only_mcp_streams_may_ask_is_refused_when_its_ticket_is_not_good() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    gateway.now_ms += 61 * 60_000;
    let session = gateway.session();
    let purposes = [
        streams::CATALOG,
        streams::CALL,
        "server=test/github",
        "other",
    ];
    for purpose in purposes {
        let headers = [
            PAT,
            ("mcp-session-id", &session),
            (streams::TICKET, ticket.as_str()),
            (streams::PURPOSE, purpose),
        ];
        assert_eq!(answer_to_get(&mut gateway, &headers).status, 403);
        let answer = gateway.answer(&headers, &call("github_get_me"));
        assert_eq!((answer.status, answer.reason), (403, "no_ticket"));
    }
    let mut exchange = Exchange::new(gateway.table.clone());
    let late = [
        ("mcp-session-id", session.as_str()),
        (streams::TICKET, &ticket),
        (streams::PURPOSE, streams::CALL),
    ];
    let step = gateway.lend(|context| {
        exchange.on_request_headers(request_headers("DELETE", &late), true, context)
    });
    assert!(holds(&step), "{step:?}");
}

#[test]
fn without_mcp_streams_its_headers_count_for_nothing() {
    let headers = [PAT, (streams::PURPOSE, streams::CALL)];
    let (_, step) = Gateway::new().post(&headers, &call("github_get_me"));
    assert!(removes(&released(step).headers, streams::PURPOSE));
}

#[test]
fn a_stream_that_does_not_begin_is_given_up() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (mut exchange, step) = get(&mut gateway, &[("mcp-session-id", &session)]);
    released(step);
    assert!(exchange.wants_ticks());
    gateway.now_ms += 29_999;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Wait
    );
    gateway.now_ms += 1;
    let TickStep::Respond(response) = gateway.lend(|context| exchange.on_tick(context)) else {
        panic!()
    };
    assert_eq!(response.status, 405);
    assert!(!exchange.wants_ticks());
}

#[test]
fn a_stream_that_has_begun_may_be_silent() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let (mut exchange, _) = get(&mut gateway, &[("mcp-session-id", &session)]);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    assert!(!exchange.wants_ticks());
}

//! Calls in which a server may ask a client of the other era.

use super::*;
use crate::step::{BodyStep, HeaderEdit, Release, ResponseHeadStep, ResponseSource, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CALL: [(&str, &str); 3] = [
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "s_echo"),
];

/// A call of a stateless client that declares this.
fn stateless_call(capabilities: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"s_echo","arguments":{{"n":1.0}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#
    )
}

const ELICITATION: &str = r#"{"elicitation":{}}"#;

/// `github` is stateless alone.
fn with_stateless_server() -> Gateway {
    with_streams_and(|config| {
        config.requires.push("stateless".to_owned());
        if let Some(server) = config.servers.first_mut() {
            server.stateless = true;
            server.protocol_version = "2026-07-28".to_owned();
        }
    })
}

fn goes_to_streams(release: &Release) -> bool {
    set(&release.headers, ":authority").as_deref() == Some("streams.mcp.local")
}

fn passed(gateway: &mut Gateway, exchange: &mut Exchange, piece: &str) -> String {
    match gateway.body(exchange, piece, true) {
        BodyStep::Replace(bytes) => String::from_utf8(bytes).unwrap(),
        BodyStep::Forward => piece.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_goes_to_mcp_streams_as_it_came_where_the_server_may_ask() {
    let mut gateway = with_streams();
    let body = stateless_call(ELICITATION);
    let (mut exchange, step) = gateway.post(&CALL, &body);
    let release = released(step);
    assert!(goes_to_streams(&release), "{release:?}");
    assert_eq!(release.body, crate::BodyEdit::Keep);
    for (name, value) in [
        (":path", "/streams"),
        (streams::AUTHORITY, "localhost:8001"),
        (streams::PATH, "/mcp"),
        (streams::ERA, "stateless"),
        (streams::METHOD, "tools/call"),
        (streams::SERVER_NAME, "test/stateful"),
    ] {
        assert_eq!(
            set(&release.headers, name).as_deref(),
            Some(value),
            "{name}"
        );
    }
    let is_gone =
        |edit: &HeaderEdit| matches!(edit, HeaderEdit::Remove(name) if name.starts_with("mcp-"));
    assert!(!release.headers.iter().any(is_gone), "{release:?}");
    assert_eq!(exchange.take_calls(), []);
}

#[test]
fn who_cannot_be_asked_needs_no_mcp_streams() {
    let body = stateless_call("{}");
    let (mut exchange, step) = with_streams().post(&CALL, &body);
    assert!(
        holds(&step),
        "a session of the server comes first: {step:?}"
    );
    assert_eq!(exchange.take_calls().len(), 1);

    let (_, step) = Gateway::new().post(&CALL, &stateless_call(ELICITATION));
    assert!(holds(&step), "there is no mcp-streams: {step:?}");

    let mut gateway = with_stateless_server();
    let release = released(gateway.post(&[PAT], &call("github_get_me")).1);
    assert!(!goes_to_streams(&release), "no session, nothing declared");
}

#[test]
fn a_call_of_mcp_streams_itself_goes_to_the_server() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    let mut headers = CALL.to_vec();
    headers.push((streams::TICKET, &ticket));
    headers.push((streams::PURPOSE, "call"));
    let (_, step) = gateway.post(&headers, &stateless_call(ELICITATION));
    assert!(
        holds(&step),
        "a session of the server comes first: {step:?}"
    );
}

#[test]
fn what_a_stateless_client_gets_is_completed_and_a_question_passes() {
    let asks = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"1":{"method":"roots/list"}},"requestState":"s"}}"#;
    let done = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;
    let completed = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[]}}"#;
    for (answer, expected) in [(asks, asks), (done, completed)] {
        for content_type in [EVENTS, JSON] {
            let mut gateway = with_streams();
            let (mut exchange, _) = gateway.post(&CALL, &stateless_call(ELICITATION));
            let step = gateway.respond(&mut exchange, 200, &[content_type]);
            assert!(matches!(step, ResponseHeadStep::Continue(..)), "{step:?}");
            let event = |message: &str| match content_type {
                EVENTS => format!("data: {message}\n\n"),
                _ => message.to_owned(),
            };
            let out = passed(&mut gateway, &mut exchange, &event(answer));
            let members = |text: &str| -> serde_json::Value {
                serde_json::from_str(text.trim().trim_start_matches("data: ")).unwrap()
            };
            assert_eq!(members(&out), members(expected));
        }
    }
}

#[test]
fn log_messages_of_a_bridged_call_come_from_the_level_on_that_it_asks_for() {
    let log = |level: &str| {
        format!(
            "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"{level}\"}}}}\n\n"
        )
    };
    let answer =
        "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\"}}\n\n";
    let stream = [&log("info"), &log("error"), answer].concat();
    let asks = r#"{"elicitation":{}},"io.modelcontextprotocol/logLevel":"warning""#;
    for (meta, expected) in [
        (asks, [&log("error"), answer].concat()),
        (ELICITATION, answer.to_owned()),
    ] {
        let mut gateway = with_streams();
        let (mut exchange, step) = gateway.post(&CALL, &stateless_call(meta));
        assert!(goes_to_streams(&released(step)));
        gateway.respond(&mut exchange, 200, &[EVENTS]);
        assert_eq!(passed(&mut gateway, &mut exchange, &stream), expected);
    }
}

/// MCP 2026-07-28, basic/transports/streamable-http.
#[test]
fn a_refusal_of_mcp_streams_keeps_its_status_for_a_stateless_client() {
    let mut gateway = with_streams();
    let (mut exchange, _) = gateway.post(&CALL, &stateless_call(ELICITATION));
    let step = gateway.respond(&mut exchange, 400, &[JSON]);
    let ResponseHeadStep::Weigh(edits) = step else {
        panic!("{step:?}")
    };
    assert_eq!(set(&edits, ":status"), None);
    let refusal = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"m"}}"#;
    assert_eq!(passed(&mut gateway, &mut exchange, refusal), refusal);
}

#[test]
fn a_question_of_mcp_streams_is_sealed_and_its_answer_goes_back_there() {
    let mut gateway = with_stateless_server();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, step) = gateway.post(&headers, &call("github_get_me"));
    let release = released(step);
    assert!(goes_to_streams(&release), "{release:?}");
    assert_eq!(
        set(&release.headers, streams::ERA).as_deref(),
        Some("sessions")
    );
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let ask = r#"{"jsonrpc":"2.0","id":"c0.1","method":"roots/list"}"#;
    let BodyStep::Replace(out) = gateway.body(&mut exchange, &format!("data: {ask}\n\n"), false)
    else {
        panic!("not sealed")
    };
    let out = text(&out);
    assert!(!out.contains("c0.1"), "{out}");
    let sealed = out.split('"').nth(7).unwrap();

    let answer = format!(r#"{{"jsonrpc":"2.0","result":{{"roots":[]}},"id":"{sealed}"}}"#);
    let release = released(gateway.post(&headers, &answer).1);
    assert!(goes_to_streams(&release), "{release:?}");
    let restored = r#"{"jsonrpc":"2.0","result":{"roots":[]},"id":"c0.1"}"#;
    assert_eq!(replaced(&release), restored);
    assert_eq!(
        set(&release.headers, streams::METHOD).as_deref(),
        Some("response")
    );

    let other = gateway.session();
    assert_eq!(
        gateway
            .answer(&[("mcp-session-id", &other)], &answer)
            .status,
        400
    );
}

/// What `mcp-streams` gets where it asks for this, having said for what, and the server answers with a question: in JSON
/// and in events, each beside the server's own bytes. The client is introduced by `declared`.
fn asked_for_input(purpose: &str, declared: &str) -> [(String, String); 2] {
    let asks =
        r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","requestState":"s"}}"#;
    let answers = [
        (JSON, asks.to_owned()),
        (EVENTS, format!("data: {asks}\n\n")),
    ];
    answers.map(|(content_type, answer)| {
        let mut gateway = with_stateless_server();
        let (session, ticket) = (gateway.session(), ticket(&mut gateway));
        let headers = [
            PAT,
            ("mcp-session-id", session.as_str()),
            (streams::TICKET, &ticket),
            (streams::PURPOSE, purpose),
        ];
        let (mut exchange, step) = gateway.post(&headers, &call("github_get_me"));
        let release = released(step);
        assert!(!goes_to_streams(&release));
        let sent = replaced(&release);
        let declared = format!(r#""io.modelcontextprotocol/clientCapabilities":{declared}"#);
        assert!(sent.contains(&declared), "{sent}");
        gateway.respond(&mut exchange, 200, &[content_type]);
        let told = passed(&mut gateway, &mut exchange, &answer);
        (told, answer)
    })
}

#[test]
fn mcp_streams_introduces_its_client_and_reads_the_servers_question() {
    for (told, answer) in asked_for_input("call", ELICITATION) {
        assert_eq!(told, answer);
    }
}

#[test]
fn a_message_of_a_batch_is_asked_for_as_its_client_would() {
    for (told, _) in asked_for_input("member", "{}") {
        assert!(told.contains(r#""isError":true"#), "{told}");
    }
}

#[test]
fn a_call_is_refused_to_be_made_again_where_mcp_streams_does_not_answer() {
    for source in [
        ResponseSource::Envoy(b"upstream_reset"),
        ResponseSource::Upstream,
    ] {
        let mut gateway = with_streams();
        let (mut exchange, _) = gateway.post(&CALL, &stateless_call(ELICITATION));
        let head = response_headers(503, &[("content-type", "text/plain")]);
        let step =
            gateway.lend(|context| exchange.on_response_headers(head, false, source, context));
        let body = match step {
            ResponseHeadStep::Respond(response) => String::from_utf8(response.body).unwrap(),
            ResponseHeadStep::Continue(..) => passed(&mut gateway, &mut exchange, "no"),
            ResponseHeadStep::Hold | ResponseHeadStep::Weigh(_) => panic!("held"),
        };
        assert!(
            body.contains(r#""id":7"#) && body.contains(r#""retry":true"#),
            "{body}"
        );
    }
}

#[test]
fn a_client_that_is_gone_is_told_to_mcp_streams_by_the_end_alone() {
    let mut gateway = with_streams();
    let (mut exchange, _) = gateway.post(&CALL, &stateless_call(ELICITATION));
    exchange.on_done();
    assert_eq!(exchange.take_calls(), []);
}

/// MCP 2025-11-25, basic/utilities/cancellation.
#[test]
fn a_call_that_its_client_cancels_ends_at_mcp_streams() {
    let mut gateway = with_stateless_server();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut waiting, _) = gateway.post(&headers, &call("github_get_me"));
    let (mut streaming, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.respond(&mut streaming, 200, &[EVENTS]);
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    assert_eq!(gateway.answer(&headers, cancelled).status, 202);
    let step = gateway.lend(|context| waiting.on_tick(context));
    assert!(matches!(step, TickStep::Respond(_)), "{step:?}");
    let step = gateway.lend(|context| streaming.on_tick(context));
    assert_eq!(step, TickStep::Reset);
    assert_eq!(
        (waiting.take_calls(), streaming.take_calls()),
        (vec![], vec![])
    );
}

#[test]
fn a_session_that_mcp_streams_ends_takes_no_room_of_others() {
    for (purpose, is_remembered) in [(None, true), (Some("call"), false)] {
        let mut gateway = with_streams();
        let (session, ticket) = (gateway.session(), ticket(&mut gateway));
        let mut headers = vec![("mcp-session-id", session.as_str())];
        if let Some(purpose) = purpose {
            headers.extend([
                (streams::TICKET, ticket.as_str()),
                (streams::PURPOSE, purpose),
            ]);
        }
        let mut exchange = Exchange::new(gateway.table.clone());
        let head = request_headers("DELETE", &headers);
        gateway.lend(|context| exchange.on_request_headers(head, true, context));
        gateway.lend(|context| exchange.on_held_body(Vec::new(), true, context));
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let status = gateway.answer(&[("mcp-session-id", &session)], ping).status;
        assert_eq!(status == 404, is_remembered, "{status}");
    }
}

use super::driver::*;
use crate::step::{BodyStep, ResponseHeadStep, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A call in a session whose server has begun an event stream.
fn streaming(session: Option<&str>, gateway: &mut Gateway) -> crate::Exchange {
    let headers: Vec<(&str, &str)> = session
        .map(|id| ("mcp-session-id", id))
        .into_iter()
        .collect();
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "up-1");
    let step = gateway.respond(&mut exchange, 200, &[EVENTS]);
    assert!(matches!(step, ResponseHeadStep::Continue(..)));
    exchange
}

fn passed(step: BodyStep, piece: &str) -> String {
    match step {
        BodyStep::Replace(bytes) => String::from_utf8(bytes).unwrap(),
        BodyStep::Forward => piece.to_owned(),
        other => panic!("{other:?}"),
    }
}

fn events(gateway: &mut Gateway, exchange: &mut crate::Exchange, pieces: &[&str]) -> String {
    let mut out = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        out += &passed(
            gateway.body(exchange, piece, index + 1 == pieces.len()),
            piece,
        );
    }
    out
}

const ASK: &str =
    r#"{"method":"elicitation/create","params":{"message":"m"},"jsonrpc":"2.0","id":42}"#;
const ANSWER: &str = r#"{"result":{"content":[]},"jsonrpc":"2.0","id":7}"#;

#[test]
fn a_servers_request_reaches_the_client_under_a_sealed_id_and_the_answer_finds_home() {
    for original in ["42", "\"42\"", "0"] {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let mut exchange = streaming(Some(&session), &mut gateway);
        let ask = ASK.replace("42", original);
        let stream = format!("data: {ask}\n\ndata: {ANSWER}\n\n");
        let out = events(&mut gateway, &mut exchange, &[&stream]);
        let begin = ask.replace(&format!("{original}}}"), "");
        let rest = out
            .strip_prefix(&format!("data: {begin}\""))
            .unwrap_or_else(|| panic!("{out}"));
        let (sealed, rest) = rest.split_once('"').unwrap();
        assert_eq!(rest, format!("}}\n\ndata: {ANSWER}\n\n"));

        let answer =
            format!(r#"{{"jsonrpc":"2.0","result":{{"action":"accept"}},"id":"{sealed}"}}"#);
        let headers = [("mcp-session-id", session.as_str())];
        let release = released(gateway.post(&headers, &answer).1);
        assert_eq!(
            replaced(&release),
            answer.replace(&format!("\"{sealed}\""), original)
        );
        assert_eq!(
            set(&release.headers, ":authority").as_deref(),
            Some("stateful.mcp.local")
        );
        assert_eq!(
            set(&release.headers, "mcp-session-id").as_deref(),
            Some("up-1")
        );

        let other = gateway.session();
        let refused = gateway.answer(&[("mcp-session-id", &other)], &answer);
        assert_eq!(refused.status, 400);
        assert_eq!(gateway.answer(&[], &answer).status, 400);
        let refused = gateway.answer(&headers, r#"{"jsonrpc":"2.0","result":{},"id":42}"#);
        assert_eq!(refused.status, 400);
    }
}

#[test]
fn an_accepted_answer_is_a_202_and_a_refused_one_is_no_404() {
    for (status, headers) in [(202, &[][..]), (200, &[JSON]), (200, &[EVENTS])] {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let mut exchange = answering(&mut gateway, &session);
        let ResponseHeadStep::Respond(response) = gateway.respond(&mut exchange, status, headers)
        else {
            panic!()
        };
        assert_eq!((response.status, response.body), (202, vec![]), "{status}");
        assert_eq!(response.headers, []);
        assert!(!exchange.wants_ticks());
    }
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = answering(&mut gateway, &session);
    let ResponseHeadStep::Respond(response) = gateway.respond(&mut exchange, 404, &[]) else {
        panic!()
    };
    assert_eq!(response.status, 400);
}

#[test]
fn an_answer_that_a_server_does_not_take_is_a_failed_post() {
    for (status, headers) in [(500, &[JSON][..]), (401, &[])] {
        let mut gateway = Gateway::new();
        let session = gateway.session();
        let mut exchange = answering(&mut gateway, &session);
        let step = gateway.respond(&mut exchange, status, headers);
        assert!(matches!(step, ResponseHeadStep::Respond(response) if response.status == 502));
    }
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = answering(&mut gateway, &session);
    gateway.now_ms += 300_000;
    let step = gateway.lend(|context| exchange.on_tick(context));
    assert!(matches!(step, TickStep::Respond(response) if response.status == 502));
}

#[test]
fn only_a_cancellation_names_a_request_of_the_server() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    let event = "data: {\"method\":\"notifications/x\",\"params\":{\"requestId\":5}}\n\n";
    let stream = format!("{event}data: {ANSWER}\n\n");
    assert_eq!(events(&mut gateway, &mut exchange, &[&stream]), stream);
}

fn answering(gateway: &mut Gateway, session: &str) -> crate::Exchange {
    let mut exchange = streaming(Some(session), gateway);
    let out = events(
        gateway,
        &mut exchange,
        &[&format!("data: {ASK}\n\n"), &format!("data: {ANSWER}\n\n")],
    );
    let sealed = out
        .split("\"id\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let answer = format!(r#"{{"jsonrpc":"2.0","result":{{}},"id":"{sealed}"}}"#);
    let (exchange, step) = gateway.post(&[("mcp-session-id", session)], &answer);
    released(step);
    exchange
}

#[test]
fn any_chunking_of_the_stream_gives_the_same_bytes() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1.0}}"#;
    let stream = format!(": hi\r\nevent: message\r\ndata: {progress}\r\n\r\ndata: {ANSWER}\n\n");
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    assert_eq!(events(&mut gateway, &mut exchange, &[&stream]), stream);
    let mut exchange = Gateway::new();
    let session = exchange.session();
    let mut stream_exchange = streaming(Some(&session), &mut exchange);
    let pieces: Vec<String> = stream.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    assert_eq!(events(&mut exchange, &mut stream_exchange, &pieces), stream);
}

#[test]
fn list_changes_of_a_server_are_not_shown_to_clients() {
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    let stream = format!("data: {changed}\n\ndata: {ANSWER}\n\n");
    assert_eq!(
        events(&mut gateway, &mut exchange, &[&stream]),
        format!("data: {ANSWER}\n\n")
    );
}

#[test]
fn a_stream_that_ends_without_the_answer_ends_with_an_error_that_has_the_id() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    let out = events(&mut gateway, &mut exchange, &[": hi\n\n"]);
    assert!(out.starts_with(": hi\n\n"), "{out}");
    assert!(
        out.contains(r#"data: {"jsonrpc":"2.0","id":7,"error":{"code":-32603"#),
        "{out}"
    );
    assert!(out.ends_with("without an answer\"}}\n\n"), "{out}");
}

#[test]
fn a_caller_without_a_session_is_asked_nothing() {
    let mut gateway = Gateway::new();
    let mut exchange = streaming(None, &mut gateway);
    let stream = format!("data: {ASK}\n\ndata: {ANSWER}\n\n");
    assert_eq!(
        events(&mut gateway, &mut exchange, &[&stream]),
        format!("data: {ANSWER}\n\n")
    );
}

#[test]
fn one_request_of_a_server_is_always_shown_under_one_id_so_that_it_can_cancel_it() {
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":42}}"#;
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    let stream = format!("data: {ASK}\n\ndata: {cancelled}\n\ndata: {ANSWER}\n\n");
    let out = events(&mut gateway, &mut exchange, &[&stream]);
    let asked = out
        .split("\"id\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let named = out
        .split("\"requestId\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert_eq!(asked, named);
}

#[test]
fn a_stream_that_is_no_mcp_is_replaced_or_cut_where_some_of_it_has_passed() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let mut exchange = streaming(Some(&session), &mut gateway);
    let BodyStep::Replace(out) = gateway.body(&mut exchange, "data: <html>\n\n", false) else {
        panic!()
    };
    assert!(text(&out).contains(r#""id":7,"error":{"code":-32603"#));
    assert_eq!(
        gateway.body(&mut exchange, "data: more\n\n", true),
        BodyStep::Replace(Vec::new())
    );
    let mut exchange = streaming_again(&mut gateway, &session);
    gateway.body(&mut exchange, ": hi\n\n", false);
    assert_eq!(
        gateway.body(&mut exchange, "data: <html>\n\n", false),
        BodyStep::Reset
    );
}

fn streaming_again(gateway: &mut Gateway, session: &str) -> crate::Exchange {
    let (mut exchange, step) = gateway.post(&[("mcp-session-id", session)], &call("s_echo"));
    released(step);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    exchange
}

//! Bodies too large to be held: whatever the cut, they come to the same end.

use super::driver::*;
use crate::Exchange;
use crate::exchange::CallStep;
use crate::step::{BodyEdit, BodyStep, CallOutcome, LocalResponse, RequestStep, ResponseHeadStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const REPLAY: usize = 64;

fn gateway() -> Gateway {
    Gateway::with(|config| config.limits.replay_bytes = REPLAY as u32)
}

/// `{"jsonrpc":"2.0","method":..,"params":{"name":..,"arguments":{..}` and then `rest`, as clients write it that put the id last.
fn body(tool: &str, rest: &str) -> String {
    let long = "y".repeat(2 * REPLAY);
    format!(
        r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"{tool}","arguments":{{"s":"{long}"}}{rest}"#
    )
}

/// The answer to a body in pieces of `longest` bytes, wherever it comes.
fn answer(body: &str, longest: usize) -> Option<LocalResponse> {
    let mut gateway = gateway();
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(longest).collect();
    let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
    let head = request_headers("POST", &[PAT]);
    let mut step = gateway.lend(|context| exchange.on_request_headers(head, false, context));
    for (index, piece) in pieces.iter().enumerate() {
        let (piece, last) = (piece.to_vec(), index + 1 == pieces.len());
        match step {
            RequestStep::Hold | RequestStep::Settle(_) => {
                step = gateway.lend(|context| exchange.on_held_body(piece, last, context));
            }
            RequestStep::Release(_) => {
                let more = exchange.on_released_body(piece, last);
                if let BodyStep::Respond(response) = more {
                    return Some(response);
                }
            }
            RequestStep::Respond(response) => return Some(response),
            RequestStep::Pass => panic!("passed"),
        }
    }
    match step {
        RequestStep::Respond(response) => Some(response),
        _ => None,
    }
}

/// The same for every cut.
fn same_answer(body: &str) -> Option<LocalResponse> {
    let whole = answer(body, usize::MAX);
    for longest in [1, 10, REPLAY + 1, 2 * REPLAY] {
        assert_eq!(answer(body, longest), whole, "{longest}");
    }
    whole
}

fn begins(body: &str, status: u16, begin: &str) {
    let response = same_answer(body).unwrap();
    assert_eq!(response.status, status);
    assert!(
        text(&response.body).starts_with(begin),
        "{}",
        text(&response.body)
    );
}

#[test]
fn a_call_goes_on_with_its_id_last() {
    assert_eq!(same_answer(&body("github_get_me", r#"},"id":5}"#)), None);
}

#[test]
fn an_unknown_tool_is_told_with_the_id_that_comes_last() {
    begins(
        &body("github_none", r#"},"id":5}"#),
        200,
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32602,"#,
    );
}

#[test]
fn a_call_without_an_id_is_no_message() {
    begins(
        &body("github_get_me", "}}"),
        400,
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"#,
    );
}

#[test]
fn a_revision_that_the_end_names_is_refused() {
    begins(
        &body(
            "github_get_me",
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}},"id":5}"#,
        ),
        400,
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32020,"message":"Header mismatch: mcp-protocol-version"#,
    );
}

#[test]
fn a_second_name_or_id_is_refused_wherever_it_stands() {
    begins(
        &body("github_get_me", r#","name":"s_echo"},"id":5}"#),
        400,
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request: duplicate key"#,
    );
    begins(
        &body("github_get_me", r#"},"id":5,"i\u0064":6}"#),
        400,
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request: duplicate key"#,
    );
    begins(
        &body("github_get_me", r#"},"id":5,"method":"ping"}"#),
        400,
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32600,"message":"Invalid request: duplicate key"#,
    );
}

#[test]
fn a_batch_is_told_from_what_is_no_json() {
    let long = "y".repeat(2 * REPLAY);
    let batch = same_answer(&format!(r#"["{long}"]"#)).unwrap();
    assert_eq!(batch.reason, "batch");
    let broken = same_answer(&format!(r#"["{long}",]"#)).unwrap();
    assert_eq!(broken.reason, "invalid_json");
}

#[test]
fn a_broken_body_without_end_is_answered_once_it_is_large() {
    let mut gateway = gateway();
    let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
    let head = request_headers("POST", &[]);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let mut feed = |bytes: &[u8]| {
        gateway.lend(|context| exchange.on_held_body(bytes.to_vec(), false, context))
    };
    assert_eq!(feed(b"{]"), RequestStep::Hold);
    assert_eq!(feed(&[b'x'; REPLAY - 2]), RequestStep::Hold);
    assert!(matches!(feed(b"x"), RequestStep::Respond(response) if response.status == 400));
}

/// A call that is large, and of which the first part has come: a session is opened for it.
fn begun() -> (Gateway, Exchange) {
    let mut gateway = gateway();
    let session = gateway.session();
    let body = body("s_echo", "");
    let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
    let headers = [
        ("mcp-session-id", session.as_str()),
        ("content-length", "100000"),
    ];
    let head = request_headers("POST", &headers);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let with_id = body.replace("\"method\"", "\"id\":7,\"method\"");
    let step = piece(&mut gateway, &mut exchange, &with_id, false);
    assert_eq!(settled(step), with_id.replace("s_echo", "echo"));
    (gateway, exchange)
}

fn piece(gateway: &mut Gateway, exchange: &mut Exchange, text: &str, last: bool) -> RequestStep {
    gateway.lend(|context| exchange.on_held_body(text.into(), last, context))
}

#[test]
fn what_comes_while_a_session_is_opened_stays_as_it_is_and_the_rest_streams() {
    let (mut gateway, mut exchange) = begun();
    let step = piece(&mut gateway, &mut exchange, r#","a":"s_echo""#, false);
    assert_eq!(step, RequestStep::Settle(BodyEdit::Keep));
    let release = gateway.open(&mut exchange, "up");
    assert_eq!((release.body, release.inspect_rest), (BodyEdit::Keep, true));
    let rest = exchange.on_released_body(b"}}".to_vec(), true);
    assert_eq!(rest, BodyStep::Forward);
}

#[test]
fn what_ends_while_a_session_is_opened_needs_no_more_looks() {
    let (mut gateway, mut exchange) = begun();
    let step = piece(&mut gateway, &mut exchange, "}}", true);
    assert_eq!(step, RequestStep::Settle(BodyEdit::Keep));
    assert!(!gateway.open(&mut exchange, "up").inspect_rest);
}

#[test]
fn what_was_settled_before_its_end_is_never_sent_again_in_part() {
    for end_while_opening in [true, false] {
        let (mut gateway, mut exchange) = begun();
        if end_while_opening {
            piece(&mut gateway, &mut exchange, "}}", true);
        }
        gateway.open(&mut exchange, "up");
        let ResponseHeadStep::Respond(response) = gateway.respond(&mut exchange, 404, &[]) else {
            panic!("repaired")
        };
        assert_eq!(response.status, 404);
    }
}

#[test]
fn a_session_that_is_not_opened_is_told_while_the_body_still_comes() {
    let (mut gateway, mut exchange) = begun();
    let opening = only(exchange.take_calls());
    let step = gateway.end_call(&mut exchange, &opening, CallOutcome::Failed);
    let CallStep::Request(RequestStep::Respond(response)) = step else {
        panic!("{step:?}")
    };
    assert!(text(&response.body).starts_with(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603"#));
}

#[test]
fn a_body_that_breaks_while_a_session_is_opened_is_refused() {
    let (mut gateway, mut exchange) = begun();
    let step = piece(&mut gateway, &mut exchange, "}}}", false);
    assert!(matches!(step, RequestStep::Respond(response) if response.status == 400));
}

#[test]
fn a_body_of_unknown_length_is_edited_once_its_name_is_known() {
    for (headers, early) in [
        (&[PAT][..], true),
        (&[PAT, ("content-length", "60")][..], false),
    ] {
        let mut gateway = gateway();
        let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
        let head = request_headers("POST", headers);
        gateway.lend(|context| exchange.on_request_headers(head, false, context));
        let begin = r#"{"method":"tools/call","params":{"name":"#;
        let step = piece(&mut gateway, &mut exchange, begin, false);
        assert_eq!(step, RequestStep::Hold);
        let step = piece(&mut gateway, &mut exchange, r#""github_get_me""#, false);
        if !early {
            assert_eq!(step, RequestStep::Hold);
            continue;
        }
        assert_eq!(settled(step), format!(r#"{begin}"get_me""#));
        let step = piece(&mut gateway, &mut exchange, "}", false);
        assert_eq!(step, RequestStep::Settle(BodyEdit::Keep));
        let step = piece(
            &mut gateway,
            &mut exchange,
            r#","id":7,"jsonrpc":"2.0"}"#,
            true,
        );
        assert_eq!(released(step).body, BodyEdit::Keep);
    }
}

#[test]
fn what_turns_out_to_be_of_another_era_after_its_edit_is_answered_once_it_is_large() {
    let mut gateway = gateway();
    let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
    let head = request_headers("POST", &[PAT]);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let begin = r#"{"method":"tools/call","params":{"name":"github_get_me""#;
    let step = piece(&mut gateway, &mut exchange, begin, false);
    assert_eq!(settled(step), begin.replace("github_", ""));
    let meta = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    let step = piece(&mut gateway, &mut exchange, meta, false);
    let RequestStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert_eq!(response.status, 400);
    assert!(text(&response.body).contains("-32020"), "{response:?}");
}

#[test]
fn a_small_body_of_unknown_length_can_be_sent_again_with_its_edit() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let body = call("s_echo");
    let (first, last) = body.split_at(body.len() - 3);
    let pieces = [first.as_bytes(), last.as_bytes()];
    let (mut exchange, _) = gateway.post_pieces(&[("mcp-session-id", &session)], &pieces);
    gateway.open(&mut exchange, "old");
    gateway.respond(&mut exchange, 404, &[JSON]);
    let opening = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &opening, initialized("new"));
    let ready = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &ready, answered(202, &[], ""));
    assert_eq!(text(&only(exchange.take_calls()).body), call("echo"));
}

#[test]
fn what_is_refused_at_its_end_is_refused_after_its_edit_too() {
    let mut gateway = Gateway::new();
    let pieces = [
        br#"{"id":7,"jsonrpc":"2.0","method":"tools/call","params":{"name":"github_get_me""#
            .as_slice(),
        br#","name":"s_echo"}}"#,
    ];
    let (_, step) = gateway.post_pieces(&[PAT], &pieces);
    assert!(matches!(step, RequestStep::Respond(response) if response.status == 400));
}

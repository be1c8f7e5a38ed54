//! Bodies too large to be held: whatever the cut, they come to the same end.

use super::driver::*;
use crate::Exchange;
use crate::step::{BodyStep, LocalResponse, RequestStep};
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
            RequestStep::Hold => {
                step = gateway.lend(|context| exchange.on_held_body(piece, last, context));
            }
            RequestStep::Release(_) => {
                let more = gateway.lend(|context| exchange.on_released_body(piece, last, context));
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
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32600,"message":"Invalid request: unsupported MCP-Protocol-Version"#,
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

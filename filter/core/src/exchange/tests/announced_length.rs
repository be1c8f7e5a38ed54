//! Over HTTP/1.1 a body has come before the host says that it has ended.

use super::driver::*;
use crate::Exchange;
use crate::step::{BodyStep, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A body that is all that was announced, and of which nobody has said that it has ended.
fn announced(gateway: &mut Gateway, body: &str) -> (Exchange, RequestStep) {
    let mut exchange = Exchange::new(std::rc::Rc::clone(&gateway.table));
    let length = body.len().to_string();
    let head = request_headers("POST", &[PAT, ("content-length", length.as_str())]);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let step = feed(gateway, &mut exchange, body, false);
    (exchange, step)
}

fn feed(gateway: &mut Gateway, exchange: &mut Exchange, body: &str, end: bool) -> RequestStep {
    gateway.lend(|context| exchange.on_held_body(body.into(), end, context))
}

#[test]
fn a_call_goes_on_with_the_last_byte_that_was_announced() {
    let mut gateway = Gateway::new();
    let (mut exchange, step) = announced(&mut gateway, &call("github_get_me"));
    assert!(released(step).inspect_rest);
    let end = exchange.on_released_body(Vec::new(), true);
    assert_eq!(end, BodyStep::Forward);
}

#[test]
fn more_than_was_announced_is_refused() {
    let mut gateway = Gateway::new();
    let (mut exchange, step) = announced(&mut gateway, &call("github_get_me"));
    released(step);
    let more = exchange.on_released_body(b"{}".to_vec(), true);
    let BodyStep::Respond(response) = more else {
        panic!("{more:?}");
    };
    assert_eq!(response.status, 400);
}

#[test]
fn what_is_answered_here_waits_for_the_end() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        &call("github_none"),
    ] {
        let mut gateway = Gateway::new();
        let (mut exchange, step) = announced(&mut gateway, body);
        assert_eq!(step, RequestStep::Hold, "{body}");
        let end = feed(&mut gateway, &mut exchange, "", true);
        assert!(matches!(end, RequestStep::Respond(_)), "{body}: {end:?}");
    }
}

#[test]
fn a_document_that_is_cut_where_its_body_ends_is_refused_at_the_end() {
    let mut gateway = Gateway::new();
    let call = call("github_get_me");
    let (mut exchange, step) = announced(&mut gateway, call.trim_end_matches('}'));
    assert_eq!(step, RequestStep::Hold);
    let RequestStep::Respond(response) = feed(&mut gateway, &mut exchange, "", true) else {
        panic!("not answered");
    };
    assert_eq!(response.status, 400);
}

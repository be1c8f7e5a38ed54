//! Bodies of servers that are no answer to the request, in whole or in part.

use super::driver::*;
use crate::Exchange;
use crate::step::{BodyStep, ResponseBody, ResponseHeadStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A call whose server has begun to answer.
fn answering(gateway: &mut Gateway, headers: &[(&str, &str)]) -> Exchange {
    let (mut exchange, step) = gateway.post(&[PAT], &call("github_get_me"));
    released(step);
    let step = gateway.respond(&mut exchange, 200, headers);
    let ResponseHeadStep::Continue(edits, ResponseBody::Inspect) = step else {
        panic!("{step:?}")
    };
    assert!(removes(&edits, "content-length"), "another body may follow");
    exchange
}

fn instead(step: BodyStep) -> String {
    match step {
        BodyStep::Replace(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("not replaced: {other:?}"),
    }
}

/// What is JSON, and no response.
const UNSOUND: &[&str] = &[
    r#"{"id":7,"result":{}}"#,
    r#"{"jsonrpc":"1.0","id":7,"result":{}}"#,
    r#"{"jsonrpc":2.0,"id":7,"result":{}}"#,
    r#"{"jsonrpc":["2.0"],"id":7,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":7,"result":null}"#,
    r#"{"jsonrpc":"2.0","id":7,"result":5}"#,
    r#"{"jsonrpc":"2.0","id":7,"result":[]}"#,
    r#"{"jsonrpc":"2.0","id":7,"error":null}"#,
    r#"{"jsonrpc":"2.0","id":7,"error":"oops"}"#,
    r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":"m"}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"m","result":{}}"#,
];

#[test]
fn an_event_that_is_no_sound_response_is_no_answer() {
    for unsound in UNSOUND {
        let event = format!("data: {unsound}\n\n");
        let mut gateway = Gateway::new();
        let mut exchange = answering(&mut gateway, &[EVENTS]);
        let error = instead(gateway.body(&mut exchange, &event, true));
        let begin = r#"data: {"jsonrpc":"2.0","id":7,"error":{"code":-32603"#;
        assert!(error.contains(begin), "{unsound}: {error}");
        let mut exchange = answering(&mut gateway, &[EVENTS]);
        gateway.body(&mut exchange, ": hi\n\n", false);
        let step = gateway.body(&mut exchange, &event, false);
        assert_eq!(step, BodyStep::Reset, "{unsound}");
    }
}

#[test]
fn a_server_cannot_answer_for_another_one() {
    let mut gateway = Gateway::new();
    let mut exchange = answering(&mut gateway, &[EVENTS]);
    let strange = "data: {\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}\n\n";
    let error = instead(gateway.body(&mut exchange, strange, false));
    assert!(error.starts_with("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"error\""));

    let mut exchange = answering(&mut gateway, &[EVENTS]);
    let nobody = "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}\n\n";
    assert_eq!(
        gateway.body(&mut exchange, nobody, false),
        BodyStep::Forward
    );
    assert_eq!(gateway.body(&mut exchange, strange, false), BodyStep::Reset);
}

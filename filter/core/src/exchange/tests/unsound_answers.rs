//! Bodies of servers that are no answer to the request, in whole or in part.

use super::driver::*;
use crate::Exchange;
use crate::step::{BodyStep, ResponseBody, ResponseHeadStep, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// More than is held.
const LARGE: (&str, &str) = ("content-length", "1000000");

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
        let cause = "test/github sent an event that is no MCP message, or answers another request";
        assert!(error.contains(cause), "{unsound}: {error}");
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

#[test]
fn a_json_body_that_is_no_answer_is_replaced() {
    let others = [
        r#"{"jsonrpc":"2.0","id":7,"res"#,
        "",
        "[]",
        r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":7}"#,
    ];
    for body in others.iter().chain(UNSOUND) {
        let mut gateway = Gateway::new();
        let mut exchange = answering(&mut gateway, &[JSON]);
        let error = instead(gateway.body(&mut exchange, body, true));
        let begin = r#"{"jsonrpc":"2.0","id":7,"error""#;
        assert!(error.starts_with(begin), "{body}: {error}");
    }
}

#[test]
fn a_large_answer_streams_once_its_id_is_known() {
    let mut gateway = Gateway::new();
    let mut exchange = answering(&mut gateway, &[JSON, LARGE]);
    for (piece, step) in [
        (r#"{"jsonrpc":"2.0","#, BodyStep::Hold),
        (r#""id":7,"result":{"a":""#, BodyStep::Forward),
        ("xxx", BodyStep::Forward),
    ] {
        assert_eq!(gateway.body(&mut exchange, piece, false), step);
    }
    assert_eq!(gateway.body(&mut exchange, "\"}}", true), BodyStep::Forward);
}

#[test]
fn an_answer_that_outgrows_what_is_held_streams() {
    for (headers, held) in [(&[JSON][..], 64_000), (&[JSON, LARGE], 1000)] {
        let mut gateway = Gateway::new();
        let mut exchange = answering(&mut gateway, headers);
        let first = format!(r#"{{"result":{{"a":"{}"#, "x".repeat(held));
        let step = gateway.body(&mut exchange, &first, false);
        assert_eq!(step, BodyStep::Hold);
        let step = gateway.body(&mut exchange, &"x".repeat(2000), false);
        assert_eq!(step, BodyStep::Forward);
        let last = r#""},"jsonrpc":"2.0","id":7}"#;
        assert_eq!(gateway.body(&mut exchange, last, true), BodyStep::Forward);
    }
}

#[test]
fn a_large_answer_whose_id_does_not_come_first_is_not_held() {
    let mut gateway = Gateway::new();
    let mut exchange = answering(&mut gateway, &[JSON, LARGE]);
    let first = format!(r#"{{"result":{{"a":"{}"#, "x".repeat(1024));
    assert_eq!(
        gateway.body(&mut exchange, &first, false),
        BodyStep::Forward
    );
    let last = r#""},"jsonrpc":"2.0","id":7}"#;
    assert_eq!(gateway.body(&mut exchange, last, true), BodyStep::Forward);
}

#[test]
fn a_large_body_that_is_known_in_time_to_be_no_answer_is_replaced() {
    let fill = "x".repeat(70_000);
    for (headers, begin) in [
        (
            &[JSON, LARGE][..],
            r#"{"jsonrpc":"2.0","id":8,"result":{"a":""#.to_owned(),
        ),
        (
            &[JSON, LARGE],
            r#"{"jsonrpc":"1.0","id":7,"result":{"a":""#.to_owned(),
        ),
        (
            &[JSON],
            format!(r#"{{"jsonrpc":"2.0","id":8,"result":{{"a":"{fill}"#),
        ),
        (&[JSON], format!("[\"{fill}")),
        (&[JSON, LARGE], format!("<html>{fill}")),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = answering(&mut gateway, headers);
        let error = instead(gateway.body(&mut exchange, &begin, false));
        assert!(error.starts_with(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603"#));
        let rest = gateway.body(&mut exchange, "x", true);
        assert_eq!(rest, BodyStep::Replace(Vec::new()));
    }
}

#[test]
fn a_large_body_that_shows_late_to_be_no_answer_is_cut() {
    let begin = format!(r#"{{"result":{{"a":"{}"#, "x".repeat(70_000));
    // With more to come, and as the end of the body.
    for (rest, end) in [
        (r#""},"jsonrpc":"2.0","id":8}"#, false),
        (r#""},"jsonrpc":"2.0","id":"7"}"#, false),
        (r#""},"jsonrpc":"2.0","id":null}"#, false),
        (r#""},"jsonrpc":"1.0","id":7}"#, false),
        (r#""},"jsonrpc":"2.0","id":7,"error":{}}"#, false),
        (r#""},"jsonrpc":"2.0","id":7,"id":8}"#, false),
        ("\u{1}", false),
        ("", true),
        (r#""},"jsonrpc":"2.0","id":7"#, true),
        (r#""},"jsonrpc":"2.0"}"#, true),
        (r#""},"id":7}"#, true),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = answering(&mut gateway, &[JSON]);
        let begun = gateway.body(&mut exchange, &begin, false);
        assert_eq!(begun, BodyStep::Forward);
        let step = gateway.body(&mut exchange, rest, end);
        assert_eq!(step, BodyStep::Reset, "{rest}");
    }
}

#[test]
fn a_large_answer_may_take_its_time_but_not_be_silent() {
    let mut gateway = Gateway::new();
    let mut exchange = answering(&mut gateway, &[JSON, LARGE]);
    gateway.body(
        &mut exchange,
        r#"{"jsonrpc":"2.0","id":7,"result":{"a":""#,
        false,
    );
    for _ in 0..10 {
        gateway.now_ms += 200_000;
        assert_eq!(gateway.body(&mut exchange, "x", false), BodyStep::Forward);
        assert_eq!(
            gateway.lend(|context| exchange.on_tick(context)),
            TickStep::Wait
        );
    }
    gateway.now_ms += 300_000;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Reset
    );
}

//! Log messages of a server, from the level on that a request asks for.

use super::*;
use crate::exchange::Exchange;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ANSWER: &str =
    "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\"}}\n\n";

fn log(params: &str) -> String {
    format!(
        "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{{params}}}}}\n\n"
    )
}

/// A call that asks for log messages from this level on.
fn call_from(gateway: &mut Gateway, level: &str) -> Exchange {
    let meta = META.strip_suffix('}').unwrap();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"github_get_me",{meta},"io.modelcontextprotocol/logLevel":"{level}"}}}}}}"#
    );
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
    ];
    let (exchange, step) = gateway.post(&headers, &body);
    released(step);
    exchange
}

/// What the client gets of this stream, whole and byte by byte.
fn gets(gateway: impl Fn() -> Gateway, level: &str, stream: &str) -> String {
    let by_byte: Vec<&str> = stream.split_inclusive(|_: char| true).collect();
    let [whole, cut] = [vec![stream], by_byte].map(|pieces| {
        let mut gateway = gateway();
        let mut exchange = call_from(&mut gateway, level);
        feed(&mut gateway, &mut exchange, EVENTS, &pieces)
    });
    assert_eq!(whole, cut);
    whole
}

#[test]
fn a_server_of_sessions_is_heard_from_the_level_on_that_was_asked_for() {
    let levels = [
        "debug",
        "info",
        "notice",
        "warning",
        "error",
        "critical",
        "alert",
        "emergency",
    ];
    let all = levels.map(|level| log(&format!(r#""data":{{"level":"debug"}},"level":"{level}""#)));
    let stream = [all.concat(), ANSWER.to_owned()].concat();
    for (place, level) in levels.iter().enumerate() {
        let expected = [all.get(place..).unwrap().concat(), ANSWER.to_owned()].concat();
        assert_eq!(gets(Gateway::new, level, &stream), expected, "{level}");
    }
}

#[test]
fn the_order_of_members_tells_nothing() {
    let early = "data: {\"params\":{\"level\":\"info\"},\"method\":\"notifications/message\",\"jsonrpc\":\"2.0\"}\n\n";
    let stream = [early, ANSWER].concat();
    assert_eq!(gets(Gateway::new, "warning", &stream), ANSWER);
    assert_eq!(gets(Gateway::new, "info", &stream), stream);
}

#[test]
fn what_says_no_level_is_not_below_one() {
    for params in ["", r#""level":7"#, r#""level":"loud""#, r#""data":1"#] {
        let stream = [log(params).as_str(), ANSWER].concat();
        assert_eq!(gets(Gateway::new, "emergency", &stream), stream, "{params}");
    }
}

#[test]
fn a_level_that_is_told_too_late_to_be_waited_for_lets_pass() {
    let long = "x".repeat(70_000);
    let stream = [&log(&format!(r#""data":"{long}","level":"debug""#)), ANSWER].concat();
    assert_eq!(gets(Gateway::new, "error", &stream), stream);
}

#[test]
fn progress_and_what_a_stateless_server_says_pass() {
    let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"level\":\"debug\"}}\n\n";
    let stream = [progress, ANSWER].concat();
    assert_eq!(gets(Gateway::new, "error", &stream), stream);
    let stream = [&log(r#""level":"debug""#), ANSWER].concat();
    assert_eq!(gets(with_both, "error", &stream), stream);
}

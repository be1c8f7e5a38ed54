use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, respond, routed};

fn stream(host: &FakeHost) -> FakeStream {
    host.open(&[Some(host.hold_plugin())])
}

#[test]
fn what_is_not_ours_passes_untouched() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .request_headers(&[], false)
        .send("some")
        .send_last(" body");
    assert_eq!(stream.upstream_got().unwrap(), "some body");
    assert_eq!(stream.upstream_header(":authority").unwrap(), "gateway");
}

#[test]
fn nothing_reaches_the_upstream_before_the_decision() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": routed(json!({}))}))
        .send("a")
        .send("b");
    assert!(stream.upstream_saw_nothing());
    stream.send_last("c");
    assert_eq!(stream.upstream_got().unwrap(), "abc");
    assert_eq!(stream.upstream_header(":authority").unwrap(), "routed");
}

#[test]
fn each_byte_is_fed_once() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": routed(json!({"body": "upper"}))}))
        .send("ab")
        .send("")
        .send("cd")
        .send_last("e");
    assert_eq!(stream.upstream_got().unwrap(), "ABCDE");
    assert_eq!(stream.upstream_header("x-fed").unwrap(), "4/5");
}

#[test]
fn trailers_end_a_held_body() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": routed(json!({"body": "upper"}))}))
        .send("ab")
        .send_trailers();
    assert_eq!(stream.upstream_got().unwrap(), "AB");
    assert_eq!(stream.upstream_trailer("x-trailer"), None);
}

#[test]
fn a_request_without_body_is_decided_at_its_headers() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream.ask_without_body(&json!({"end": routed(json!({}))}));
    assert_eq!(stream.upstream_got().unwrap(), "");
    assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
}

#[test]
fn content_length_follows_the_edit() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"end": routed(json!({"body": "longer than it was"}))}).to_string();
    stream
        .request_headers(&[("x-script", &script), ("content-length", "5")], false)
        .send_last("short");
    assert_eq!(stream.upstream_got().unwrap(), "longer than it was");
    assert_eq!(stream.upstream_header("content-length").unwrap(), "18");
}

#[test]
fn content_length_that_is_no_number_goes() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"end": routed(json!({"body": "new"}))}).to_string();
    stream
        .request_headers(&[("x-script", &script), ("content-length", "five")], false)
        .send_last("short");
    assert_eq!(stream.upstream_header("content-length"), None);
}

#[test]
fn what_comes_after_the_release_streams() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"piece": routed(json!({"body": "upper"}))}))
        .send("ab");
    assert_eq!(stream.upstream_has(), "AB");
    stream.send("cd");
    assert_eq!(stream.upstream_has(), "ABcd");
    stream.send_last("e");
    assert_eq!(stream.upstream_got().unwrap(), "ABcde");
}

#[test]
fn what_comes_after_the_release_is_inspected_when_asked_for() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script =
        json!({"piece": routed(json!({"inspect": true})), "rest": "hold", "rest_end": "upper"});
    stream.ask(&script).send("ab").send("cd");
    assert_eq!(stream.upstream_has(), "ab");
    stream.send_last("ef");
    assert_eq!(stream.upstream_got().unwrap(), "abCDEF");
}

#[test]
fn a_released_body_that_ends_with_trailers_is_told_so() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script =
        json!({"piece": routed(json!({"inspect": true})), "rest": "hold", "rest_end": "upper"});
    stream.ask(&script).send("ab").send("cd").send_trailers();
    assert_eq!(stream.upstream_got().unwrap(), "abCD");
}

#[test]
fn a_held_request_can_be_answered_at_any_of_its_parts() {
    for part in ["head", "piece", "end"] {
        let host = FakeHost::new();
        let stream = stream(&host);
        stream
            .ask(&json!({part: respond(400)}))
            .send("a")
            .send_last("b");
        assert_eq!(
            stream.client_got().unwrap(),
            (400, "answered".to_owned()),
            "{part}"
        );
        assert!(stream.upstream_saw_nothing(), "{part}");
    }
}

#[test]
fn a_request_can_be_answered_at_its_trailers() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": respond(400)}))
        .send("a")
        .send_trailers();
    assert_eq!(stream.client_got().unwrap().0, 400);
    assert!(stream.upstream_saw_nothing());
}

#[test]
fn a_released_request_can_still_be_answered() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"piece": routed(json!({"inspect": true})), "rest_end": respond(400)});
    stream.ask(&script).send("a").send_last("b");
    assert_eq!(stream.client_got().unwrap().0, 400);
    assert_eq!(stream.upstream_got(), None);
}

#[test]
fn a_released_request_can_be_cut() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"piece": routed(json!({"inspect": true})), "rest_end": "reset"});
    stream.ask(&script).send("a").send_last("b");
    assert!(stream.was_reset());
    assert_eq!(stream.upstream_got(), None);
}

#[test]
fn an_exchange_that_holds_a_request_past_its_end_has_it_cut() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"piece": routed(json!({"inspect": true})), "rest_end": "hold"});
    stream.ask(&script).send("a").send_last("b");
    assert!(stream.was_reset());
}

#[test]
fn bytes_above_ascii_pass_headers_and_body() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"end": routed(json!({"body": "upper"}))}).to_string();
    stream
        .request_headers(&[("x-script", &script), ("x-odd", "\u{ff}\u{80}")], false)
        .send_last("a\u{fe}");
    assert_eq!(stream.upstream_got().unwrap(), "A\u{fe}");
    assert_eq!(stream.upstream_header("x-odd").unwrap(), "\u{ff}\u{80}");
}

#[test]
fn a_call_makes_few_hostcalls() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"end": routed(json!({"body": "upper"})), "response": {"continue": {"inspect": true}}, "response_piece": "hold"});
    let script = script.to_string();
    let before = host.hostcalls();
    stream
        .request_headers(&[("x-script", &script), ("content-length", "5")], false)
        .send("ab")
        .send_last("cde")
        .upstream_answers(200)
        .upstream_sends("{}")
        .upstream_sends_last("");
    assert_eq!(stream.upstream_got().unwrap(), "ABCDE");
    assert_eq!(stream.client_got().unwrap(), (200, "{}".to_owned()));
    let made = host.hostcalls() - before;
    assert!(made <= 14, "{made}");
}

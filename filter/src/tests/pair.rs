use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, call, configuration, respond, routed};
use crate::handshake::TAG;

fn stream(host: &FakeHost) -> FakeStream {
    let (route, gate) = host.pair_of_plugins();
    host.open(&[Some(route), Some(gate)])
}

/// With a filter between the halves that holds the headers.
fn stream_with_a_wait(host: &FakeHost) -> FakeStream {
    let (route, gate) = host.pair_of_plugins();
    host.open(&[Some(route), None, Some(gate)])
}

#[test]
fn what_is_not_ours_passes_without_its_tag() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .request_headers(&[(TAG, "pass:1:0000000000000000:1")], false)
        .send_last("body");
    assert_eq!(stream.upstream_got().unwrap(), "body");
    assert_eq!(stream.upstream_header(TAG), None);
}

#[test]
fn nothing_passes_the_gate_before_the_decision() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": routed(json!({"body": "upper"}))}))
        .send("a")
        .send("b");
    assert!(stream.upstream_saw_nothing());
    stream.send_last("c");
    assert_eq!(stream.upstream_got().unwrap(), "ABC");
    assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
    assert_eq!(stream.upstream_header(TAG), None);
}

#[test]
fn a_body_in_one_piece_is_not_lost() {
    let host = FakeHost::new();
    let stream = stream(&host);
    stream
        .ask(&json!({"end": routed(json!({}))}))
        .send_last("whole");
    assert_eq!(stream.upstream_got().unwrap(), "whole");
}

#[test]
fn content_length_follows_the_edit() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script = json!({"end": routed(json!({"body": "longer"}))}).to_string();
    stream
        .request_headers(&[("x-script", &script), ("content-length", "5")], false)
        .send_last("short");
    assert_eq!(stream.upstream_got().unwrap(), "longer");
    assert_eq!(stream.upstream_header("content-length").unwrap(), "6");
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
}

#[test]
fn what_comes_after_the_release_streams() {
    let host = FakeHost::new();
    let stream = stream(&host);
    let script =
        json!({"piece": routed(json!({"inspect": true})), "rest": "forward", "rest_end": "upper"});
    stream.ask(&script).send("ab").send("cd");
    assert_eq!(stream.upstream_has(), "abcd");
    stream.send_last("ef");
    assert_eq!(stream.upstream_got().unwrap(), "abcdEF");
}

#[test]
fn a_request_without_body_is_edited_behind_the_gate() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    stream.ask_without_body(&json!({"end": routed(json!({}))}));
    assert!(stream.upstream_saw_nothing());
    stream.let_through();
    assert_eq!(stream.upstream_got().unwrap(), "");
    assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
}

#[test]
fn a_decision_waits_for_the_gate() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    stream
        .ask(&json!({"end": routed(json!({"body": "upper"}))}))
        .send("ab")
        .send_last("cd");
    assert!(stream.upstream_saw_nothing());
    stream.let_through();
    assert_eq!(stream.upstream_got().unwrap(), "ABCD");
    assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
}

#[test]
fn a_gate_that_comes_before_the_end_of_the_body_waits_for_the_decision() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    stream
        .ask(&json!({"end": routed(json!({"body": "upper"}))}))
        .send("ab");
    stream.let_through();
    assert!(stream.upstream_saw_nothing());
    stream.send_last("cd");
    assert_eq!(stream.upstream_got().unwrap(), "ABCD");
}

#[test]
fn a_decision_amid_the_body_waits_for_a_late_gate() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    let script = json!({"piece": routed(json!({"body": "upper", "inspect": true})), "rest": "hold", "rest_end": "upper"});
    stream.ask(&script).send("ab").send("cd").let_through();
    assert!(stream.upstream_saw_nothing());
    stream.send_last("ef");
    assert_eq!(stream.upstream_got().unwrap(), "ABCDEF");
}

#[test]
fn a_request_can_be_answered_while_the_gate_waits() {
    for part in ["piece", "end"] {
        let host = FakeHost::new();
        let stream = stream(&host);
        stream
            .ask(&json!({part: respond(400)}))
            .send("a")
            .send_last("b");
        assert_eq!(stream.client_got().unwrap().0, 400, "{part}");
        assert!(stream.upstream_saw_nothing(), "{part}");
    }
}

#[test]
fn a_client_that_leaves_before_the_gate_has_come_leaves_nothing_behind() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let first = host.open(&[Some(route), None, Some(gate)]);
    first
        .ask(&json!({"end": call(routed(json!({})))}))
        .send_last("a");
    first.client_leaves();
    assert!(host.open_calls().is_empty());
    let second = host.open(&[Some(route), None, Some(gate)]);
    second
        .ask(&json!({"end": routed(json!({}))}))
        .send_last("b")
        .let_through();
    assert_eq!(second.upstream_got().unwrap(), "b");
    assert!(first.upstream_saw_nothing());
}

#[test]
fn a_gate_without_a_route_before_it_answers_503() {
    let host = FakeHost::new();
    let (_, gate) = host.pair_of_plugins();
    for _ in 0..3 {
        let stream = host.open(&[Some(gate)]);
        stream.request_headers(&[], false).send_last("a");
        assert_unready(&stream);
        assert!(stream.upstream_saw_nothing());
    }
    assert_eq!(host.errors().len(), 1, "{:?}", host.errors());
}

#[test]
fn a_route_answers_503_while_there_is_no_gate() {
    let host = FakeHost::new();
    let (route, configured) = host.start(&configuration("route"), false);
    assert!(configured);
    let call = json!({"end": routed(json!({}))});
    let refused = |body: bool| {
        let stream = host.open(&[Some(route)]);
        if body {
            stream.ask(&call).send_last("a");
        } else {
            stream.ask_without_body(&call);
        }
        assert_unready(&stream);
        assert!(stream.upstream_saw_nothing());
    };
    refused(true);
    refused(false);
    assert_eq!(host.errors().len(), 1, "{:?}", host.errors());
    let (gate, _) = host.start(&configuration("gate"), false);
    let stream = host.open(&[Some(route), Some(gate)]);
    stream.ask(&call).send_last("a");
    assert_eq!(stream.upstream_got().unwrap(), "a");
    host.end(gate);
    refused(true);
}

#[test]
fn a_route_without_gate_lets_pass_what_is_not_ours_and_answers_what_needs_no_gate() {
    let host = FakeHost::new();
    let (route, _) = host.start(&configuration("route"), false);
    let stream = host.open(&[Some(route)]);
    stream
        .request_headers(&[(TAG, "pass:1:0000000000000000:1")], false)
        .send_last("body");
    assert_eq!(stream.upstream_got().unwrap(), "body");
    assert_eq!(stream.upstream_header(TAG), None);
    let stream = host.open(&[Some(route)]);
    stream.ask(&json!({"head": respond(405)}));
    assert_eq!(stream.client_got().unwrap().0, 405);
}

#[test]
fn what_comes_back_past_a_gate_that_stands_elsewhere_is_answered_503() {
    let host = FakeHost::new();
    let (route, _elsewhere) = host.pair_of_plugins();
    for status in [200, 404] {
        let stream = host.open(&[Some(route)]);
        stream
            .ask(&json!({"end": routed(json!({}))}))
            .send_last("a");
        stream.upstream_answers(status);
        assert_unready(&stream);
        assert_eq!(stream.upstream_got(), None);
    }
    assert_eq!(host.errors().len(), 1, "{:?}", host.errors());
}

#[test]
fn what_a_filter_between_the_halves_answers_is_the_clients() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    stream
        .ask(&json!({"end": routed(json!({}))}))
        .host_answers(401);
    assert_eq!(stream.client_got().unwrap().0, 401);
}

fn assert_unready(stream: &FakeStream) {
    let (status, body) = stream.client_got().unwrap();
    let error: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["error"]["code"]), (503, &json!(-32603)));
    assert_eq!(
        stream.client_header("content-type").unwrap(),
        "application/json"
    );
}

#[test]
fn a_tag_that_no_route_has_made_is_answered_503() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let honest = host.open(&[Some(route), Some(gate)]);
    honest.ask(&json!({"end": routed(json!({}))})).send("a");
    for tag in [
        "hold:1:0000000000000000:1",
        "hold:2",
        "hold:x:y:z",
        "",
        "pass",
        "passed",
    ] {
        let forger = host.open(&[Some(gate)]);
        forger.request_headers(&[(TAG, tag)], false);
        assert_eq!(forger.client_got().unwrap().0, 503, "{tag}");
    }
    honest.send_last("b");
    assert_eq!(honest.upstream_got().unwrap(), "ab");
}

#[test]
fn a_pair_within_another_one_leaves_all_to_that() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let (inner_route, inner_gate) = host.pair_of_plugins();
    for gates in [[gate, inner_gate], [inner_gate, gate]] {
        let chain = [route, inner_route, gates[0], gates[1]].map(Some);
        let ours = host.open(&chain);
        ours.ask(&json!({"end": routed(json!({"body": "upper"}))}));
        assert!(ours.upstream_saw_nothing());
        ours.send("a").send_last("b");
        assert_eq!(ours.upstream_got().unwrap(), "AB");
        assert_eq!(ours.upstream_header("x-secret").unwrap(), "swapped");
        assert_eq!(ours.upstream_header(TAG), None);
        ours.upstream_answers(200).upstream_sends_last("{}");
        assert_eq!(ours.client_got().unwrap(), (200, "{}".to_owned()));

        let others = host.open(&chain);
        others
            .request_headers(&[(TAG, "pass:1:0000000000000000:1")], false)
            .send_last("body");
        assert_eq!(others.upstream_got().unwrap(), "body");
        assert_eq!(others.upstream_header(TAG), None);
    }
}

#[test]
fn the_tag_of_a_stream_that_has_met_its_gate_leads_around_no_route() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let (inner_route, _) = host.pair_of_plugins();
    let script = json!({"end": routed(json!({"body": "upper"}))}).to_string();
    let held = host.open(&[route, inner_route, gate].map(Some));
    held.request_headers(&[("x-script", &script)], false)
        .send_last("a");
    let passed = host.open(&[Some(route)]);
    passed.request_headers(&[], false);
    let tags = [&held, &passed].map(|stream| stream.upstream_header(TAG).unwrap());
    let last_gate = host.open(&[Some(gate)]);
    last_gate.request_headers(&[(TAG, &tags[1])], false);
    for tag in tags {
        let forger = host.open(&[route, gate].map(Some));
        forger
            .request_headers(&[(TAG, &tag), ("x-script", &script)], false)
            .send_last("b");
        assert_eq!(forger.upstream_got().unwrap(), "B", "{tag}");
    }
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
    assert!(made <= 20, "{made}");
}

#[test]
fn a_request_without_a_body_goes_on_through_its_gate() {
    let host = FakeHost::new();
    let script = json!({"head": "hold", "end": routed(json!({}))});
    let (straight, waiting) = (stream(&host), stream_with_a_wait(&host));
    straight.ask_without_body(&script);
    waiting.ask_without_body(&script);
    assert!(waiting.upstream_saw_nothing());
    waiting.let_through();
    for stream in [straight, waiting] {
        assert_eq!(stream.upstream_got().unwrap(), "");
        assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
        assert_eq!(stream.upstream_header(TAG), None);
    }
}

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, call, respond, routed};

/// One for each role, since both ways of holding differ; the request is with the upstream.
fn streams(host: &FakeHost, mut script: Value) -> [FakeStream; 2] {
    let (route, gate) = host.pair_of_plugins();
    script["end"] = routed(json!({}));
    let streams = [
        host.open(&[Some(host.hold_plugin())]),
        host.open(&[Some(route), Some(gate)]),
    ];
    for stream in &streams {
        stream.ask(&script).send("request").send_last("");
        assert_eq!(stream.upstream_got().unwrap(), "request");
    }
    streams
}

fn inspected(mut more: Value) -> Value {
    more["response"] = json!({"continue": {"inspect": true, "remove": ["content-length"]}});
    more
}

fn got(status: u16, body: &str) -> Option<(u16, String)> {
    Some((status, body.to_owned()))
}

#[test]
fn headers_are_edited_and_the_body_passes_without_a_look() {
    let host = FakeHost::new();
    for stream in streams(
        &host,
        json!({"response": {"continue": {"set": {"x-new": "yes"}}}}),
    ) {
        stream.upstream_answers(200).upstream_sends("ab");
        assert_eq!(stream.client_has(), "ab");
        stream.upstream_sends_last("c");
        assert_eq!(stream.client_got(), got(200, "abc"));
        assert_eq!(stream.client_header("x-new").unwrap(), "yes");
    }
}

#[test]
fn a_header_that_is_added_stands_beside_the_one_that_is_set() {
    let host = FakeHost::new();
    let edits = json!({"set": {"x-new": "a"}, "add": {"x-new": "b"}});
    for stream in streams(&host, json!({"response": {"continue": edits}})) {
        stream.upstream_answers(200).upstream_sends_last("abc");
        assert_eq!(stream.client_headers("x-new"), ["a", "b"]);
    }
}

#[test]
fn the_origin_of_a_response_is_told() {
    for status in [200, 404, 503] {
        let host = FakeHost::new();
        for stream in streams(&host, json!({})) {
            stream.upstream_answers(status).upstream_sends_last("abc");
            assert_eq!(
                stream.client_header("x-from-upstream").unwrap(),
                "true",
                "{status}"
            );
        }
    }
    let host = FakeHost::new();
    for stream in streams(&host, json!({})) {
        stream.host_answers(503);
        assert_eq!(stream.client_header("x-from-upstream").unwrap(), "false");
        assert_eq!(stream.client_header("x-details").unwrap(), "of_the_host");
    }
}

#[test]
fn a_response_can_be_replaced() {
    let host = FakeHost::new();
    for stream in streams(&host, json!({"response": respond(201)})) {
        stream.upstream_answers(404);
        assert_eq!(stream.client_got(), got(201, "answered"));
    }
}

#[test]
fn a_response_of_the_host_can_be_replaced() {
    let host = FakeHost::new();
    for stream in streams(&host, json!({"response": respond(200)})) {
        stream.host_answers(503);
        assert_eq!(stream.client_got(), got(200, "answered"));
    }
}

#[test]
fn pieces_of_a_body_are_edited_as_they_come() {
    let host = FakeHost::new();
    for stream in streams(
        &host,
        inspected(json!({"response_piece": "upper", "response_end": "twice"})),
    ) {
        stream.upstream_answers(200).upstream_sends("ab");
        assert_eq!(stream.client_has(), "AB");
        stream.upstream_sends_last("c");
        assert_eq!(stream.client_got(), got(200, "ABcc"));
    }
}

#[test]
fn a_held_body_is_replaced_as_a_whole() {
    let host = FakeHost::new();
    for stream in streams(
        &host,
        inspected(json!({"response_piece": "hold", "response_end": "upper"})),
    ) {
        stream
            .upstream_answers(200)
            .upstream_sends("ab")
            .upstream_sends("cd");
        assert_eq!(stream.client_has(), "");
        stream.upstream_sends_last("e");
        assert_eq!(stream.client_got(), got(200, "ABCDE"));
    }
}

#[test]
fn trailers_end_a_response_body() {
    let host = FakeHost::new();
    for stream in streams(
        &host,
        inspected(json!({"response_piece": "hold", "response_end": "upper"})),
    ) {
        stream
            .upstream_answers(200)
            .upstream_sends("ab")
            .upstream_sends_trailers();
        assert_eq!(stream.client_got(), got(200, "AB"));
        assert_eq!(stream.client_trailer("x-trailer"), None);
    }
}

#[test]
fn a_piece_can_be_swallowed() {
    let host = FakeHost::new();
    for stream in streams(
        &host,
        inspected(json!({"response_piece": "empty", "response_end": "forward"})),
    ) {
        stream
            .upstream_answers(200)
            .upstream_sends("ab")
            .upstream_sends_last("c");
        assert_eq!(stream.client_got(), got(200, "c"));
    }
}

#[test]
fn a_cut_response_is_never_complete() {
    for end in ["reset", "hold"] {
        let host = FakeHost::new();
        for stream in streams(
            &host,
            inspected(json!({"response_piece": "forward", "response_end": end})),
        ) {
            stream
                .upstream_answers(200)
                .upstream_sends("ab")
                .upstream_sends_last("c");
            assert!(stream.was_reset(), "{end}");
            assert_eq!(stream.client_got(), None, "{end}");
        }
    }
}

#[test]
fn a_response_waits_for_a_call_and_is_replaced() {
    let host = FakeHost::new();
    for stream in streams(&host, json!({"response": call(respond(201))})) {
        stream.upstream_answers(404).upstream_sends_last("lost");
        assert_eq!(stream.client_header(":status"), None);
        host.answer_call();
        assert_eq!(stream.client_got(), got(201, "answered"));
    }
}

#[test]
fn a_response_waits_for_a_call_and_goes_on_whole() {
    let host = FakeHost::new();
    let go_on = json!({"continue": {"set": {":status": "202"}}});
    for stream in streams(&host, json!({"response": call(go_on)})) {
        stream
            .upstream_answers(404)
            .upstream_sends("lo")
            .upstream_sends_last("st");
        host.answer_call();
        assert_eq!(stream.client_got(), got(202, "lost"));
    }
}

#[test]
fn a_response_that_waited_for_a_call_is_inspected() {
    for kind in ["upper", "hold"] {
        let host = FakeHost::new();
        let go_on = json!({"continue": {"inspect": true, "remove": ["content-length"]}});
        let script =
            json!({"response": call(go_on), "response_piece": kind, "response_end": "upper"});
        for stream in streams(&host, script) {
            stream.upstream_answers(200).upstream_sends("ab");
            host.answer_call();
            stream.upstream_sends("cd").upstream_sends_last("ef");
            assert_eq!(stream.client_got(), got(200, "ABCDEF"), "{kind}");
        }
    }
}

#[test]
fn a_response_goes_on_as_soon_as_its_call_has_ended() {
    let host = FakeHost::new();
    let go_on = json!({"continue": {"inspect": true}});
    for stream in streams(
        &host,
        json!({"response": call(go_on), "response_piece": "forward"}),
    ) {
        stream.upstream_answers(200).upstream_sends("event");
        host.answer_call();
        assert_eq!(stream.client_has(), "event");
    }
}

#[test]
fn a_tick_can_answer_a_request_without_response() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let stream = host.open(&[Some(plugin)]);
    let tick = json!({"after_ms": 1500, "respond": {"status": 504, "body": "late"}});
    stream
        .ask(&json!({"end": routed(json!({})), "tick": tick}))
        .send_last("a");
    host.tick(plugin, 1000);
    assert_eq!(stream.client_got(), None);
    host.tick(plugin, 1000);
    assert_eq!(stream.client_got(), got(504, "late"));
}

#[test]
fn a_tick_can_answer_a_request_that_is_held() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let stream = host.open(&[Some(route), Some(gate)]);
    let tick = json!({"after_ms": 500, "respond": {"status": 504, "body": "late"}});
    stream
        .ask(&json!({"end": "hold", "tick": tick}))
        .send_last("a");
    host.tick(route, 1000);
    assert_eq!(stream.client_got(), got(504, "late"));
    assert!(stream.upstream_saw_nothing());
}

#[test]
fn a_tick_cuts_a_response_that_has_begun() {
    for tick in [
        json!({"after_ms": 500}),
        json!({"after_ms": 500, "respond": {"status": 504}}),
    ] {
        let host = FakeHost::new();
        let plugin = host.hold_plugin();
        let stream = host.open(&[Some(plugin)]);
        stream
            .ask(&json!({"end": routed(json!({})), "tick": tick}))
            .send_last("a");
        stream.upstream_answers(200).upstream_sends("part");
        host.tick(plugin, 1000);
        assert!(stream.was_reset());
        assert_eq!(stream.client_got(), None);
    }
}

#[test]
fn a_tick_reaches_every_stream_that_waits() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let tick = json!({"after_ms": 500, "respond": {"status": 504, "body": "late"}});
    let script = json!({"end": routed(json!({})), "tick": tick});
    let streams = [(); 5].map(|()| host.open(&[Some(plugin)]));
    for stream in &streams {
        stream.ask(&script).send_last("a");
    }
    streams[1].client_leaves();
    host.tick(plugin, 1000);
    let answered = streams
        .iter()
        .filter(|stream| stream.client_got() == got(504, "late"))
        .count();
    assert_eq!(answered, 4);
}

/// Headers that wait for the body.
fn weighed(mut more: Value) -> Value {
    more["response"] = json!({"weigh": {"set": {"x-new": "yes"}, "remove": ["content-length"]}});
    more
}

#[test]
fn headers_go_on_once_the_body_does() {
    for (piece, end, expected) in [
        ("hold", "forward", "abcdef"),
        ("hold", "upper", "ABCDEF"),
        ("upper", "upper", "ABCDEF"),
    ] {
        let host = FakeHost::new();
        let script = weighed(json!({"response_piece": piece, "response_end": end}));
        for stream in streams(&host, script) {
            stream.upstream_answers(404);
            assert_eq!(stream.client_header(":status"), None);
            stream.upstream_sends("ab").upstream_sends("cd");
            assert_eq!(stream.client_header(":status").is_none(), piece == "hold");
            stream.upstream_sends_last("ef");
            assert_eq!(stream.client_got(), got(404, expected), "{piece}");
            assert_eq!(stream.client_header("x-new").unwrap(), "yes");
        }
    }
}

#[test]
fn headers_of_a_body_in_one_piece_wait_for_it() {
    for (end, expected) in [
        (json!("upper"), got(404, "ABC")),
        (respond(502), got(502, "answered")),
    ] {
        let host = FakeHost::new();
        for stream in streams(&host, weighed(json!({"response_end": end}))) {
            stream.upstream_answers(404).upstream_sends_last("abc");
            assert_eq!(stream.client_got(), expected, "{end}");
        }
    }
}

#[test]
fn headers_that_waited_are_replaced_with_the_body() {
    let host = FakeHost::new();
    let script = weighed(json!({"response_piece": "hold", "response_end": respond(502)}));
    for stream in streams(&host, script) {
        stream
            .upstream_answers(404)
            .upstream_sends("ab")
            .upstream_sends_last("c");
        assert_eq!(stream.client_got(), got(502, "answered"));
    }
    let host = FakeHost::new();
    let script = weighed(json!({"response_piece": respond(502), "response_end": "empty"}));
    for stream in streams(&host, script) {
        stream.upstream_answers(404).upstream_sends("ab");
        assert_eq!(stream.client_has(), "answered");
        stream.upstream_sends_last("c");
        assert_eq!(stream.client_got(), got(502, "answered"));
    }
}

#[test]
fn trailers_end_a_body_that_headers_wait_for() {
    let host = FakeHost::new();
    let script = weighed(json!({"response_piece": "hold", "response_end": "upper"}));
    for stream in streams(&host, script) {
        stream
            .upstream_answers(404)
            .upstream_sends("ab")
            .upstream_sends_trailers();
        assert_eq!(stream.client_got(), got(404, "AB"));
        assert_eq!(stream.client_trailer("x-trailer"), None);
    }
}

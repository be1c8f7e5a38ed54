use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, call, respond, routed};

/// One for each role, since both ways of holding differ.
fn streams(host: &FakeHost) -> [FakeStream; 2] {
    let (route, gate) = host.pair_of_plugins();
    [
        host.open(&[Some(host.hold_plugin())]),
        host.open(&[Some(route), Some(gate)]),
    ]
}

#[test]
fn a_call_carries_its_headers_body_and_bound() {
    let host = FakeHost::new();
    let [stream, _] = streams(&host);
    stream
        .ask(&json!({"end": {"call": {"path": "/there", "body": "hello", "timeout_ms": 1234}}}))
        .send_last("a");
    let calls = host.open_calls();
    assert_eq!(calls[0]["headers"][1], json!([":path", "/there"]));
    assert_eq!(calls[0]["body"], "hello");
    assert_eq!(calls[0]["timeout"], 1234);
}

#[test]
fn a_request_waits_for_its_call() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": call(routed(json!({"body": "upper"})))}))
            .send("ab")
            .send_last("cd");
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "ABCD");
    }
}

#[test]
fn a_request_without_body_waits_for_its_call() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream.ask_without_body(&json!({"head": call(routed(json!({})))}));
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "");
    }
}

#[test]
fn a_call_that_ends_amid_the_body_loses_no_byte() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        let release = routed(json!({"body": "upper", "inspect": true}));
        stream
            .ask(&json!({"piece": call(release), "rest": "upper", "rest_end": "upper"}))
            .send("ab");
        host.answer_call();
        stream.send("cd").send_last("ef");
        assert_eq!(stream.upstream_got().unwrap(), "ABCDEF");
    }
}

#[test]
fn a_call_can_lead_to_an_answer() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": call(respond(409))}))
            .send_last("a");
        host.answer_call();
        assert_eq!(stream.client_got().unwrap().0, 409);
        assert!(stream.upstream_saw_nothing());
    }
}

#[test]
fn a_call_can_lead_to_another() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": call(call(routed(json!({}))))}))
            .send_last("a");
        host.answer_call();
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "a");
    }
}

#[test]
fn a_call_without_a_response_has_failed() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": call(routed(json!({})))}))
            .send_last("a");
        host.fail_call();
        assert_eq!(stream.client_got().unwrap().0, 502);
    }
}

#[test]
fn a_call_that_the_host_refuses_has_failed_at_once() {
    for cluster in ["unknown", "empty"] {
        let host = FakeHost::new();
        for stream in streams(&host) {
            stream
                .ask(&json!({"end": {"call": {"cluster": cluster}}}))
                .send_last("a");
            assert_eq!(stream.client_got().unwrap().0, 502, "{cluster}");
        }
    }
}

#[test]
fn a_refused_call_can_lead_to_another() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        let failed = call(routed(json!({})));
        stream
            .ask(&json!({"end": {"call": {"cluster": "unknown", "failed": failed}}}))
            .send_last("a");
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "a");
    }
}

#[test]
fn the_end_of_a_call_does_not_reach_a_stream_that_is_over() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": call(routed(json!({})))}))
            .send_last("a");
        stream.client_leaves();
        host.answer_call();
        assert!(stream.upstream_saw_nothing());
    }
}

#[test]
fn the_end_of_a_call_does_not_reach_a_stream_that_was_answered() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let stream = host.open(&[Some(plugin)]);
    let late = json!({"after_ms": 500, "respond": {"status": 504}});
    stream
        .ask(&json!({"end": call(routed(json!({}))), "tick": late}))
        .send_last("a");
    host.tick(plugin, 1000);
    host.answer_call();
    assert_eq!(stream.client_got().unwrap().0, 504);
    assert!(stream.upstream_saw_nothing());
}

#[test]
fn a_call_that_nobody_waits_for_is_sent_when_the_stream_is_over() {
    let host = FakeHost::new();
    for stream in streams(&host) {
        stream
            .ask(&json!({"end": routed(json!({})), "done": {"path": "/bye"}}))
            .send_last("a");
        stream.client_leaves();
        assert_eq!(host.open_calls()[0]["headers"][1], json!([":path", "/bye"]));
        host.answer_call();
    }
}

#[test]
fn calls_are_counted() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let stream = host.open(&[Some(plugin)]);
    // What other tests have counted.
    host.tick(plugin, 1_000);
    let (sent, failed) = (host.metric("calls"), host.metric("calls_failed"));
    stream
        .ask(&json!({"end": call(routed(json!({})))}))
        .send_last("a");
    host.fail_call();
    host.tick(plugin, 1_000);
    assert_eq!(
        (host.metric("calls"), host.metric("calls_failed")),
        (sent + 1, failed + 1)
    );
}

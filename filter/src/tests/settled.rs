//! Bodies that wait out of sight, in both roles, and in a module that knows no such pause.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, respond, routed, settled_call};

/// Runs with both roles, in a module as it is released and in one as the linker leaves it.
fn everywhere(run: impl Fn(&FakeHost, &FakeStream)) {
    for new_host in [FakeHost::new, FakeHost::unlinked] {
        let host = new_host();
        run(&host, &host.open(&[Some(host.hold_plugin())]));
        let host = new_host();
        let (route, gate) = host.pair_of_plugins();
        run(&host, &host.open(&[Some(route), Some(gate)]));
    }
}

/// The first piece settles the body, and a call is waited for.
fn script(then: Value) -> Value {
    json!({"piece": settled_call("upper", then.clone()), "end": settled_call("upper", then)})
}

#[test]
fn what_was_settled_goes_on_with_its_edit_and_the_rest_as_it_comes() {
    everywhere(|host, stream| {
        stream.ask(&script(routed(json!({}))));
        stream.send("ab").send("cd").send("");
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        stream.send("ef").send_last("g");
        assert_eq!(stream.upstream_got().unwrap(), "ABcdefg");
        assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
        assert_eq!(host.errors(), Vec::<String>::new());
    });
}

#[test]
fn each_byte_is_fed_once_and_the_rest_is_inspected() {
    everywhere(|host, stream| {
        let mut script = script(routed(json!({"inspect": true})));
        script["rest"] = json!("upper");
        script["rest_end"] = json!("upper");
        stream.ask(&script).send("ab").send("cd");
        host.answer_call();
        stream.send("ef").send_last("g");
        assert_eq!(stream.upstream_got().unwrap().to_lowercase(), "abcdefg");
        assert_eq!(stream.upstream_header("x-fed").unwrap(), "2/4");
    });
}

#[test]
fn what_ended_before_the_release_goes_on_at_once() {
    everywhere(|host, stream| {
        stream
            .ask(&script(routed(json!({}))))
            .send("ab")
            .send_last("cd");
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "ABcd");
    });
}

#[test]
fn a_body_in_one_piece_goes_on_with_its_edit() {
    everywhere(|host, stream| {
        let script = script(routed(json!({}))).to_string();
        let headers = [("x-script", script.as_str()), ("content-length", "2")];
        stream.request_headers(&headers, false).send_last("ab");
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "AB");
        assert_eq!(stream.upstream_header("content-length").unwrap(), "2");
    });
}

#[test]
fn content_length_follows_an_edit_that_was_settled() {
    everywhere(|host, stream| {
        let script = json!({"piece": settled_call("longer", routed(json!({})))}).to_string();
        let headers = [("x-script", script.as_str()), ("content-length", "4")];
        stream.request_headers(&headers, false).send("ab").send("c");
        host.answer_call();
        stream.send_last("d");
        assert_eq!(stream.upstream_got().unwrap(), "longercd");
        assert_eq!(stream.upstream_header("content-length").unwrap(), "8");
    });
}

#[test]
fn trailers_end_what_was_settled() {
    everywhere(|host, stream| {
        stream.ask(&script(routed(json!({})))).send("ab").send("cd");
        stream.send_trailers();
        host.answer_call();
        assert_eq!(stream.upstream_got().unwrap(), "ABcd");
        assert_eq!(stream.upstream_trailer("x-trailer"), None);
    });
}

#[test]
fn trailers_after_the_release_end_it_too() {
    everywhere(|host, stream| {
        stream.ask(&script(routed(json!({})))).send("ab");
        host.answer_call();
        stream.send("cd").send_trailers();
        assert_eq!(stream.upstream_got().unwrap(), "ABcd");
    });
}

#[test]
fn what_was_settled_can_still_be_answered() {
    everywhere(|host, stream| {
        stream.ask(&script(respond(503))).send("ab").send("cd");
        host.answer_call();
        assert_eq!(stream.client_got().unwrap(), (503, "answered".to_owned()));
        assert!(stream.upstream_saw_nothing());
    });
}

#[test]
fn a_client_that_leaves_meanwhile_is_forgotten() {
    everywhere(|host, stream| {
        stream.ask(&script(routed(json!({})))).send("ab");
        stream.client_leaves();
        host.answer_call();
        assert!(stream.upstream_saw_nothing());
        assert_eq!(host.errors(), Vec::<String>::new());
    });
}

#[test]
fn a_linked_module_lets_go_without_a_further_piece() {
    for pair in [false, true] {
        let host = FakeHost::new();
        let stream = if pair {
            let (route, gate) = host.pair_of_plugins();
            host.open(&[Some(route), Some(gate)])
        } else {
            host.open(&[Some(host.hold_plugin())])
        };
        stream.ask(&script(routed(json!({})))).send("ab").send("cd");
        host.answer_call();
        assert_eq!(stream.upstream_has(), "ABcd");
    }
}

#[test]
fn what_came_before_the_gate_and_what_comes_after_it_are_settled_alike() {
    for new_host in [FakeHost::new, FakeHost::unlinked] {
        let host = new_host();
        let (route, gate) = host.pair_of_plugins();
        let stream = host.open(&[Some(route), None, Some(gate)]);
        stream.ask(&script(routed(json!({})))).send("ab").send("cd");
        stream.let_through().send("ef");
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        stream.send("gh").send_last("i");
        assert_eq!(stream.upstream_got().unwrap(), "ABCDefghi");
        assert_eq!(stream.upstream_header("x-secret").unwrap(), "swapped");
    }
}

#[test]
fn a_body_that_is_settled_before_its_request_is_decided_goes_on_at_its_end() {
    everywhere(|host, stream| {
        let script = json!({"piece": {"settle": "upper"}, "end": routed(json!({}))});
        stream.ask(&script).send("ab").send("cd");
        assert!(stream.upstream_saw_nothing());
        stream.send_last("ef");
        assert_eq!(stream.upstream_got().unwrap(), "ABCDef");
        assert_eq!(host.errors(), Vec::<String>::new());
    });
}

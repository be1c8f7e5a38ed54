use mcp_filter_core::identity::Identity;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, call, respond, routed};

fn told(identity: Identity) -> String {
    format!("{:?}", identity.as_bytes())
}

fn alice() -> Value {
    json!({"iss": "https://issuer", "sub": "alice"})
}

/// The sender of the request that reached the upstream.
fn sender(stream: &FakeStream) -> String {
    stream.upstream_header("x-identity").unwrap()
}

/// With a filter between the halves that verifies the token, and holds the headers until it has.
fn stream_with_a_wait(host: &FakeHost) -> FakeStream {
    let (route, gate) = host.pair_of_plugins();
    host.open(&[Some(route), None, Some(gate)])
}

#[test]
fn the_sender_is_whom_the_verified_token_names() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let script = json!({"whoami": true, "end": routed(json!({}))});
    for (claims, identity) in [
        (alice(), Identity::of_token("https://issuer", "alice")),
        (json!({"sub": "alice"}), Identity::of_token("", "alice")),
        (
            json!({"iss": "https://issuer"}),
            Identity::of_token("https://issuer", ""),
        ),
        (
            json!({"nobody": null, "iss": "https://issuer", "sub": "alice"}),
            Identity::of_token("https://issuer", "alice"),
        ),
        (json!({}), Identity::ANONYMOUS),
    ] {
        let stream = host.open(&[Some(plugin)]);
        stream.shows_token(claims).ask(&script).send_last("a");
        assert_eq!(sender(&stream), told(identity));
    }
}

const PATHS: [&[&str]; 10] = [
    &["sub"],
    &["scope"],
    &["aud"],
    &["groups"],
    &["realm", "roles"],
    &["realm", "deep", "er"],
    &["exp"],
    &["verified"],
    &["nobody"],
    &["realm", "nobody"],
];

fn token() -> Value {
    json!({
        "iss": "https://issuer", "sub": "ada", "scope": "a b", "aud": "mcp", "groups": ["users", "admin"],
        "realm": {"roles": ["admin"], "deep": {"er": "x"}}, "exp": 1_790_000_000, "verified": true,
    })
}

const TOLD: &str =
    "text ada, text a b, text mcp, admin, admin, text x, other, other, absent, absent";

#[test]
fn claims_of_every_kind_are_told_in_both_roles() {
    let host = FakeHost::new();
    let (route, gate) = host.pair_of_plugins();
    let script = json!({"claims": PATHS, "end": routed(json!({}))});
    for chain in [
        &[Some(host.hold_plugin())][..],
        &[Some(route), None, Some(gate)],
    ] {
        let stream = host.open(chain);
        stream.shows_token(token()).ask(&script).send_last("a");
        if chain.len() > 1 {
            stream.let_through();
        }
        assert_eq!(stream.upstream_header("x-claims").unwrap(), TOLD);
    }
}

#[test]
fn claims_beside_one_that_the_host_cannot_write_are_told_all_the_same() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let script = json!({"claims": PATHS, "end": routed(json!({}))});
    let mut token = token();
    token["nothing"] = Value::Null;
    let stream = host.open(&[Some(plugin)]);
    stream
        .shows_token(token.clone())
        .ask(&script)
        .send_last("a");
    assert_eq!(stream.upstream_header("x-claims").unwrap(), TOLD);
    token["groups"] = json!(["admin", null]);
    token["realm"]["roles"] = Value::Null;
    let stream = host.open(&[Some(plugin)]);
    stream.shows_token(token).ask(&script).send_last("a");
    let told = TOLD.replace("admin, admin", "unreadable, unreadable");
    assert_eq!(stream.upstream_header("x-claims").unwrap(), told);
}

#[test]
fn without_a_token_there_is_no_claim() {
    let host = FakeHost::new();
    let stream = host.open(&[Some(host.hold_plugin())]);
    let script = json!({"claims": [["sub"]], "end": routed(json!({}))});
    stream.ask(&script).send_last("a");
    assert_eq!(stream.upstream_header("x-claims").unwrap(), "absent");
}

#[test]
fn a_request_without_a_body_that_is_held_is_decided_at_once() {
    let host = FakeHost::new();
    let stream = host.open(&[Some(host.hold_plugin())]);
    stream
        .shows_token(alice())
        .ask_without_body(&json!({"whoami": true, "head": "hold", "end": routed(json!({}))}));
    assert_eq!(stream.upstream_got().unwrap(), "");
    assert_eq!(
        sender(&stream),
        told(Identity::of_token("https://issuer", "alice"))
    );
}

#[test]
fn nothing_is_decided_ahead_of_the_gate() {
    let host = FakeHost::new();
    let script = json!({"whoami": true, "piece": routed(json!({})), "end": routed(json!({"body": "upper"}))});
    let stream = stream_with_a_wait(&host);
    stream
        .shows_token(alice())
        .ask(&script)
        .send("ab")
        .send_last("cd");
    assert!(stream.upstream_saw_nothing());
    stream.let_through();
    assert_eq!(stream.upstream_got().unwrap(), "ABCD");
    assert_eq!(
        sender(&stream),
        told(Identity::of_token("https://issuer", "alice"))
    );
}

#[test]
fn nothing_is_answered_ahead_of_the_gate() {
    let host = FakeHost::new();
    for has_body in [true, false] {
        let stream = stream_with_a_wait(&host);
        let script = json!({"head": "hold", "end": respond(204)});
        if has_body {
            stream.ask(&script).send("ab").send_last("cd");
        } else {
            stream.ask_without_body(&script);
        }
        assert_eq!(stream.client_got(), None);
        stream.let_through();
        assert_eq!(stream.client_got().unwrap().0, 204);
        assert!(stream.upstream_saw_nothing());
    }
}

#[test]
fn trailers_end_a_body_that_waits_for_the_gate() {
    let host = FakeHost::new();
    let stream = stream_with_a_wait(&host);
    stream.ask(&json!({"end": routed(json!({"body": "upper"}))}));
    stream.send("ab").send_trailers().let_through();
    assert_eq!(stream.upstream_got().unwrap(), "AB");
    assert_eq!(stream.upstream_trailer("x-trailer"), None);
}

#[test]
fn a_body_that_has_waited_for_the_gate_waits_for_a_call() {
    let host = FakeHost::new();
    for in_pieces in [true, false] {
        let stream = stream_with_a_wait(&host);
        let then = routed(json!({"body": "upper"}));
        stream.ask(&json!({"end": call(then)})).send("ab");
        if in_pieces {
            stream.let_through().send_last("cd");
        } else {
            stream.send_last("cd").let_through();
        }
        assert!(stream.upstream_saw_nothing());
        host.answer_call();
        assert_eq!(
            stream.upstream_got().as_deref(),
            Some("ABCD"),
            "in pieces: {in_pieces}"
        );
    }
}

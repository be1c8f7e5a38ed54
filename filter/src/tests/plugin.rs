use mcp_filter_config::Limits;
use mcp_filter_core::identity::Identity;
use mcp_filter_core::slots::{Owner, UpstreamKey, UpstreamSession, insert_upstream_session};
use mcp_filter_core::version::ProtocolVersion;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, configuration, respond, routed};
use crate::metrics;
use crate::shared_slots::HostSlots;

#[test]
fn a_configuration_that_is_no_json_is_refused() {
    let host = FakeHost::new();
    let (_, configured) = host.start("{", true);
    assert!(!configured);
    assert!(
        host.errors()[0].contains("not a plugin configuration"),
        "{:?}",
        host.errors()
    );
}

#[test]
fn a_configuration_of_another_version_is_refused_by_its_version() {
    let host = FakeHost::new();
    for of_another_shape in ["", r#", "role": "usher""#] {
        let (_, configured) = host.start(&format!(r#"{{"version": 99{of_another_shape}}}"#), true);
        assert!(!configured);
    }
    assert!(
        host.errors()
            .iter()
            .all(|error| error.contains("version 99")),
        "{:?}",
        host.errors()
    );
    assert_eq!(host.errors().len(), 2);
}

#[test]
fn a_refused_configuration_leaves_the_last_good_one_serving() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    assert!(!host.configure(plugin, "{}"));
    let stream = host.open(&[Some(plugin)]);
    stream
        .ask(&json!({"end": routed(json!({}))}))
        .send_last("a");
    assert_eq!(stream.upstream_got().unwrap(), "a");
}

#[test]
fn a_plugin_that_was_never_configured_answers_503() {
    let host = FakeHost::new();
    let (plugin, _) = host.start("{}", true);
    let stream = host.open(&[Some(plugin)]);
    stream.request_headers(&[], false).send_last("a");
    let (status, body) = stream.client_got().unwrap();
    let error: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["error"]["code"]), (503, &json!(-32603)));
    assert!(stream.upstream_saw_nothing());
}

#[test]
fn a_stream_outlives_the_configuration_that_it_began_with() {
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let stream = host.open(&[Some(plugin)]);
    stream.ask(&json!({"end": routed(json!({}))})).send("a");
    assert!(host.configure(plugin, &configuration("hold")));
    stream.send_last("b");
    assert_eq!(stream.upstream_got().unwrap(), "ab");
}

#[test]
fn the_generation_is_shown() {
    let host = FakeHost::new();
    host.hold_plugin();
    assert_eq!(host.metric("generation"), 0xaabb_ccdd_eeff);
}

#[test]
fn sessions_at_servers_are_shown_whichever_plugin_has_counted_them() {
    let host = FakeHost::new();
    let (plugin, another) = (host.hold_plugin(), host.hold_plugin());
    let session = UpstreamSession {
        id: b"1".to_vec(),
        version: ProtocolVersion::V2025_06_18,
    };
    let (limits, now_ms) = (Limits::default(), crate::host::now_ms());
    for number in 0..3_u32 {
        let owner = Owner::Identity(Identity::of_token("issuer", number.to_string()));
        let key = UpstreamKey::of(&owner, "team/a", &[0; 32]);
        insert_upstream_session(&mut HostSlots, &limits, &key, (&session, now_ms));
    }
    host.tick(plugin, 1_000);
    assert_eq!(host.metric("upstream_sessions"), 3);
    metrics::of_this_vm().remember_sessions(Some(0));
    host.tick(another, 1);
    assert_eq!(host.metric("upstream_sessions"), 3);
}

#[test]
fn requests_and_answers_are_counted() {
    let names = [
        "requests_passed",
        "requests_routed",
        "responses_answered",
        "responses_refused",
        "responses_failed",
    ];
    let host = FakeHost::new();
    let plugin = host.hold_plugin();
    let counts = || names.map(|name| host.metric(name));
    // What other tests have counted.
    host.tick(plugin, 1_000);
    let before = counts();
    host.open(&[Some(plugin)]).request_headers(&[], true);
    host.open(&[Some(plugin)])
        .ask_without_body(&json!({"end": routed(json!({}))}));
    for status in [200, 404, 500] {
        host.open(&[Some(plugin)])
            .ask_without_body(&json!({"head": respond(status)}));
    }
    assert_eq!(counts(), before, "told with the tick");
    host.tick(plugin, 1_000);
    assert_eq!(counts(), before.map(|count| count + 1));
}

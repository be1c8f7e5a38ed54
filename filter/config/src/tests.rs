use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const FULL: &str = include_str!("../testdata/accepted/full.json");
const DEFAULTS: &str = include_str!("../testdata/accepted/defaults.json");
const NEWER: &str = include_str!("../testdata/accepted/fields_of_a_newer_control.json");
const GATE: &str = include_str!("../testdata/accepted/gate.json");
const ROUTE: &str = include_str!("../testdata/accepted/route_without_servers.json");
const STATELESS_SERVER: &str = include_str!("../testdata/accepted/stateless_server.json");

fn parse(json: &str) -> PluginConfig {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_configuration_survives_writing_and_reading() {
    for json in [FULL, DEFAULTS, NEWER, GATE, ROUTE, STATELESS_SERVER] {
        let config = parse(json);
        assert_eq!(parse(&serde_json::to_string(&config).unwrap()), config);
    }
}

#[test]
fn every_field_has_the_name_and_the_spelling_of_the_golden_one() {
    let golden: Value = serde_json::from_str(FULL).unwrap();
    assert_eq!(serde_json::to_value(parse(FULL)).unwrap(), golden);
}

#[test]
fn the_order_of_keys_does_not_count() {
    // `Value` sorts them, as a protobuf `Struct` loses them.
    let sorted: Value = serde_json::from_str(FULL).unwrap();
    assert_eq!(parse(&sorted.to_string()), parse(FULL));
}

#[test]
fn no_number_is_too_large_for_a_double() {
    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Number(number) => vec![number.as_f64().unwrap()],
            Value::Array(items) => items.iter().flat_map(numbers).collect(),
            Value::Object(members) => members.values().flat_map(numbers).collect(),
            _ => Vec::new(),
        }
    }
    let numbers = numbers(&serde_json::from_str(FULL).unwrap());
    assert!(numbers.len() > 10);
    assert!(
        numbers
            .iter()
            .all(|number| number.abs() <= 9_007_199_254_740_992.0)
    );
}

#[test]
fn fields_of_a_newer_control_are_ignored() {
    assert_eq!(parse(NEWER), parse(DEFAULTS));
}

#[test]
fn a_gate_needs_version_and_role_alone() {
    let gate = parse(GATE);
    assert_eq!((gate.version, gate.role), (VERSION, Role::Gate));
    assert_eq!(gate.sessions.ttl_seconds, 24 * 60 * 60);
    assert_eq!(gate.limits, Limits::default());
}

#[test]
fn a_server_waits_five_minutes_unless_told_otherwise() {
    let timeouts = parse(DEFAULTS).servers[0].timeouts;
    assert_eq!(
        (timeouts.first_byte_ms, timeouts.idle_ms),
        (300_000, 300_000)
    );
}

#[test]
fn a_server_has_sessions_alone_unless_told_otherwise() {
    assert!(!parse(DEFAULTS).servers[0].stateless);
    assert!(parse(STATELESS_SERVER).servers[0].stateless);
}

#[test]
fn without_a_word_about_telemetry_nothing_more_is_told() {
    assert_eq!(parse(DEFAULTS).telemetry, Telemetry::default());
    let only_one = r#"{"version":1,"role":"hold","telemetry":{"stats":"servers"}}"#;
    let telemetry = parse(only_one).telemetry;
    assert_eq!(
        (telemetry.stats, telemetry.filter_state),
        (Stats::Servers, false)
    );
}

#[test]
fn a_configuration_of_another_shape_is_refused() {
    let malformed = [
        include_str!("../testdata/malformed/authentication_without_denial.json"),
        include_str!("../testdata/malformed/no_version.json"),
        include_str!("../testdata/malformed/no_role.json"),
        include_str!("../testdata/malformed/unknown_role.json"),
        include_str!("../testdata/malformed/server_without_upstream.json"),
        include_str!("../testdata/malformed/number_as_text.json"),
        include_str!("../testdata/malformed/unknown_encoding.json"),
        include_str!("../testdata/malformed/unknown_condition.json"),
        include_str!("../testdata/malformed/rule_without_denial.json"),
        include_str!("../testdata/malformed/negative_limit.json"),
        include_str!("../testdata/malformed/unknown_stats.json"),
    ];
    for json in malformed {
        assert!(
            serde_json::from_str::<PluginConfig>(json).is_err(),
            "{json}"
        );
        assert!(serde_json::from_str::<Value>(json).is_ok(), "{json}");
    }
}

#[test]
fn the_schema_is_that_of_the_types() {
    let schema = serde_json::to_value(schemars::schema_for!(PluginConfig)).unwrap();
    let written: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
    assert!(
        schema == written,
        "schema.json is stale: see examples/schema.rs for the command that writes it"
    );
}

//! Statistics of servers and tools, and what access logs are told.

use mcp_filter_core::Table;
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind};
use mcp_filter_core::exchange::Subject;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::fake_host::{FakeHost, FakeStream, respond, routed};

/// A configuration with one server, whose name no other test uses, and its tool `t_one`.
fn configuration(role: &str, server: &str, telemetry: &Value) -> String {
    let tool = r#"{"name":"one","inputSchema":{"type":"object"}}"#;
    let mut catalog = CatalogWriter::new();
    catalog.push(0, Definition::parse(ListKind::Tools, "t_", tool).unwrap());
    json!({
        "version": 1,
        "role": role,
        "servers": [{
            "name": server, "prefix": "t_", "host": "tools.mcp.local", "path": "/mcp",
            "upstream": {"cluster": "side", "authority": "tools", "path": "/mcp"},
            "protocolVersion": "2025-06-18"
        }],
        "catalog": catalog.finish(),
        "sessions": {"keys": [{"id": 1, "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]},
        "telemetry": telemetry
    })
    .to_string()
}

/// What is made of a configuration with these servers, of which the first has the tool.
pub(crate) fn table(servers: &[&str]) -> Table {
    let config = configuration("hold", servers[0], &json!({}));
    let mut config: Value = serde_json::from_str(&config).unwrap();
    for (number, name) in servers.iter().enumerate().skip(1) {
        let mut server = config["servers"][0].clone();
        server["name"] = json!(name);
        server["prefix"] = json!(format!("t{number}_"));
        server["host"] = json!(format!("tools-{number}.mcp.local"));
        config["servers"].as_array_mut().unwrap().push(server);
    }
    Table::compile(&serde_json::from_value(config).unwrap()).unwrap()
}

/// A call of its tool.
pub(crate) fn subject(table: &Table) -> Subject {
    let tool = table.tool("t_one").unwrap();
    Subject {
        server: tool.server,
        tool: Some(tool.index),
    }
}

fn hold(host: &FakeHost, server: &str, telemetry: &Value) -> u64 {
    let (plugin, taken) = host.start(&configuration("hold", server, telemetry), true);
    assert!(taken, "{:?}", host.errors());
    plugin
}

/// A call that ends so.
fn called(host: &FakeHost, chain: &[Option<u64>], outcome: &str) -> FakeStream {
    let stream = host.open(chain);
    let told = json!({"tool": "t_one", "outcome": outcome});
    stream.ask(&json!({"told": told, "end": routed(json!({}))}));
    stream
        .send_last("a")
        .upstream_answers(200)
        .upstream_sends_last("b");
    stream
}

/// How many requests of the server, and of its tool, have ended so.
fn counts(host: &FakeHost, server: &str, outcome: &str) -> [Option<u64>; 2] {
    let outcome = format!("mcp_outcome=.={outcome};.;");
    [
        format!("mcp_server=.={server};.;{outcome}server_requests"),
        format!("mcp_server=.={server};.;mcp_tool=.=t_one;.;{outcome}tool_requests"),
    ]
    .map(|name| host.find_metric(&name)?.as_u64())
}

#[test]
fn a_request_is_counted_by_server_and_tool_with_the_next_tick() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/a", &json!({"stats": "tools"}));
    called(&host, &[Some(plugin)], "ok");
    called(&host, &[Some(plugin)], "error");
    assert_eq!(counts(&host, "team/a", "ok"), [None, None]);
    host.tick(plugin, 1_000);
    for (outcome, count) in [("ok", Some(1)), ("error", Some(1)), ("failed", None)] {
        assert_eq!(counts(&host, "team/a", outcome), [count; 2], "{outcome}");
    }
    called(&host, &[Some(plugin)], "ok");
    host.tick(plugin, 1_000);
    assert_eq!(counts(&host, "team/a", "ok"), [Some(2); 2]);
    let durations = host.find_metric("mcp_server=.=team/a;.;server_duration_ms");
    assert_eq!(durations, Some(json!([0, 0, 0])));
}

#[test]
fn a_request_takes_from_its_headers_to_the_end_of_its_stream() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/b", &json!({"stats": "servers"}));
    let stream = host.open(&[Some(plugin)]);
    stream.ask(&json!({"told": {"outcome": "ok"}, "end": routed(json!({}))}));
    host.tick(plugin, 40);
    stream.send_last("a").upstream_answers(200);
    host.tick(plugin, 2);
    stream.upstream_sends_last("b");
    let durations = host.find_metric("mcp_server=.=team/b;.;server_duration_ms");
    assert_eq!(durations, Some(json!([42])));
}

#[test]
fn a_pair_counts_a_request_once() {
    let host = FakeHost::new();
    let telemetry = json!({"stats": "tools", "filterState": true});
    let (route, _) = host.start(&configuration("route", "team/c", &telemetry), false);
    let (gate, _) = host.start(r#"{"version":1,"role":"gate"}"#, false);
    let stream = called(&host, &[Some(route), Some(gate)], "ok");
    host.tick(route, 1_000);
    assert_eq!(counts(&host, "team/c", "ok"), [Some(1); 2]);
    assert_eq!(stream.filter_state()["mcp.server"], "team/c");
}

#[test]
fn what_is_answered_here_is_counted_as_well() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/d", &json!({"stats": "servers"}));
    let told = json!({"tool": "t_one", "outcome": "refused"});
    host.open(&[Some(plugin)])
        .ask_without_body(&json!({"told": told, "head": respond(403)}));
    host.tick(plugin, 1_000);
    assert_eq!(counts(&host, "team/d", "refused"), [Some(1), None]);
}

#[test]
fn a_client_that_leaves_has_cancelled() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/e", &json!({"stats": "servers"}));
    let stream = host.open(&[Some(plugin)]);
    stream.ask(&json!({"told": {"tool": "t_one"}, "end": routed(json!({}))}));
    stream.send_last("a").client_leaves();
    host.tick(plugin, 1_000);
    assert_eq!(counts(&host, "team/e", "cancelled"), [Some(1), None]);
}

#[test]
fn a_request_that_names_what_nobody_has_makes_no_series() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/f", &json!({"stats": "tools"}));
    host.tick(plugin, 1_000);
    let before = host.metric("requests_unknown");
    let stream = host.open(&[Some(plugin)]);
    stream.ask_without_body(&json!({"told": {"unknown": true}, "head": respond(200)}));
    host.tick(plugin, 1_000);
    assert_eq!(host.metric("requests_unknown"), before + 1);
}

#[test]
fn without_statistics_nothing_of_servers_is_told() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/g", &json!({}));
    let stream = called(&host, &[Some(plugin)], "ok");
    host.tick(plugin, 1_000);
    assert_eq!(counts(&host, "team/g", "ok"), [None; 2]);
    assert_eq!(stream.filter_state(), json!({}));
}

#[test]
fn statistics_of_servers_cost_a_request_two_hostcalls() {
    let host = FakeHost::new();
    let cost = |server: &str, telemetry: Value| {
        let plugin = hold(&host, server, &telemetry);
        called(&host, &[Some(plugin)], "ok");
        let before = host.hostcalls();
        called(&host, &[Some(plugin)], "ok");
        host.hostcalls() - before
    };
    let without = cost("team/h", json!({}));
    assert_eq!(cost("team/i", json!({"stats": "servers"})), without + 2);
    assert_eq!(cost("team/j", json!({"stats": "tools"})), without + 3);
}

#[test]
fn access_logs_are_told_of_each_request_where_that_is_wanted() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/k", &json!({"filterState": true}));
    let stream = called(&host, &[Some(plugin)], "ok");
    let told = json!({
        "mcp.method": "tools/call",
        "mcp.server": "team/k",
        "mcp.tool": "t_one",
        "mcp.outcome": "ok"
    });
    assert_eq!(stream.filter_state(), told);
}

#[test]
fn a_filter_state_of_another_filter_is_told_once_and_the_others_are_left() {
    let host = FakeHost::new();
    let plugin = hold(&host, "team/l", &json!({"filterState": true}));
    for _ in 0..3 {
        let stream = host.open(&[Some(plugin)]);
        stream.has_filter_state_of_another("mcp.method");
        let told = json!({"tool": "t_one", "outcome": "refused"});
        stream.ask_without_body(&json!({"told": told, "head": respond(403)}));
        assert_eq!(stream.filter_state()["mcp.tool"], "t_one");
        assert_eq!(stream.filter_state()["mcp.method"], json!(null));
    }
    let errors = host.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("wasm.mcp.method"), "{errors:?}");
}

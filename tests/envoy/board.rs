//! The Grafana board asks for what Envoy tells. Control's part of it is tested beside control's metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::caller::Protocol;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::exposition::Exposition;

const BOARD: &str = include_str!("../../docs/grafana/mcp-proxy-wasm.json");

tests! {
    async fn each_panel_asks_for_what_is_told_after_a_call() {
        let server = Upstream::start(Script::standard()).await;
        let manifests = Manifests::gateway().server(&Server::new("plain", server.address()));
        let gateway = Gateway::start_with(Role::Hold, &manifests, &[("MCP_STATS", "tools")]).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("plain_echo", json!({})).await.result();
        let told = until("the call is told", Duration::from_secs(20), || async {
            let told = Exposition::of(&gateway).await;
            let durations = told.sum("mcp_filter_tool_duration_ms_count", &[]);
            let requests = told.sum("mcp_filter_tool_requests", &[]);
            (durations > 0.0 && requests > 0.0).then_some(told)
        }).await;
        let mut metrics = BTreeSet::new();
        for query in queries() {
            let parts = Parts::of(&query);
            assert!(!parts.metrics.is_empty(), "{query}");
            for metric in parts.metrics.iter().filter(|name| !name.starts_with("mcp_control_")) {
                let samples: Vec<_> = told.named(metric).collect();
                assert!(!samples.is_empty(), "no {metric} for {query}");
                for label in &parts.labels {
                    assert!(samples.iter().all(|sample| sample.label(label).is_some()), "no {label} in {query}");
                }
                metrics.insert(family(metric).to_owned());
            }
        }
        let shown = told.beginning("mcp_filter_").map(|sample| family(&sample.name).to_owned());
        let shown: BTreeSet<_> = shown.collect();
        assert_eq!(shown, metrics, "what is told is shown on the board");
    }
}

#[test]
fn the_parts_of_a_query_are_told_apart() {
    let query =
        r#"topk(2, sum by (le, a) (rate(m_bucket{b=~"x_y|$z",c="(d)"}[$__rate_interval]))) / n"#;
    let parts = Parts::of(query);
    assert_eq!(parts.metrics, ["m_bucket", "n"].map(str::to_owned));
    assert_eq!(
        parts.labels,
        ["a", "b", "c", "le"].map(str::to_owned).into()
    );
}

/// A histogram has samples of three names.
fn family(metric: &str) -> &str {
    let parts = ["_bucket", "_count", "_sum"];
    let histogram = parts.iter().find_map(|part| metric.strip_suffix(part));
    histogram.unwrap_or(metric)
}

/// Of all panels, and of the variables; each panel has one at least.
fn queries() -> Vec<String> {
    let board: Value = serde_json::from_str(BOARD).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut queries = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        if panel["type"] == "row" {
            assert_eq!(panel["panels"], json!([]), "a row that hides panels");
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{}", panel["title"]);
        queries.extend(targets.iter().map(|target| text(&target["expr"])));
    }
    let variables = board["templating"]["list"].as_array().unwrap();
    let asked = variables
        .iter()
        .filter(|variable| variable["type"] == "query");
    for query in asked.map(|variable| text(&variable["query"]["query"])) {
        let of_metric = query
            .strip_prefix("label_values(")
            .and_then(|query| query.strip_suffix(')'));
        let (metric, label) = of_metric
            .and_then(|values| values.split_once(", "))
            .unwrap();
        queries.push(format!("{metric}{{{label}=\"\"}}"));
    }
    assert!(queries.len() > 20, "{queries:?}");
    queries
}

/// The names in a query of Prometheus.
#[derive(Debug, Default)]
struct Parts {
    metrics: Vec<String>,
    labels: BTreeSet<String>,
}

impl Parts {
    fn of(query: &str) -> Self {
        let mut parts = Self::default();
        let (mut rest, mut in_labels) = (query, false);
        while let Some(letter) = rest.chars().next() {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            rest = match letter {
                '"' => rest[1..].split_once('"').unwrap().1,
                '[' => rest.split_once(']').unwrap().1,
                _ if name.is_empty() => {
                    in_labels = (in_labels || letter == '{') && !matches!(letter, '}' | ')');
                    &rest[letter.len_utf8()..]
                }
                _ if letter.is_ascii_digit() => {
                    rest.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '.')
                }
                _ if matches!(name, "by" | "without" | "on" | "ignoring") => {
                    in_labels = true;
                    behind
                }
                _ => {
                    if in_labels {
                        parts.labels.insert(name.to_owned());
                    } else if !behind.starts_with('(') && !behind.starts_with(" by ") {
                        parts.metrics.push(name.to_owned());
                    }
                    behind
                }
            };
        }
        parts
    }
}

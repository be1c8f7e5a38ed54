use super::*;

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    }
}

fn counts<const N: usize>(counts: [(&str, &str, usize); N]) -> BTreeMap<(String, String), usize> {
    let counts = counts.into_iter();
    counts
        .map(|(status, reason, count)| ((status.to_owned(), reason.to_owned()), count))
        .collect()
}

/// Each of them told once.
fn all() -> Metrics {
    let metrics = Metrics::default();
    metrics.set_registrations(counts([("True", "Ready", 1)]));
    metrics.set_tools(&gateway(), 3);
    metrics.set_gateways(1);
    metrics.set_leader(true);
    metrics.pushed(&gateway(), 1234);
    metrics.push_failed(&gateway());
    metrics.discovered(&gateway(), Some(Reason::UpstreamRefused));
    metrics.watch_failed("Gateway");
    metrics
}

/// The samples, without what describes them.
fn samples(metrics: &Metrics) -> Vec<String> {
    let text = metrics.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn everything_is_told_by_name_and_labels() {
    let expected = [
        r#"mcp_control_registrations{status="True",reason="Ready"} 1"#,
        r#"mcp_control_discovered_tools{gateway="infra/gw"} 3"#,
        "mcp_control_gateways 1",
        "mcp_control_leader 1",
        r#"mcp_control_pushes_total{gateway="infra/gw"} 1"#,
        r#"mcp_control_push_failures_total{gateway="infra/gw"} 1"#,
        r#"mcp_control_last_push_bytes{gateway="infra/gw"} 1234"#,
        r#"mcp_control_discovery_passes_total{gateway="infra/gw"} 1"#,
        r#"mcp_control_discovery_failures_total{gateway="infra/gw",reason="UpstreamRefused"} 1"#,
        r#"mcp_control_watch_errors_total{kind="Gateway"} 1"#,
    ];
    assert_eq!(samples(&all()), expected);
}

#[test]
fn the_list_is_what_is_told() {
    let text = all().text();
    assert!(text.ends_with("# EOF\n"));
    for (sample, about) in samples(&all()).iter().zip(DESCRIPTIONS) {
        let labels: Vec<&str> = sample
            .split(['{', ','])
            .filter_map(|part| part.split_once('=').map(|(name, _)| name))
            .collect();
        assert!(sample.starts_with(about.name), "{sample}");
        assert_eq!(labels, about.labels, "{sample}");
        let family = about.name.trim_end_matches("_total");
        assert!(
            text.contains(&format!("# HELP {family} {}.\n", about.help)),
            "{text}"
        );
    }
}

#[test]
fn the_reference_has_the_list() {
    let reference = include_str!("../../../../docs/reference.md");
    for about in DESCRIPTIONS {
        let labels = about.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let row = format!("| `{}` | {labels} | {} |", about.name, about.help);
        let row = row.replace("|  |", "| |");
        assert!(reference.contains(&row), "docs/reference.md lacks {row}");
    }
    let rows = reference.matches("\n| `mcp_control_").count();
    assert_eq!(rows, DESCRIPTIONS.len());
}

#[test]
fn the_board_asks_for_what_is_told_and_for_all_of_it() {
    let board = include_str!("../../../../docs/grafana/mcp-proxy-wasm.json");
    let board: serde_json::Value = serde_json::from_str(board).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries: Vec<&str> = targets
        .filter_map(|target| target["expr"].as_str())
        .collect();
    let names = queries.iter().flat_map(|query| {
        let names = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        names.filter(|name| name.starts_with("mcp_control_"))
    });
    let asked: BTreeSet<&str> = names.collect();
    let told = samples(&all());
    let told = told
        .iter()
        .filter_map(|sample| sample.split(['{', ' ']).next());
    assert_eq!(asked, told.collect());
    for about in DESCRIPTIONS {
        let mut asking = queries.iter().filter(|query| query.contains(about.name));
        let grouped = |query: &&str| about.labels.iter().all(|label| query.contains(label));
        assert!(asking.any(grouped), "{} by {:?}", about.name, about.labels);
    }
}

#[test]
fn what_no_registration_stands_at_any_more_is_not_told() {
    let metrics = Metrics::default();
    metrics.set_registrations(counts([("Unknown", "Pending", 2), ("True", "Ready", 1)]));
    metrics.set_registrations(counts([("True", "Ready", 2), ("False", "Pending", 1)]));
    let mut told = samples(&metrics);
    told.sort();
    let expected = [
        "mcp_control_gateways 0",
        "mcp_control_leader 0",
        r#"mcp_control_registrations{status="False",reason="Pending"} 1"#,
        r#"mcp_control_registrations{status="True",reason="Ready"} 2"#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_gateway_that_is_gone_leaves_what_was_counted() {
    let metrics = all();
    metrics.forget(&gateway());
    let left = samples(&metrics);
    assert!(
        left.iter()
            .all(|line| line.contains("_total") || !line.contains("infra/gw")),
        "{left:?}"
    );
    assert_eq!(
        left.iter().filter(|line| line.contains("infra/gw")).count(),
        4
    );
}

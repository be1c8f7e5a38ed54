use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_filter_config::{
    ControlKeys, Endpoint, Limits, ListChanged, PluginConfig, Role, Server, Stats, Timeouts,
    Upstream, VERSION,
};
use mcp_filter_core::table::Table;

use super::{Findings, Keys, Manifests, definitions, keys, tools, viewed, with_streams};
use crate::offer::Offer;
use crate::render::{Finding, for_role, render};

const SWAP: &str = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: swap, namespace: team}
spec: {targetRef: {kind: HTTPRoute, name: a}}
";

fn rendered(manifests: &Manifests, findings: &Findings) -> PluginConfig {
    findings.render(&manifests.index()).config
}

fn public_endpoint() -> Endpoint {
    let hosts = [
        "127.0.0.1",
        "mcp.example.com",
        "localhost",
        "mcp.127-0-0-1.sslip.io",
    ];
    Endpoint {
        hosts: hosts.map(str::to_owned).to_vec(),
        path: "/mcp".to_owned(),
        origins: Vec::new(),
        authentication: None,
        protected_resource: None,
    }
}

#[test]
fn the_configuration_says_what_the_index_says() {
    let manifests = Manifests::one_server()
        .edit(
            "prefix: a_",
            "prefix: a_\n  timeouts: {firstByte: 1s, idle: 2s}",
        )
        .with(SWAP);
    let offer = Offer {
        issues_sessions: true,
        completions: true,
        logging: true,
        tasks: true,
        stateless_tasks: true,
        apps: true,
        ..tools(&["t"])
    };
    let config = rendered(&manifests, &Findings::default().found("a", offer));
    assert_eq!(
        (config.version, config.role, config.requires.len()),
        (VERSION, Role::Hold, 0)
    );
    assert_eq!(config.endpoints, [public_endpoint()]);
    assert_eq!(config.internal_hosts, ["a.example", "a.mcp.local"]);
    let server = Server {
        name: "team/a".to_owned(),
        prefix: "a_".to_owned(),
        host: "a.mcp.local".to_owned(),
        path: "/mcp".to_owned(),
        upstream: Upstream {
            cluster: "outbound|80||a.example".to_owned(),
            authority: "a.mcp.local".to_owned(),
            path: "/mcp".to_owned(),
        },
        issues_sessions: true,
        protocol_version: "2025-11-25".to_owned(),
        stateless: false,
        completions: true,
        logging: true,
        tasks: true,
        stateless_tasks: true,
        apps: true,
        resources: false,
        list_changed: ListChanged::default(),
        timeouts: Timeouts {
            first_byte_ms: 1000,
            idle_ms: 2000,
        },
        policies: vec![0],
    };
    assert_eq!(config.servers, [server]);
    assert_eq!(config.policies[0].name, "team/swap");
    assert_eq!(config.sessions, keys().sessions);
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn news_of_no_change_are_told_where_somebody_hears_them() {
    let heard = ListChanged {
        tools: 1,
        ..ListChanged::default()
    };
    let finding = Finding {
        offer: Some(Arc::new(tools(&["t"]))),
        fault: None,
        list_changed: heard,
    };
    let findings = Findings::default().with("a", finding);
    let told = |index| findings.render(&index).config.servers[0].list_changed;
    let index = || Manifests::one_server().index();
    assert_eq!(told(with_streams(index())), heard);
    assert_eq!(told(index()), ListChanged::default());
}

#[test]
fn a_server_has_resources_where_it_lists_some_or_templates() {
    let with = |resources: &[&str], templates: &[&str]| {
        let offer = Offer {
            resources: definitions("uri", resources),
            resource_templates: definitions("uriTemplate", templates),
            ..tools(&[])
        };
        rendered(
            &Manifests::one_server(),
            &Findings::default().found("a", offer),
        )
        .servers[0]
            .resources
    };
    assert!(!with(&[], &[]));
    assert!(with(&["file:///r"], &[]));
    assert!(with(&[], &["file:///{t}"]));
}

#[test]
fn no_credential_is_in_it() {
    let manifests = Manifests::one_server()
        .edit(
            "targetRef: {name: a}",
            "targetRef: {name: a}\n  credentialRef: {name: pat}",
        )
        .with(
            "
apiVersion: v1
kind: Secret
metadata: {name: pat, namespace: team, labels: {mcp.kuadrant.io/secret: 'true'}}
stringData: {token: Bearer $PAT}
",
        );
    let config = rendered(&manifests, &Findings::default().found("a", tools(&["t"])));
    assert_eq!(config.servers.len(), 1);
    assert!(!serde_json::to_string(&config).unwrap().contains("s3cret"));
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let findings = Findings::default().found("a", tools(&["t", "u"]));
    let once = rendered(&Manifests::one_server(), &findings);
    let again = rendered(&Manifests::one_server(), &findings);
    assert_eq!(
        serde_json::to_vec(&once).unwrap(),
        serde_json::to_vec(&again).unwrap()
    );
    assert_eq!(once.generation.len(), 64);
}

/// Each is another one than that of the tool `t` alone.
fn other_offers() -> [Offer; 12] {
    [
        tools(&["u"]),
        tools(&["t", "u"]),
        Offer {
            issues_sessions: true,
            ..tools(&["t"])
        },
        Offer {
            completions: true,
            ..tools(&["t"])
        },
        Offer {
            logging: true,
            ..tools(&["t"])
        },
        Offer {
            tasks: true,
            ..tools(&["t"])
        },
        Offer {
            stateless_tasks: true,
            ..tools(&["t"])
        },
        Offer {
            apps: true,
            ..tools(&["t"])
        },
        Offer {
            tools: vec![viewed("t", "ui://t")],
            ..tools(&[])
        },
        Offer {
            protocol_version: "2025-06-18".to_owned(),
            ..tools(&["t"])
        },
        Offer {
            stateless: true,
            ..tools(&["t"])
        },
        Offer {
            prompts: definitions("name", &["p"]),
            ..tools(&["t"])
        },
    ]
}

#[test]
fn every_change_of_what_the_filter_does_changes_the_generation() {
    let base = Manifests::one_server();
    let found = Findings::default().found("a", tools(&["t"]));
    let mut configs = vec![
        rendered(&base, &found),
        rendered(&base, &Findings::default()),
    ];
    configs.extend(
        other_offers().map(|offer| rendered(&base, &Findings::default().found("a", offer))),
    );
    let edits = [
        ("prefix: a_", "prefix: b_"),
        ("prefix: a_", "prefix: a_\n  path: /b"),
        ("prefix: a_", "prefix: a_\n  timeouts: {idle: 1s}"),
        ("hostnames: [a.mcp.local]", "hostnames: [b.mcp.local]"),
        ("hostname: mcp.example.com", "hostname: b.example.com"),
    ];
    configs.extend(edits.map(|(from, to)| rendered(&base.clone().edit(from, to), &found)));
    let denying = SWAP.replace(
        "name: a}}",
        "name: a}, rules: {response: {unauthorized: {code: 401}}}}",
    );
    assert_ne!(denying, SWAP);
    configs.extend([SWAP, &denying].map(|policy| rendered(&base.clone().with(policy), &found)));
    configs.push(rendered(&base.clone().server("b"), &found));
    let control = ControlKeys {
        public_keys: vec!["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned()],
    };
    let rotated = Keys { control, ..keys() };
    configs.push(render(&base.index(), &found.0, &rotated).unwrap().config);
    let mut telling = base.index();
    telling.telemetry.stats = Stats::Tools;
    configs.push(render(&telling, &found.0, &keys()).unwrap().config);
    let generations: BTreeSet<_> = configs.iter().map(|config| &config.generation).collect();
    assert_eq!(generations.len(), configs.len());
}

#[test]
fn only_a_server_without_sessions_needs_a_filter_that_knows_the_stateless_revision() {
    let requires = |protocol_version: &str| {
        let offer = Offer {
            protocol_version: protocol_version.to_owned(),
            stateless: true,
            ..tools(&["t"])
        };
        let config = rendered(
            &Manifests::one_server(),
            &Findings::default().found("a", offer),
        );
        assert!(config.servers[0].stateless);
        config.requires
    };
    assert_eq!(requires("2026-07-28"), ["stateless"]);
    assert!(requires("2025-11-25").is_empty());
}

#[test]
fn what_the_filter_does_not_need_changes_nothing() {
    let found = Findings::default().found("a", tools(&["t"]));
    let base = rendered(&Manifests::one_server(), &found);
    for (from, to) in [
        ("prefix: a_", "prefix: a_\n  hint: x"),
        ("http: 9000", "http: 9001"),
    ] {
        assert_eq!(
            rendered(&Manifests::one_server().edit(from, to), &found),
            base
        );
    }
}

#[test]
fn each_role_has_its_configuration() {
    let config = rendered(
        &Manifests::one_server(),
        &Findings::default().found("a", tools(&["t"])),
    );
    assert_eq!(for_role(&config, Role::Hold), config);
    let route = for_role(&config, Role::Route);
    assert_eq!(route.generation, config.generation);
    assert_eq!(
        PluginConfig {
            role: Role::Hold,
            ..route.clone()
        },
        config
    );
    let gate = for_role(&config, Role::Gate);
    assert!(Table::compile(&route).is_ok());
    assert!(Table::compile(&gate).is_ok());
}

#[test]
fn the_gates_configuration_never_changes() {
    let gate = |findings: &Findings| {
        let gate = for_role(&rendered(&Manifests::one_server(), findings), Role::Gate);
        serde_json::to_string(&gate).unwrap()
    };
    let before = gate(&Findings::default());
    assert_eq!(before, gate(&Findings::default().found("a", tools(&["t"]))));
    let value: serde_json::Value = serde_json::from_str(&before).unwrap();
    assert_eq!(
        (&value["version"], &value["role"]),
        (&1.into(), &"gate".into())
    );
    for absent in ["generation", "endpoints", "servers", "catalog", "policies"] {
        assert_eq!(value.get(absent), None, "{absent}");
    }
}

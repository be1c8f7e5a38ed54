use super::{Manifests, refused};
use crate::network::Tls;
use crate::verdict::Reason::TargetUnsupported;

fn rule(namespace: &str, host: &str, policy: &str) -> String {
    format!(
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: rule, namespace: {namespace}}}
spec:
  host: '{host}'
  trafficPolicy: {policy}
"
    )
}

/// With a rule for the server's host.
fn ruled(policy: &str) -> Manifests {
    Manifests::one_server().with(&rule("team", "a.example", policy))
}

fn simple(sni: &str) -> Tls {
    Tls {
        sni: sni.to_owned(),
        ca_certificates: None,
        ca_pem: None,
        insecure_skip_verify: false,
    }
}

#[test]
fn without_a_rule_connections_are_plain_and_unbounded() {
    let cluster = Manifests::one_server().cluster();
    assert_eq!(cluster.tls, None);
    assert_eq!(cluster.max_connections, None);
    assert_eq!(cluster.max_pending_requests, None);
    assert_eq!(cluster.max_requests, None);
    assert_eq!(cluster.connect_timeout_ms, None);
    assert!(!cluster.http2);
}

#[test]
fn tls_is_spoken_with_the_hosts_name_unless_the_rule_names_another() {
    assert_eq!(
        ruled("{tls: {mode: SIMPLE}}").cluster().tls,
        Some(simple("a.example"))
    );
    assert_eq!(
        ruled("{tls: {mode: SIMPLE, sni: ''}}").cluster().tls,
        Some(simple("a.example"))
    );
    let named = ruled("{tls: {mode: SIMPLE, sni: b.example}}");
    assert_eq!(named.cluster().tls, Some(simple("b.example")));
    assert_eq!(ruled("{tls: {mode: DISABLE}}").cluster().tls, None);
    assert_eq!(ruled("{tls: {}}").cluster().tls, None);
}

#[test]
fn authorities_and_unchecked_certificates_are_taken_over() {
    let policy = "{tls: {mode: SIMPLE, caCertificates: /etc/ca.pem, insecureSkipVerify: true}}";
    let expected = Tls {
        ca_certificates: Some("/etc/ca.pem".to_owned()),
        insecure_skip_verify: true,
        ..simple("a.example")
    };
    assert_eq!(ruled(policy).cluster().tls, Some(expected));
}

#[test]
fn tls_that_cannot_be_had_is_refused() {
    let long = "x".repeat(256);
    let cases = [
        (
            "{mode: MUTUAL}",
            "tls.mode MUTUAL and ISTIO_MUTUAL are not supported: use SIMPLE",
        ),
        (
            "{mode: ISTIO_MUTUAL}",
            "tls.mode MUTUAL and ISTIO_MUTUAL are not supported: use SIMPLE",
        ),
        (
            "{mode: SIMPLE, credentialName: x}",
            "tls.credentialName is not supported: take it out, or use caCertificates with a file",
        ),
        (
            "{mode: SIMPLE, subjectAltNames: [x]}",
            "tls.subjectAltNames is not supported: take it out, or use caCertificates with a file",
        ),
        (
            &format!("{{mode: SIMPLE, sni: {long}}}"),
            "tls.sni has more than 255 characters",
        ),
    ];
    for (tls, message) in cases {
        let message = format!("DestinationRule team/rule: {message}");
        let manifests = ruled(&format!("{{tls: {tls}}}"));
        assert_eq!(manifests.fault(), refused(TargetUnsupported, &message));
    }
}

#[test]
fn a_connection_pool_bounds_the_cluster() {
    let cluster = ruled(
        "{connectionPool: {tcp: {maxConnections: 10, connectTimeout: 1500ms}, \
         http: {http1MaxPendingRequests: 11, http2MaxRequests: 12, h2UpgradePolicy: UPGRADE}}}",
    )
    .cluster();
    assert_eq!(cluster.max_connections, Some(10));
    assert_eq!(cluster.connect_timeout_ms, Some(1500));
    assert_eq!(cluster.max_pending_requests, Some(11));
    assert_eq!(cluster.max_requests, Some(12));
    assert!(cluster.http2);
}

#[test]
fn http_2_is_spoken_only_where_it_is_asked_for() {
    for (policy, expected) in [
        ("UPGRADE", true),
        ("DO_NOT_UPGRADE", false),
        ("DEFAULT", false),
    ] {
        let manifests = ruled(&format!(
            "{{connectionPool: {{http: {{h2UpgradePolicy: {policy}}}}}}}"
        ));
        assert_eq!(manifests.cluster().http2, expected, "{policy}");
    }
}

#[test]
fn a_connect_timeout_must_be_a_duration() {
    for timeout in ["soon", "0s", "5", "-1s"] {
        let manifests = ruled(&format!(
            "{{connectionPool: {{tcp: {{connectTimeout: '{timeout}'}}}}}}"
        ));
        let message = format!(
            "DestinationRule team/rule: connectionPool.tcp.connectTimeout {timeout} is not a duration such as 500ms \
             or 5s"
        );
        assert_eq!(manifests.fault(), refused(TargetUnsupported, &message));
    }
}

#[test]
fn settings_of_the_port_replace_those_of_all_ports() {
    let manifests = ruled(
        "{tls: {mode: SIMPLE}, connectionPool: {tcp: {maxConnections: 10}}, \
         portLevelSettings: [{port: {number: PORT}, tls: {mode: SIMPLE, sni: b.example}}]}",
    );
    let of_port = manifests.clone().edit("PORT", "80").cluster();
    assert_eq!(of_port.tls, Some(simple("b.example")));
    assert_eq!(of_port.max_connections, None);
    let of_another = manifests.edit("PORT", "81").cluster();
    assert_eq!(of_another.tls, Some(simple("a.example")));
    assert_eq!(of_another.max_connections, Some(10));
}

#[test]
fn rules_count_by_namespace_first_the_gateways_then_the_hosts_then_istios() {
    let with_rules = |namespaces: &[&str]| {
        let rules = namespaces.iter().map(|namespace| {
            rule(
                namespace,
                "a.example",
                &format!("{{tls: {{mode: SIMPLE, sni: {namespace}}}}}"),
            )
        });
        let manifests = rules.fold(Manifests::one_server(), |all, rule| all.with(&rule));
        manifests.cluster().tls.map(|tls| tls.sni)
    };
    let first = |namespaces: &[&str]| with_rules(namespaces).unwrap();
    assert_eq!(first(&["istio-system", "team", "infra"]), "infra");
    assert_eq!(first(&["istio-system", "team"]), "team");
    assert_eq!(first(&["istio-system", "other"]), "istio-system");
    assert_eq!(with_rules(&["other"]), None);
}

#[test]
fn a_wide_rule_of_a_nearer_namespace_counts_before_an_exact_one() {
    let manifests = Manifests::one_server()
        .with(&rule("infra", "*", "{tls: {mode: SIMPLE, sni: near}}"))
        .with(&rule(
            "team",
            "a.example",
            "{tls: {mode: SIMPLE, sni: exact}}",
        ));
    assert_eq!(manifests.cluster().tls, Some(simple("near")));
}

#[test]
fn the_most_exact_host_of_a_namespace_counts() {
    let hosts = ["*", "*.example", "a.example"];
    for count in 1..=hosts.len() {
        let rules = hosts.iter().take(count).enumerate().map(|(number, host)| {
            let policy = format!(
                "{{connectionPool: {{tcp: {{maxConnections: {}}}}}}}",
                number + 1
            );
            rule("team", host, &policy).replace("name: rule", &format!("name: rule-{number}"))
        });
        let manifests = rules.fold(Manifests::one_server(), |all, rule| all.with(&rule));
        assert_eq!(manifests.cluster().max_connections, Some(count as u32));
    }
}

#[test]
fn a_rule_for_another_host_does_not_count() {
    for host in ["b.example", "*.b.example", "example", "a"] {
        let manifests = Manifests::one_server().with(&rule("team", host, "{tls: {mode: SIMPLE}}"));
        assert_eq!(manifests.cluster().tls, None, "{host}");
    }
}

#[test]
fn a_rule_without_policy_changes_nothing() {
    assert_eq!(ruled("null").cluster(), Manifests::one_server().cluster());
}

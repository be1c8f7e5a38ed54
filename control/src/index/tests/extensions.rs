use super::{Manifests, registration};
use crate::manifests::parse;
use crate::verdict::Reason::NoGatewayExtension;

/// The extension of [`Manifests::one_server`].
pub(super) const EXTENSION: &str = "
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: gw, namespace: infra}
spec:
  targetRef: {name: gw, sectionName: mcp}
";

#[test]
fn without_an_extension_the_message_is_one_that_can_be_applied() {
    let without = Manifests::one_server().edit(EXTENSION, "");
    let (reason, message) = without.fault();
    assert_eq!(reason, NoGatewayExtension);
    let (sentence, yaml) = message.split_once('\n').unwrap();
    assert_eq!(
        sentence,
        "no MCPGatewayExtension makes a listener of Gateway infra/gw an MCP endpoint. For listener mcp, apply:"
    );
    assert!(parse("f.yaml", yaml).errors.is_empty(), "{yaml}");
    let applied = without.with(yaml);
    assert!(applied.index().registrations[0].outcome.is_ok());
}

#[test]
fn the_first_listener_is_proposed_where_none_is_named_mcp() {
    let without = Manifests::one_server().edit(EXTENSION, "").edit(
        "name: mcp, hostname: mcp.example.com",
        "name: web, hostname: mcp.example.com",
    );
    let (_, message) = without.fault();
    assert!(message.ends_with("    sectionName: web"), "{message}");
}

#[test]
fn an_extension_makes_only_its_own_gateway_serve() {
    let other = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: infra}
spec:
  gatewayClassName: istio
  listeners:
  - {name: mcp, hostname: '*.other.local', port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
";
    let manifests = Manifests::one_server()
        .with(other)
        .edit(
            "- {name: gw, namespace: infra}",
            "- {name: other, namespace: infra}",
        )
        .edit("hostnames: [a.mcp.local]", "hostnames: [a.other.local]");
    let (reason, message) = manifests.fault();
    assert_eq!(reason, NoGatewayExtension);
    assert!(message.contains("Gateway infra/other"), "{message}");
}

#[test]
fn an_extension_that_leads_nowhere_is_told_and_serves_nothing() {
    let target = "targetRef: {name: gw, sectionName: mcp}";
    let cases = [
        (
            "targetRef: {name: x, sectionName: mcp}",
            "TargetNotFound: Gateway infra/x does not exist: create it, or correct spec.targetRef",
        ),
        (
            "targetRef: {name: gw, sectionName: x}",
            "TargetNotFound: Gateway infra/gw has no listener x; it has mcp, internal",
        ),
        (
            "targetRef: {kind: Service, group: '', name: gw, sectionName: mcp}",
            "TargetUnsupported: spec.targetRef must be a Gateway, not Service",
        ),
    ];
    for (other, told) in cases {
        let manifests = Manifests::one_server().edit(target, other);
        assert_eq!(
            manifests.notices(),
            [format!("refused MCPGatewayExtension infra/gw: {told}")]
        );
        assert_eq!(manifests.fault().0, NoGatewayExtension);
    }
}

#[test]
fn of_two_extensions_for_one_listener_the_oldest_counts() {
    let named = |name: &str, created: &str| {
        EXTENSION.replace(
            "metadata: {name: gw,",
            &format!("metadata: {{name: {name}, creationTimestamp: '{created}',"),
        )
    };
    let manifests = Manifests::one_server()
        .edit(EXTENSION, &named("young", "2026-02-01T00:00:00Z"))
        .with(&named("old", "2026-01-01T00:00:00Z"));
    let told = "refused MCPGatewayExtension infra/young: ListenerConflict: MCPGatewayExtension infra/old has listener mcp of \
                Gateway infra/gw, and is older: take one of them out";
    assert_eq!(manifests.notices(), [told]);
    assert!(manifests.index().registrations[0].outcome.is_ok());
}

#[test]
fn two_listeners_of_a_gateway_may_have_an_extension_each() {
    let second = EXTENSION.replace("{name: gw, namespace", "{name: second, namespace");
    let second = second.replace("sectionName: mcp", "sectionName: internal");
    let manifests = Manifests::one_server().with(&second);
    assert!(manifests.notices().is_empty());
    let hosts = &manifests.index().endpoints[0].hosts;
    assert!(hosts.contains(&"mcp.example.com".to_owned()), "{hosts:?}");
    assert!(hosts.contains(&"mcp.mcp.local".to_owned()), "{hosts:?}");
}

#[test]
fn fields_without_effect_are_each_named() {
    let fields = [
        ("privateHost: a", "spec.privateHost"),
        (
            "backendPingIntervalSeconds: 30",
            "spec.backendPingIntervalSeconds",
        ),
        (
            "trustedHeadersKey: {secretName: a}",
            "spec.trustedHeadersKey",
        ),
        ("logLevel: debug", "spec.logLevel"),
        ("sessionStore: {secretName: a}", "spec.sessionStore"),
        ("urlElicitation: Enabled", "spec.urlElicitation"),
        (
            "caCertBundleRef: {name: a}",
            "spec.caCertBundleRef (for servers; issuers of tokens are checked by it)",
        ),
        ("maxBodyBytes: 1000", "spec.maxBodyBytes"),
        (
            "httpRouteManagement: Enabled",
            "spec.httpRouteManagement (here `mcp-control local --streams` does it)",
        ),
    ];
    let target = "targetRef: {name: gw, sectionName: mcp}";
    for (field, name) in fields {
        let manifests = Manifests::one_server().edit(target, &format!("{target}\n  {field}"));
        let told = format!(
            "accepted MCPGatewayExtension infra/gw: Unsupported: without effect here: {name}"
        );
        assert_eq!(manifests.notices(), [told]);
        assert!(manifests.index().registrations[0].outcome.is_ok());
    }
    let usual = "backendPingIntervalSeconds: 60\n  httpRouteManagement: Disabled\n  urlElicitation: Disabled";
    let manifests = Manifests::one_server().edit(target, &format!("{target}\n  {usual}"));
    assert!(manifests.notices().is_empty());
}

#[test]
fn both_versions_of_the_kinds_are_read() {
    let alpha = |text: &str| text.replace("mcp.kuadrant.io/v1\n", "mcp.kuadrant.io/v1alpha1\n");
    let (old, new) = (
        Manifests(alpha(&Manifests::one_server().0)),
        Manifests::one_server(),
    );
    assert_eq!(old.index(), new.index());
    assert!(registration(&old.index(), "a").outcome.is_ok());
}

use super::{Manifests, refused};
use crate::verdict::Reason::NotAttached;

const ALL: &str = ", allowedRoutes: {namespaces: {from: All}}";
const PARENT: &str = "{name: gw, namespace: infra}\n  hostnames";

/// With the internal listener's `allowedRoutes` as given.
fn allowed(routes: &str) -> Manifests {
    Manifests::one_server().edit(ALL, &format!(", allowedRoutes: {routes}"))
}

/// With the route's parentRef as given.
fn parent(reference: &str) -> Manifests {
    Manifests::one_server().edit(PARENT, &format!("{reference}\n  hostnames"))
}

fn is_attached(manifests: &Manifests) -> bool {
    let index = manifests.index();
    match &index.registrations[0].outcome {
        Ok(_) => true,
        Err(fault) => {
            assert_eq!(fault.reason, NotAttached);
            false
        }
    }
}

#[test]
fn a_listener_takes_routes_of_its_own_namespace_unless_it_says_otherwise() {
    let own = Manifests::one_server().edit(ALL, "");
    let message = "HTTPRoute team/a is attached to no gateway: Gateway infra/gw: \
                   listener mcp: its allowedRoutes.namespaces does not take namespace team, \
                   listener internal: its allowedRoutes.namespaces does not take namespace team";
    assert_eq!(own.fault(), refused(NotAttached, message));
    assert!(!is_attached(&allowed("{namespaces: {from: Same}}")));
    let there = Manifests(own.0.replace("namespace: team", "namespace: infra"));
    assert!(is_attached(&there));
}

#[test]
fn a_listener_that_takes_all_namespaces_takes_those_without_a_manifest() {
    assert!(is_attached(&Manifests::one_server()));
}

#[test]
fn a_namespace_is_selected_by_its_labels_and_its_name() {
    let namespace = "
apiVersion: v1
kind: Namespace
metadata: {name: team, labels: {tier: gold}}
";
    let cases = [
        ("matchLabels: {tier: gold}", true),
        ("matchLabels: {tier: silver}", false),
        ("matchLabels: {tier: gold, zone: b}", false),
        ("matchLabels: {kubernetes.io/metadata.name: team}", true),
        (
            "matchExpressions: [{key: tier, operator: In, values: [gold, red]}]",
            true,
        ),
        (
            "matchExpressions: [{key: tier, operator: In, values: [red]}]",
            false,
        ),
        (
            "matchExpressions: [{key: tier, operator: NotIn, values: [red]}]",
            true,
        ),
        (
            "matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]",
            false,
        ),
        ("matchExpressions: [{key: tier, operator: Exists}]", true),
        ("matchExpressions: [{key: zone, operator: Exists}]", false),
        (
            "matchExpressions: [{key: zone, operator: DoesNotExist}]",
            true,
        ),
        (
            "matchExpressions: [{key: tier, operator: DoesNotExist}]",
            false,
        ),
        (
            "matchExpressions: [{key: tier, operator: Gt, values: [a]}]",
            false,
        ),
    ];
    for (selector, expected) in cases {
        let routes = format!("{{namespaces: {{from: Selector, selector: {{{selector}}}}}}}");
        let manifests = allowed(&routes).with(namespace);
        assert_eq!(is_attached(&manifests), expected, "{selector}");
    }
    assert!(!is_attached(&allowed("{namespaces: {from: Selector}}")));
}

#[test]
fn a_listener_may_take_some_kinds_alone() {
    let all = "namespaces: {from: All}";
    assert!(is_attached(&allowed(&format!(
        "{{{all}, kinds: [{{kind: HTTPRoute}}]}}"
    ))));
    let other = allowed(&format!("{{{all}, kinds: [{{kind: GRPCRoute}}]}}"));
    let (_, message) = other.fault();
    assert!(
        message.ends_with("listener internal: its allowedRoutes.kinds has no HTTPRoute"),
        "{message}"
    );
}

#[test]
fn only_listeners_of_http_take_routes() {
    let internal = "hostname: '*.mcp.local', port: 8080, protocol: HTTP";
    let tcp = Manifests::one_server().edit(internal, &internal.replace("HTTP", "TCP"));
    let (_, message) = tcp.fault();
    assert!(
        message.ends_with("listener internal: its protocol is TCP"),
        "{message}"
    );
    let https = Manifests::one_server().edit(internal, &internal.replace("HTTP", "HTTPS"));
    assert!(is_attached(&https));
}

#[test]
fn a_hostname_must_be_one_that_the_listener_has() {
    let elsewhere =
        Manifests::one_server().edit("hostnames: [a.mcp.local]", "hostnames: [a.example]");
    let (_, message) = elsewhere.fault();
    assert!(
        message.ends_with(
            "listener internal: its hostname *.mcp.local takes none of the route's (a.example)"
        ),
        "{message}"
    );
}

#[test]
fn hostnames_that_no_listener_takes_are_left_out() {
    let two = Manifests::one_server().edit(
        "hostnames: [a.mcp.local]",
        "hostnames: [a.example, b.mcp.local, a.mcp.local]",
    );
    assert_eq!(two.resolved().host, "b.mcp.local");
    let hosts: Vec<_> = two
        .index()
        .network
        .routes
        .into_iter()
        .map(|r| r.host)
        .collect();
    assert_eq!(hosts, ["a.mcp.local", "b.mcp.local"]);
}

#[test]
fn a_listener_without_hostname_takes_any() {
    let any = Manifests::one_server()
        .edit("hostname: '*.mcp.local', ", "")
        .edit("hostnames: [a.mcp.local]", "hostnames: [a.example.org]");
    assert_eq!(any.resolved().host, "a.example.org");
}

#[test]
fn a_section_name_chooses_one_listener() {
    assert!(is_attached(&parent(
        "{name: gw, namespace: infra, sectionName: internal}"
    )));
    let (_, message) = parent("{name: gw, namespace: infra, sectionName: mcp}").fault();
    assert!(message.contains("listener mcp: "), "{message}");
    assert!(!message.contains("listener internal: "), "{message}");
    let (_, message) = parent("{name: gw, namespace: infra, sectionName: other}").fault();
    let expected = "HTTPRoute team/a is attached to no gateway: Gateway infra/gw: \
                    it has no listener of the parentRef's sectionName and port: correct the parentRef; \
                    the listeners are mcp, internal";
    assert_eq!(message, expected);
}

#[test]
fn a_port_chooses_listeners_likewise() {
    assert!(is_attached(&parent(
        "{name: gw, namespace: infra, port: 8080}"
    )));
    assert!(!is_attached(&parent(
        "{name: gw, namespace: infra, port: 8443}"
    )));
}

#[test]
fn a_parent_must_be_a_gateway_that_exists() {
    let cases = [
        (
            "{name: gw}",
            "Gateway team/gw does not exist: create it, or correct the parentRef",
        ),
        (
            "{name: x, namespace: infra}",
            "Gateway infra/x does not exist: create it, or correct the parentRef",
        ),
        (
            "{kind: Service, group: '', name: gw}",
            "parentRef gw is a Service, not a Gateway",
        ),
    ];
    for (reference, reason) in cases {
        let message = format!("HTTPRoute team/a is attached to no gateway: {reason}");
        assert_eq!(parent(reference).fault(), refused(NotAttached, &message));
    }
    let none =
        Manifests::one_server().edit("  parentRefs:\n  - {name: gw, namespace: infra}\n", "");
    let message =
        "HTTPRoute team/a is attached to no gateway: it has no parentRefs: name a Gateway there";
    assert_eq!(none.fault(), refused(NotAttached, message));
}

#[test]
fn one_parent_that_takes_the_route_is_enough() {
    assert!(is_attached(&parent(
        "{name: x}\n  - {name: gw, namespace: infra}"
    )));
}

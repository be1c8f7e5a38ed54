use proptest::prelude::*;
use proptest::sample::subsequence;

use super::{Manifests, registration, settings};
use crate::envoy::plan::Service;
use crate::index::{Index, build};
use crate::render::{Keys, render};

/// What goes wrong with one server: text of its manifests, and what stands there instead.
const FAULTS: [(&str, &str); 24] = [
    ("prefix: a_", "prefix: b_"),
    ("prefix: a_", "prefix: A_"),
    ("prefix: a_", "prefix: a_\n  state: Disabled"),
    ("prefix: a_", "prefix: a_\n  path: x"),
    ("prefix: a_", "prefix: a_\n  timeouts: {idle: never}"),
    ("prefix: a_", "prefix: a_\n  credentialRef: {name: none}"),
    ("prefix: a_", "prefix: a_\n  caCertSecretRef: {name: none}"),
    ("targetRef: {name: a}", "targetRef: {name: none}"),
    (
        "targetRef: {name: a}",
        "targetRef: {kind: Service, name: a}",
    ),
    (
        "targetRef: {name: a}",
        "targetRef: {name: a, namespace: away}",
    ),
    ("hostnames: [a.mcp.local]", "hostnames: [mcp.example.com]"),
    ("hostnames: [a.mcp.local]", "hostnames: [b.mcp.local]"),
    ("hostnames: [a.mcp.local]", "hostnames: ['*.mcp.local']"),
    (
        "hostnames: [a.mcp.local]",
        "hostnames: ['*.mcp.local', a.mcp.local]",
    ),
    (
        "hostnames: [a.mcp.local]",
        "hostnames: [a.mcp.local, A.x, 'a b', a.1]",
    ),
    (
        "hostnames: [a.mcp.local]",
        "hostnames: [localhost, 127.0.0.1]",
    ),
    (
        "kind: Hostname, name: a.example",
        "kind: Hostname, name: A.example",
    ),
    ("name: a.example, port: 80}", "name: a.example, port: 81}"),
    ("hosts: [a.example]", "hosts: []"),
    (
        "protocol: HTTP}]\n  resolution: STATIC\n  endpoints: [{address: 127.0.0.1, ports: {http: 9001",
        "protocol: HTTPS}]\n  resolution: STATIC\n  endpoints: [{address: 127.0.0.1, ports: {http: 9001",
    ),
    (
        "address: 127.0.0.1, ports: {http: 9001}",
        "address: 'no address'",
    ),
    ("{http: 9001}}]", "{http: 9001}}, {address: ''}]"),
    (
        "- {name: gw, namespace: infra}\n  hostnames: [a.",
        "- {name: none}\n  hostnames: [a.",
    ),
    (
        "  rules:\n  - backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.",
        "  rules:\n  - filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: 'x y'}}}]\n    backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.",
    ),
];

/// Servers `a`, which gets the faults, and `b`, which comes before it in age.
fn two_servers() -> Manifests {
    let a = super::SERVER.replace("NAME", "a").replace("9000", "9001");
    let head = "kind: MCPServerRegistration\nmetadata: {name: a,";
    let a = Manifests(a).edit(
        head,
        &format!("{head} creationTimestamp: '2026-01-01T00:00:00Z',"),
    );
    Manifests::platform().server("b").with(&a.0)
}

#[test]
fn one_servers_fault_never_touches_another() {
    let whole = two_servers().index();
    for (from, to) in FAULTS {
        let manifests = two_servers().edit(from, to);
        let index = manifests.index();
        let before = registration(&whole, "b").outcome.as_ref().unwrap();
        assert_eq!(
            registration(&index, "b").outcome.as_ref(),
            Ok(before),
            "{to}"
        );
        assert_eq!(index.endpoints, whole.endpoints, "{to}");
        let route = |index: &Index| {
            let mut routes = index.network.routes.iter();
            routes.find(|route| route.host == "b.mcp.local").cloned()
        };
        assert_eq!(route(&index), route(&whole), "{to}");
        let mut clusters = whole.network.clusters.iter();
        let cluster = clusters.find(|c| c.name == before.upstream.cluster);
        assert!(index.network.clusters.contains(cluster.unwrap()), "{to}");
    }
}

#[test]
fn whatever_is_wrong_the_filter_and_envoy_take_the_rest() {
    for (from, to) in FAULTS {
        let index = two_servers().edit(from, to).index();
        let rendered = render(&index, &Default::default(), &Keys::default());
        let config = rendered
            .unwrap_or_else(|error| panic!("{to}: {error}"))
            .config;
        let (_, left_out) = Service::new(index.network.clone(), config);
        assert!(left_out.is_empty(), "{to}: {left_out:?}");
    }
}

/// One object of each kind at least, some in conflict with one another.
fn crowd() -> Manifests {
    let policy = |name: &str, spec: &str| {
        format!(
            "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {{name: {name}, namespace: team}}\nspec: {spec}\n"
        )
    };
    let rule = |name: &str, host: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {name}, namespace: team}}\n\
             spec: {{host: '{host}', trafficPolicy: {{connectionPool: {{http: {{h2UpgradePolicy: UPGRADE}}}}}}}}\n"
        )
    };
    let route = "targetRef: {kind: HTTPRoute, name: a}";
    two_servers()
        .with(&super::SERVER.replace("NAME", "c").replace("prefix: c_", "prefix: b_"))
        .with(&super::SERVER.replace("NAME", "d").replace("d.example", "a.example"))
        .with(&super::SERVER.replace("NAME", "e").replace("e.mcp.local", "b.mcp.local"))
        .with(&super::PLATFORM.replace("{name: gw, namespace: infra}", "{name: gx, namespace: infra}"))
        .with(&policy("one", &format!("{{{route}}}")))
        .with(&policy("two", &format!("{{{route}, rules: {{x: 1}}}}")))
        .with(&policy("one", &format!("{{{route}, rules: {{x: 2}}}}")))
        .with(&rule("one", "*.example"))
        .with(&rule("two", "a.example"))
        .with("apiVersion: mcp.kagenti.com/v1alpha1\nkind: MCPServer\nmetadata: {name: f, namespace: team}\nspec: {targetRef: {name: a}}\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_objects_does_not_matter(seed in any::<u64>()) {
        let objects = crowd().objects();
        let expected = build(&objects, &settings());
        let mut shuffled: Vec<_> = objects.iter().enumerate().collect();
        shuffled.sort_by_key(|(place, _)| {
            (*place as u64 + 1).wrapping_mul(seed | 1).rotate_left(17).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        let found = build(shuffled.into_iter().map(|(_, object)| object), &settings());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_part_of_the_objects_gives_what_filter_and_envoy_take(
        objects in Just(crowd().objects()).prop_flat_map(|all| { let count = all.len(); subsequence(all, 0..=count) })
    ) {
        let index = build(&objects, &settings());
        let rendered = render(&index, &Default::default(), &Keys::default());
        prop_assert!(rendered.is_ok(), "{:?}", rendered);
        let config = rendered.unwrap().config;
        let (_, left_out) = Service::new(index.network.clone(), config);
        prop_assert!(left_out.is_empty(), "{left_out:?}");
        for registration in &index.registrations {
            let Ok(resolved) = &registration.outcome else { continue };
            let cluster = &resolved.upstream.cluster;
            prop_assert!(index.network.clusters.iter().any(|known| known.name == *cluster));
            prop_assert!(index.network.routes.iter().any(|known| known.host == resolved.host));
        }
    }
}

use super::{Manifests, PLATFORM, SERVER, registration};
use crate::index::{Index, Registration, Settings};
use crate::object::ObjectName;
use crate::verdict::Reason;

const ONE: &str = "  - {name: gw, namespace: infra}\n";
const OTHER: &str = "  - {name: two, namespace: infra}\n";

/// A server whose route names these parents.
fn reaching(server: &str, parents: &str) -> String {
    SERVER.replace("NAME", server).replace(ONE, parents)
}

/// Gateways `gw` and `two`.
fn gateways() -> Manifests {
    let two = PLATFORM
        .replace("gw", "two")
        .replace("mcp.example.com", "two.example.com");
    Manifests::platform().with(&two)
}

/// Server `a` reaches both, `b` the second alone, `c` none that there is.
fn two_gateways() -> Manifests {
    gateways()
        .with(&reaching("a", &[ONE, OTHER].concat()))
        .with(&reaching("b", OTHER))
        .with(&reaching("c", "  - {name: none, namespace: infra}\n"))
}

fn index(manifests: &Manifests, gateway: &str) -> Index {
    let gateway = ObjectName {
        namespace: "infra".to_owned(),
        name: gateway.to_owned(),
    };
    let settings = Settings {
        gateway: Some(gateway),
        ..super::settings()
    };
    manifests.index_by(&settings)
}

fn names(index: &Index, counts: impl Fn(&Registration) -> bool) -> Vec<&str> {
    let registrations = index.registrations.iter();
    registrations
        .filter(|registration| counts(registration))
        .map(|registration| registration.name.name.as_str())
        .collect()
}

fn all(index: &Index) -> Vec<&str> {
    names(index, |_| true)
}

fn served(index: &Index) -> Vec<&str> {
    names(index, |registration| registration.outcome.is_ok())
}

fn reason(index: &Index, name: &str) -> Reason {
    let outcome = &registration(index, name).outcome;
    outcome.as_ref().unwrap_err().reason
}

#[test]
fn a_gateway_serves_what_reaches_it_and_nothing_else() {
    let manifests = two_gateways();
    let (one, two) = (index(&manifests, "gw"), index(&manifests, "two"));
    assert_eq!(served(&one), ["a"]);
    assert_eq!(served(&two), ["a", "b"]);
    for index in [&one, &two] {
        assert_eq!(index.gateways.len(), 1);
        assert_eq!(all(index), served(index), "c reaches neither");
    }
    assert!(!one.internal_hosts.contains(&"b.mcp.local".to_owned()));
    assert!(two.internal_hosts.contains(&"b.mcp.local".to_owned()));
}

#[test]
fn a_gateway_has_the_hosts_of_its_own_extensions() {
    let manifests = two_gateways();
    for (gateway, own, other) in [
        ("gw", "mcp.example.com", "two.example.com"),
        ("two", "two.example.com", "mcp.example.com"),
    ] {
        let hosts = &index(&manifests, gateway).endpoints[0].hosts;
        let has = |host: &str| hosts.contains(&host.to_owned());
        assert!(has(own) && !has(other), "{hosts:?}");
    }
}

#[test]
fn a_server_has_the_hostname_that_the_gateway_takes() {
    let platform = |name: &str| {
        let text = PLATFORM.replace("mcp.example.com", &format!("{name}.example.com"));
        let text = text.replace("*.mcp.local", &format!("*.{name}.local"));
        text.replace("{name: gw,", &format!("{{name: {name},"))
    };
    let server = reaching("a", &[ONE, OTHER].concat());
    let server = server.replace("[a.mcp.local]", "[a.gw.local, a.two.local]");
    let manifests = Manifests(platform("gw"))
        .with(&platform("two"))
        .with(&server);
    for (gateway, host) in [("gw", "a.gw.local"), ("two", "a.two.local")] {
        let index = index(&manifests, gateway);
        let resolved = registration(&index, "a").outcome.clone().unwrap();
        assert_eq!(resolved.host, host);
        assert_eq!(resolved.upstream.authority, host);
        let hosts: Vec<_> = index.network.routes.iter().map(|r| &r.host).collect();
        assert_eq!(hosts, [host]);
    }
    assert_eq!(manifests.resolved().host, "a.gw.local");
}

#[test]
fn a_gateway_has_what_is_attached_to_it_and_fails() {
    let manifests = gateways()
        .with(&reaching("a", ONE))
        .with(&reaching("b", ONE).replace("prefix: b_", "prefix: a_"))
        .with(&reaching("c", ONE).replace("prefix: c_", "state: Disabled"))
        .with(&reaching("d", ONE).replace("prefix: d_", "credentialRef: {name: none}"))
        .with(&reaching("e", ONE).replace("port: 80}]\n---", "port: 81}]\n---"))
        .with(&reaching("f", ONE).replace("prefix: f_", "path: mcp"));
    let one = index(&manifests, "gw");
    assert_eq!(all(&one), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(served(&one), ["a"]);
    let expected = [
        ("b", Reason::PrefixConflict),
        ("c", Reason::Disabled),
        ("d", Reason::CredentialNotFound),
        ("e", Reason::TargetNotFound),
        ("f", Reason::Invalid),
    ];
    for (name, expected) in expected {
        assert_eq!(reason(&one, name), expected, "{name}");
    }
    assert!(all(&index(&manifests, "two")).is_empty());
}

#[test]
fn a_gateway_without_extension_has_its_registrations_with_the_reason() {
    let manifests = two_gateways().edit(
        "targetRef: {name: two, sectionName: mcp}",
        "targetRef: {name: absent, sectionName: mcp}",
    );
    let two = index(&manifests, "two");
    assert_eq!(all(&two), ["a", "b"]);
    assert_eq!(reason(&two, "a"), Reason::NoGatewayExtension);
    assert!(two.gateways.is_empty());
    assert_eq!(served(&index(&manifests, "gw")), ["a"]);
}

#[test]
fn what_is_attached_nowhere_is_told_where_all_gateways_count() {
    let manifests = two_gateways()
        .with(&reaching("d", ONE).replace("targetRef: {name: d}", "targetRef: {name: x}"));
    let index = manifests.index();
    assert_eq!(reason(&index, "c"), Reason::NotAttached);
    assert_eq!(reason(&index, "d"), Reason::TargetNotFound);
    let attached = names(&index, |r| !r.gateways.is_empty());
    assert_eq!(attached, ["a", "b"]);
}

#[test]
fn one_prefix_on_two_gateways_is_no_conflict() {
    let apart = Manifests::platform()
        .with(&PLATFORM.replace("gw", "two"))
        .with(&super::SERVER.replace("NAME", "a"))
        .with(
            &super::SERVER
                .replace("prefix: NAME_", "prefix: a_")
                .replace("NAME", "b")
                .replace("name: gw", "name: two"),
        );
    assert_eq!(served(&index(&apart, "gw")), ["a"]);
    assert_eq!(served(&index(&apart, "two")), ["b"]);
}

#[test]
fn without_a_choice_all_gateways_count() {
    let index = two_gateways().index();
    assert_eq!(served(&index), ["a", "b"]);
    let names: Vec<_> = index
        .gateways
        .iter()
        .map(|name| name.name.as_str())
        .collect();
    assert_eq!(names, ["gw", "two"]);
}

#[test]
fn a_prefix_that_is_taken_on_one_gateway_is_free_on_the_other() {
    let both = reaching("b", &[ONE, OTHER].concat()).replace("prefix: b_", "prefix: a_");
    let manifests = gateways().with(&reaching("a", ONE)).with(&both);
    assert_eq!(
        reason(&index(&manifests, "gw"), "b"),
        Reason::PrefixConflict
    );
    assert_eq!(served(&index(&manifests, "two")), ["b"]);
}

#[test]
fn a_name_that_is_taken_on_one_gateway_is_free_on_the_other() {
    let older = "
apiVersion: mcp.kagenti.com/v1alpha1
kind: MCPServer
metadata: {name: a, namespace: team}
spec: {targetRef: {name: b}}
";
    let beside = |parents: &str| {
        let route = reaching("b", parents).replace(
            "{name: b, namespace: team}\nspec:\n  prefix: b_",
            "{name: z, namespace: team}\nspec:\n  state: Disabled",
        );
        gateways()
            .with(&reaching("a", ONE))
            .with(older)
            .with(&route)
    };
    let apart = beside(OTHER);
    assert_eq!(served(&index(&apart, "gw")), ["a"]);
    assert_eq!(served(&index(&apart, "two")), ["a"]);
    let together = index(&beside(ONE), "gw");
    assert_eq!(served(&together), ["a"]);
    assert_eq!(all(&together), ["a", "a", "z"]);
}

#[test]
fn a_gateway_has_its_own_extensions_and_policies() {
    let policy = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: two, namespace: infra}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: two}}
";
    let manifests = two_gateways().with(policy);
    for (gateway, denied) in [("gw", false), ("two", true)] {
        let index = index(&manifests, gateway);
        let extensions: Vec<_> = index.extensions.iter().map(|e| &e.name.name).collect();
        assert_eq!(extensions, [gateway]);
        let resolved = registration(&index, "a").outcome.clone().unwrap();
        assert_eq!(resolved.denied.is_some(), denied, "{gateway}");
    }
}

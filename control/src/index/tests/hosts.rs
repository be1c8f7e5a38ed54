use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Manifests, refused};
use crate::index::{Settings, build};
use crate::verdict::Reason::TargetUnsupported;

const EXTENSION_TARGET: &str = "targetRef: {name: gw, sectionName: mcp}";

fn public(manifests: &Manifests) -> Vec<String> {
    let [endpoint] = manifests.index().endpoints.try_into().unwrap();
    assert_eq!(endpoint.path, "/mcp");
    endpoint.hosts
}

fn public_host(host: &str) -> Manifests {
    Manifests::one_server().edit(
        EXTENSION_TARGET,
        &format!("{EXTENSION_TARGET}\n  publicHost: {host}"),
    )
}

fn local(listen: &str) -> Settings {
    let listen: SocketAddr = listen.parse().unwrap();
    Settings::local(listen, BTreeMap::new())
}

#[test]
fn local_mode_is_reached_at_its_listen_address_and_by_loopback() {
    let cases = [
        ("127.0.0.1:8001", &["127.0.0.1"][..]),
        ("127.0.0.2:8001", &["127.0.0.2", "127.0.0.1"]),
        ("192.168.1.5:80", &["192.168.1.5", "127.0.0.1"]),
        ("0.0.0.0:8001", &["0.0.0.0", "127.0.0.1"]),
        ("[::1]:8001", &["::1", "127.0.0.1"]),
        ("[::]:8001", &["::", "127.0.0.1", "::1"]),
        ("[2001:db8::1]:8001", &["2001:db8::1", "127.0.0.1"]),
    ];
    for (listen, hosts) in cases {
        let settings = local(listen);
        assert_eq!(settings.listen_hosts, hosts, "{listen}");
        assert_eq!(
            settings.default_hosts,
            ["localhost", "mcp.127-0-0-1.sslip.io"]
        );
    }
}

#[test]
fn every_listen_address_is_a_host_that_the_filter_takes() {
    for listen in [
        "127.0.0.1:1",
        "0.0.0.0:1",
        "[::1]:1",
        "[::]:1",
        "[2001:db8::1]:1",
    ] {
        let index = build(&Manifests::one_server().objects(), &local(listen));
        let rendered = crate::render::render(&index, &BTreeMap::new(), &Default::default());
        assert!(rendered.is_ok(), "{listen}: {rendered:?}");
    }
}

#[test]
fn without_objects_the_hosts_of_the_guide_are_public() {
    let index = build([], &super::settings());
    assert_eq!(
        index.endpoints[0].hosts,
        ["127.0.0.1", "localhost", "mcp.127-0-0-1.sslip.io"]
    );
    assert!(build([], &Settings::default()).endpoints.is_empty());
}

#[test]
fn the_listeners_hostname_is_public_beside_the_hosts_of_the_guide() {
    let expected = [
        "127.0.0.1",
        "mcp.example.com",
        "localhost",
        "mcp.127-0-0-1.sslip.io",
    ];
    assert_eq!(public(&Manifests::one_server()), expected);
}

#[test]
fn a_wildcard_listener_is_reached_at_mcp() {
    let wildcard =
        Manifests::one_server().edit("hostname: mcp.example.com", "hostname: '*.example.com'");
    assert_eq!(public(&wildcard)[1], "mcp.example.com");
    let none = Manifests::one_server().edit("hostname: mcp.example.com, ", "");
    assert_eq!(
        public(&none),
        ["127.0.0.1", "localhost", "mcp.127-0-0-1.sslip.io"]
    );
}

#[test]
fn a_public_host_stands_in_place_of_all_but_the_listen_address() {
    assert_eq!(
        public(&public_host("mcp.acme.com")),
        ["127.0.0.1", "mcp.acme.com"]
    );
    assert_eq!(public(&public_host("10.0.0.1")), ["127.0.0.1", "10.0.0.1"]);
    assert_eq!(public(&public_host("'0:0::1'")), ["127.0.0.1", "::1"]);
    assert_eq!(public(&public_host("127.0.0.1")), ["127.0.0.1"]);
}

#[test]
fn a_public_host_that_no_client_could_ask_for_is_refused_and_the_rest_serves() {
    for host in [
        "MCP.acme.com",
        "https://acme.com",
        "acme.com:8080",
        "'*.acme.com'",
        "''",
        "a.1",
    ] {
        let manifests = public_host(host);
        let told = format!(
            "refused MCPGatewayExtension infra/gw: Invalid: spec.publicHost {:?} must be a host name in lower case, \
             without scheme and port",
            host.trim_matches('\'')
        );
        assert_eq!(manifests.notices(), [told]);
        assert_eq!(
            public(&manifests),
            ["127.0.0.1", "localhost", "mcp.127-0-0-1.sslip.io"]
        );
    }
}

#[test]
fn a_listeners_hostname_that_is_none_is_told_and_takes_nothing_down() {
    let odd =
        Manifests::one_server().edit("hostname: mcp.example.com", "hostname: MCP.example.com");
    let told = "refused MCPGatewayExtension infra/gw: Invalid: hostname \"MCP.example.com\" of listener mcp of Gateway \
                infra/gw is no host name in lower case: correct it, or give spec.publicHost";
    assert_eq!(odd.notices(), [told]);
    assert_eq!(
        public(&odd),
        ["127.0.0.1", "localhost", "mcp.127-0-0-1.sslip.io"]
    );
    let named = odd.edit(
        EXTENSION_TARGET,
        &format!("{EXTENSION_TARGET}\n  publicHost: mcp.acme.com"),
    );
    assert_eq!(public(&named), ["127.0.0.1", "mcp.acme.com"]);
}

#[test]
fn hosts_of_routes_and_what_they_are_rewritten_to_are_closed_to_clients() {
    let rewriting = Manifests::one_server().edit(
        "  - backendRefs",
        "  - filters: [{type: URLRewrite, urlRewrite: {hostname: up.example}}]\n    backendRefs",
    );
    let two = rewriting.edit(
        "hostnames: [a.mcp.local]",
        "hostnames: ['*.mcp.local', a.mcp.local]",
    );
    assert_eq!(
        two.index().internal_hosts,
        ["*.mcp.local", "a.example", "a.mcp.local", "up.example"]
    );
}

#[test]
fn names_of_services_are_closed_to_clients_and_public_hosts_never() {
    const BACKEND: &str = "{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}";
    let service = Manifests::one_server()
        .edit(BACKEND, "{name: up, port: 80}")
        .with("apiVersion: v1\nkind: Service\nmetadata: {name: up, namespace: team}\nspec: {type: ExternalName, externalName: x.example}\n");
    assert_eq!(
        service.index().internal_hosts,
        ["a.mcp.local", "up.team.svc.cluster.local", "x.example"]
    );
    let shared = Manifests::one_server().edit("hostname: mcp.example.com", "hostname: a.example");
    assert!(public(&shared).contains(&"a.example".to_owned()));
    assert_eq!(shared.index().internal_hosts, ["a.mcp.local"]);
}

#[test]
fn hosts_of_registrations_that_are_not_served_are_closed_too() {
    let disabled = Manifests::one_server().edit("prefix: a_", "prefix: a_\n  state: Disabled");
    assert_eq!(
        disabled.index().internal_hosts,
        ["a.example", "a.mcp.local"]
    );
    let refused = Manifests::one_server().edit("port: 80}]", "port: 81}]");
    assert_eq!(refused.index().internal_hosts, ["a.example", "a.mcp.local"]);
}

#[test]
fn routes_that_no_registration_leads_to_stay_out() {
    let bare = Manifests::one_server().edit("targetRef: {name: a}", "targetRef: {name: b}");
    let index = bare.index();
    assert!(index.internal_hosts.is_empty());
    assert!(index.network.routes.is_empty());
}

#[test]
fn a_route_must_not_have_the_public_host() {
    let public = Manifests::one_server()
        .edit("hostname: mcp.example.com", "hostname: '*.mcp.local'")
        .edit("hostnames: [a.mcp.local]", "hostnames: [mcp.mcp.local]");
    let message = "HTTPRoute team/a has hostname mcp.mcp.local, where clients connect: give it one of its own, such as \
                   name.mcp.local";
    assert_eq!(public.fault(), refused(TargetUnsupported, message));
    let index = public.index();
    assert_eq!(index.internal_hosts, ["a.example"]);
    assert!(index.network.routes.is_empty());
    assert!(index.network.clusters.is_empty());
}

#[test]
fn a_wildcard_route_over_the_public_host_leaves_that_open() {
    let wildcard = Manifests::one_server()
        .edit("hostname: mcp.example.com", "hostname: mcp.mcp.local")
        .edit(
            "hostnames: [a.mcp.local]",
            "hostnames: ['*.mcp.local', a.mcp.local]",
        );
    let index = wildcard.index();
    assert!(index.registrations[0].outcome.is_ok());
    let rendered = crate::render::render(&index, &BTreeMap::new(), &Default::default());
    assert!(rendered.is_ok(), "{rendered:?}");
}

use super::Manifests;
use crate::index::{GatewayAddress, Settings};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const TARGET: &str = "targetRef: {name: gw, sectionName: mcp}";
const PUBLIC: &str = "{name: mcp, hostname: mcp.example.com, port: 8080, protocol: HTTP}";
const SECOND: &str = "
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: second, namespace: infra}
spec:
  targetRef: {name: gw, sectionName: internal}
";

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    }
}

fn private_host(host: &str) -> Manifests {
    Manifests::platform().edit(TARGET, &format!("{TARGET}\n  privateHost: {host}"))
}

/// With an address in the Gateway's status.
fn with_status(value: &str) -> Manifests {
    Manifests::platform().edit(
        "{namespaces: {from: All}}}\n",
        &format!("{{namespaces: {{from: All}}}}}}\nstatus: {{addresses: [{{value: {value}}}, {{value: b}}]}}\n"),
    )
}

fn outcome(manifests: &Manifests, settings: &Settings) -> Result<GatewayAddress, Fault> {
    let mut addresses = manifests.index_by(settings).addresses;
    addresses.remove(&gateway()).unwrap()
}

/// The authority, with `https://` where TLS is spoken.
fn reached(manifests: &Manifests) -> String {
    let address = outcome(manifests, &Settings::cluster(None)).unwrap();
    let scheme = if address.tls { "https://" } else { "" };
    format!("{scheme}{}", address.authority)
}

#[test]
fn a_gateway_is_reached_at_the_service_that_istio_makes_for_it() {
    let expected = "gw-istio.infra.svc.cluster.local:8080";
    assert_eq!(reached(&Manifests::platform()), expected);
}

#[test]
fn the_first_address_of_its_status_comes_before_that() {
    for (value, expected) in [
        ("10.0.0.1", "10.0.0.1:8080"),
        ("lb.example.com", "lb.example.com:8080"),
        ("'fd00::1'", "[fd00::1]:8080"),
        ("''", "gw-istio.infra.svc.cluster.local:8080"),
    ] {
        assert_eq!(reached(&with_status(value)), expected);
    }
}

#[test]
fn the_private_host_of_its_extension_comes_before_both() {
    for (host, expected) in [
        ("gw.infra", "gw.infra:8080"),
        ("gw.infra:9", "gw.infra:9"),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("10.0.0.1", "10.0.0.1:8080"),
        ("'fd00::1'", "[fd00::1]:8080"),
        ("'[fd00::1]'", "[fd00::1]:8080"),
        ("'[fd00::1]:9'", "[fd00::1]:9"),
    ] {
        assert_eq!(reached(&private_host(host)), expected);
    }
}

#[test]
fn what_the_settings_say_comes_before_all() {
    let settings = |address: &str| Settings {
        gateway_addresses: [(gateway(), address.to_owned())].into(),
        ..Settings::cluster(None)
    };
    let manifests = private_host("gw.infra");
    let address = outcome(&manifests, &settings("127.0.0.1:7")).unwrap();
    assert_eq!(address.authority, "127.0.0.1:7");
    let fault = outcome(&manifests, &settings("http://a")).unwrap_err();
    assert_eq!(fault.reason, Reason::GatewayUnreachable);
    let expected = "the address \"http://a\" for Gateway infra/gw must be a host name in lower case or an IP address";
    assert!(fault.message.starts_with(expected), "{}", fault.message);
}

#[test]
fn tls_is_spoken_where_a_listener_of_https_has_the_port() {
    let https = PUBLIC.replace("8080", "443").replace("HTTP", "HTTPS");
    let service = "gw-istio.infra.svc.cluster.local";
    let manifests = Manifests::platform().edit(PUBLIC, &https);
    assert_eq!(reached(&manifests), format!("https://{service}:443"));
    for (host, expected) in [
        ("a", "https://a:443"),
        ("a:443", "https://a:443"),
        ("a:8080", "a:8080"),
        ("a:9", "a:9"),
    ] {
        let manifests = private_host(host).edit(PUBLIC, &https);
        assert_eq!(reached(&manifests), expected);
    }
}

#[test]
fn of_several_extensions_that_of_a_listener_without_tls_counts() {
    let https = PUBLIC.replace("8080", "443").replace("HTTP", "HTTPS");
    let two = Manifests::platform().edit(PUBLIC, &https).with(SECOND);
    assert_eq!(reached(&two), "gw-istio.infra.svc.cluster.local:8080");
    let named = private_host("a").edit(PUBLIC, &https).with(SECOND);
    assert_eq!(
        reached(&named),
        "https://a:443",
        "whoever names a host is heard"
    );
}

#[test]
fn a_private_host_that_is_none_is_told_and_its_gateway_does_not_serve() {
    for host in [
        "http://a",
        "A.b",
        "a:0",
        "a:+80",
        "a:99999",
        "a:",
        "",
        "::1:80:",
        "127.0.0.1:0",
    ] {
        let index = private_host(&format!("'{host}'")).index_by(&Settings::cluster(None));
        assert!(
            index.gateways.is_empty() && index.addresses.is_empty(),
            "{host}"
        );
        let fault = index.extensions[0].outcome.clone().unwrap_err();
        assert_eq!(fault.reason, Reason::Invalid);
        let expected = format!("spec.privateHost {:?} must be a host name", host);
        assert!(fault.message.starts_with(&expected), "{}", fault.message);
    }
}

#[test]
fn a_private_host_has_an_effect_in_a_cluster_alone() {
    let manifests = private_host("a");
    let there = manifests.index_by(&Settings::cluster(None));
    assert_eq!(there.extensions[0].outcome, Ok(gateway()));
    assert!(there.extensions[0].unsupported.is_empty() && there.notices.is_empty());
    let here = manifests.index();
    assert_eq!(here.extensions[0].unsupported, ["spec.privateHost"]);
    assert!(here.addresses.is_empty());
}

use super::{Manifests, refused};
use crate::network::Address;
use crate::verdict::Reason::{TargetNotFound, TargetUnsupported};

const SPEC: &str =
    "  resolution: STATIC\n  endpoints: [{address: 127.0.0.1, ports: {http: 9000}}]\n";

/// With resolution and endpoints as given.
fn entry(rest: &str) -> Manifests {
    Manifests::one_server().edit(SPEC, rest)
}

fn addresses(manifests: &Manifests) -> Vec<String> {
    let one = |address: &Address| format!("{} {}", address.host, address.port);
    manifests.cluster().addresses.iter().map(one).collect()
}

#[test]
fn static_endpoints_are_addresses_with_their_own_ports() {
    let manifests = entry(
        "  resolution: STATIC
  endpoints:
  - {address: 10.0.0.1}
  - {address: 10.0.0.2, ports: {http: 9000}}
  - {address: '::1', ports: {other: 9000}}
",
    );
    assert_eq!(
        addresses(&manifests),
        ["10.0.0.1 80", "10.0.0.2 9000", "::1 80"]
    );
    let cluster = manifests.cluster();
    assert_eq!(cluster.name, "outbound|80||a.example");
    assert!(!cluster.dns);
    assert_eq!(cluster.tls, None);
}

#[test]
fn a_target_port_counts_where_an_endpoint_has_none() {
    let port = "{number: 80, name: http, protocol: HTTP}";
    let manifests =
        entry("  resolution: DNS\n").edit(port, &port.replace('}', ", targetPort: 8000}"));
    assert_eq!(addresses(&manifests), ["a.example 8000"]);
    assert_eq!(manifests.cluster().name, "outbound|80||a.example");
}

#[test]
fn dns_asks_for_the_host_itself_unless_there_are_endpoints() {
    for resolution in ["DNS", "DNS_ROUND_ROBIN"] {
        let manifests = entry(&format!("  resolution: {resolution}\n"));
        assert_eq!(addresses(&manifests), ["a.example 80"]);
        assert!(manifests.cluster().dns);
    }
    let named =
        entry("  resolution: DNS\n  endpoints: [{address: b.example, ports: {http: 9000}}]\n");
    assert_eq!(addresses(&named), ["b.example 9000"]);
    assert!(named.cluster().dns);
    let address = entry("  resolution: DNS\n  endpoints: [{address: 127.0.0.1}]\n");
    assert!(!address.cluster().dns);
}

#[test]
fn an_entry_that_leads_nowhere_is_refused() {
    let cases = [
        (
            "",
            "resolution NONE leads nowhere for a route: use STATIC with endpoints, or DNS",
        ),
        (
            "  resolution: NONE\n",
            "resolution NONE leads nowhere for a route: use STATIC with endpoints, or DNS",
        ),
        (
            "  resolution: STATIC\n",
            "resolution STATIC needs endpoints",
        ),
        (
            "  resolution: STATIC\n  endpoints: [{address: b.example}]\n",
            "endpoint \"b.example\" is not an IP address (for names, use resolution DNS)",
        ),
        (
            "  resolution: STATIC\n  endpoints: [{address: 'unix:///a'}]\n",
            "endpoint \"unix:///a\" is not an IP address (for names, use resolution DNS)",
        ),
        (
            "  resolution: DNS\n  endpoints: [{address: ''}]\n",
            "endpoint \"\" is neither an IP address nor a host name",
        ),
    ];
    for (rest, message) in cases {
        let message = format!("ServiceEntry team/a: {message}");
        assert_eq!(entry(rest).fault(), refused(TargetUnsupported, &message));
    }
}

#[test]
fn host_and_port_must_be_those_of_an_entry() {
    let other = Manifests::one_server().edit("hosts: [a.example]", "hosts: [b.example]");
    let message = "no ServiceEntry has host a.example: add one";
    assert_eq!(other.fault(), refused(TargetNotFound, message));
    let other = Manifests::one_server().edit(
        "ports: [{number: 80,",
        "ports: [{number: 81, name: b}, {number: 82,",
    );
    let message = "ServiceEntry team/a has no port 80; it has 81, 82";
    assert_eq!(other.fault(), refused(TargetNotFound, message));
}

#[test]
fn an_entry_of_another_namespace_is_found_by_its_host() {
    let away = Manifests::one_server().edit(
        "kind: ServiceEntry\nmetadata: {name: a, namespace: team}",
        "kind: ServiceEntry\nmetadata: {name: x, namespace: away}",
    );
    assert_eq!(addresses(&away), ["127.0.0.1 9000"]);
}

#[test]
fn where_two_entries_have_the_host_the_first_that_has_the_port_counts() {
    let first = "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: aaa}
spec:
  hosts: [a.example]
  ports: [{number: PORT, name: http}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
";
    let both = |port: &str| Manifests::one_server().with(&first.replace("PORT", port));
    assert_eq!(addresses(&both("80")), ["10.0.0.1 80"]);
    assert_eq!(addresses(&both("81")), ["127.0.0.1 9000"]);
}

#[test]
fn a_port_of_https_needs_a_destination_rule_with_tls() {
    for protocol in ["HTTPS", "TLS", "https"] {
        let secure = Manifests::one_server().edit(
            "protocol: HTTP}]\n  res",
            &format!("protocol: {protocol}}}]\n  res"),
        );
        let message = "port 80 of a.example speaks TLS, but no DestinationRule for that host in namespace team asks \
                       for it: add one with trafficPolicy.tls.mode SIMPLE";
        assert_eq!(secure.fault(), refused(TargetUnsupported, message));
    }
}

#[test]
fn a_port_may_say_that_http_2_is_spoken() {
    for (protocol, expected) in [("HTTP2", true), ("GRPC", true), ("HTTP", false)] {
        let manifests = Manifests::one_server().edit(
            "protocol: HTTP}]\n  res",
            &format!("protocol: {protocol}}}]\n  res"),
        );
        assert_eq!(manifests.cluster().http2, expected, "{protocol}");
    }
}

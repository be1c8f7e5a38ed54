use super::{Manifests, refused};
use crate::network::Address;
use crate::verdict::Reason::{TargetNotFound, TargetUnsupported};

/// Leads to port 80 of a Service.
fn leading_to(service: &str) -> Manifests {
    let backend = "{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}";
    Manifests::one_server()
        .edit(backend, "{name: svc, port: 80}")
        .with(service)
}

fn addresses(manifests: &Manifests) -> Vec<String> {
    let one = |address: &Address| format!("{} {}", address.host, address.port);
    manifests.cluster().addresses.iter().map(one).collect()
}

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: team}
spec:
  ports: [{name: web, port: 80, targetPort: 9000}, {name: other, port: 81}]
";

const SLICE: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: svc-1, namespace: team, labels: {kubernetes.io/service-name: svc}}
addressType: IPv4
ports: [{name: other, port: 1}, {name: web, port: 9000}]
endpoints:
- {addresses: [10.0.0.2, 10.0.0.1]}
- {addresses: [10.0.0.3], conditions: {ready: false}}
- {addresses: [10.0.0.4], conditions: {ready: true}}
";

const NO_ENDPOINT: &str = "Service team/svc has no ready endpoint for port 80: add an EndpointSlice in namespace team \
                           with label kubernetes.io/service-name: svc and a port named \"web\"";

#[test]
fn a_service_leads_to_the_ready_endpoints_of_its_slices() {
    let manifests = leading_to(SERVICE).with(SLICE);
    assert_eq!(
        addresses(&manifests),
        ["10.0.0.1 9000", "10.0.0.2 9000", "10.0.0.4 9000"]
    );
    let cluster = manifests.cluster();
    assert_eq!(cluster.name, "outbound|80||svc.team.svc.cluster.local");
    assert!(!cluster.dns);
    assert_eq!(manifests.resolved().upstream.authority, "a.mcp.local");
}

#[test]
fn several_slices_are_joined() {
    let second = SLICE
        .replace("svc-1", "svc-2")
        .replace("{name: web, port: 9000}", "{name: web, port: 9001}")
        .replace("10.0.0", "10.0.1");
    let manifests = leading_to(SERVICE).with(SLICE).with(&second);
    assert_eq!(addresses(&manifests).len(), 6);
    assert!(addresses(&manifests).contains(&"10.0.1.1 9001".to_owned()));
}

#[test]
fn slices_of_others_do_not_count() {
    for (from, to) in [
        ("service-name: svc", "service-name: b"),
        ("svc-1, namespace: team", "svc-1, namespace: away"),
        ("{name: web, port: 9000}", "{name: web2, port: 9000}"),
    ] {
        let manifests = leading_to(SERVICE).with(SLICE).edit(from, to);
        assert_eq!(
            manifests.fault(),
            refused(TargetNotFound, NO_ENDPOINT),
            "{to}"
        );
    }
}

#[test]
fn a_service_without_ready_endpoints_is_refused() {
    assert_eq!(
        leading_to(SERVICE).fault(),
        refused(TargetNotFound, NO_ENDPOINT)
    );
}

#[test]
fn unnamed_ports_are_one_another_s() {
    let manifests = leading_to(SERVICE)
        .with(SLICE)
        .edit("{name: web, port: 80, ", "{port: 80, ")
        .edit("{name: web, port: 9000}", "{port: 9000}");
    assert_eq!(addresses(&manifests).len(), 3);
}

#[test]
fn service_and_port_must_exist() {
    let none = leading_to("");
    let message = "Service team/svc, to which HTTPRoute team/a leads, does not exist: create it, or correct \
                   the backendRef";
    assert_eq!(none.fault(), refused(TargetNotFound, message));
    let other = leading_to(SERVICE).edit("port: 80, targetPort", "port: 8080, targetPort");
    let message = "Service team/svc has no port 80; it has 8080, 81";
    assert_eq!(other.fault(), refused(TargetNotFound, message));
}

#[test]
fn a_port_of_https_needs_a_destination_rule_with_tls() {
    let port = "{name: web, port: 80, targetPort: 9000}";
    for secure in [
        "{name: web, appProtocol: https, port: 80}",
        "{name: web, appProtocol: HTTPS, port: 80}",
    ] {
        let manifests = leading_to(SERVICE).with(SLICE).edit(port, secure);
        assert_eq!(manifests.fault().0, TargetUnsupported, "{secure}");
    }
    let by_name = leading_to(SERVICE)
        .with(SLICE)
        .edit(port, "{name: https-web, port: 80}")
        .edit("{name: web, port: 9000}", "{name: https-web, port: 9000}");
    assert_eq!(by_name.fault().0, TargetUnsupported);
    let rule = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc, namespace: team}
spec:
  host: svc
  trafficPolicy: {tls: {mode: SIMPLE}}
";
    let tls = by_name.with(rule).cluster().tls.unwrap();
    assert_eq!(tls.sni, "svc.team.svc.cluster.local");
}

#[test]
fn a_port_may_say_that_http_2_is_spoken() {
    let port = "{name: web, port: 80, targetPort: 9000}";
    let plain = leading_to(SERVICE).with(SLICE);
    assert!(!plain.cluster().http2);
    let h2c = plain.edit(
        port,
        "{name: web, appProtocol: kubernetes.io/h2c, port: 80}",
    );
    assert!(h2c.cluster().http2);
}

const EXTERNAL: &str = "
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: team}
spec: {type: ExternalName, externalName: b.example, ports: [{port: 80, targetPort: 9000}]}
";

#[test]
fn an_external_name_is_asked_of_dns() {
    let manifests = leading_to(EXTERNAL);
    assert_eq!(addresses(&manifests), ["b.example 9000"]);
    assert_eq!(manifests.cluster().name, "outbound|80||b.example");
    assert!(manifests.cluster().dns);
    let without_ports = manifests.edit(", ports: [{port: 80, targetPort: 9000}]", "");
    assert_eq!(addresses(&without_ports), ["b.example 80"]);
}

#[test]
fn an_external_name_that_a_service_entry_has_leads_where_that_says() {
    let manifests = leading_to(EXTERNAL).edit("externalName: b.example", "externalName: a.example");
    assert_eq!(addresses(&manifests), ["127.0.0.1 9000"]);
    assert!(!manifests.cluster().dns);
}

#[test]
fn an_external_name_may_be_an_address() {
    let manifests = leading_to(EXTERNAL).edit("externalName: b.example", "externalName: 127.0.0.1");
    assert_eq!(addresses(&manifests), ["127.0.0.1 9000"]);
    assert!(!manifests.cluster().dns);
}

#[test]
fn an_external_name_must_be_a_host() {
    for name in ["", "b.example:80", "B.example", "https://b.example"] {
        let manifests = leading_to(EXTERNAL).edit(
            "externalName: b.example",
            &format!("externalName: {name:?}"),
        );
        let message = format!(
            "Service team/svc: spec.externalName {name:?} must be a host name in lower case, without port"
        );
        assert_eq!(manifests.fault(), refused(TargetUnsupported, &message));
    }
}

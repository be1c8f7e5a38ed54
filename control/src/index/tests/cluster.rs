mod secrets;

use super::{Manifests, SERVER, registration};
use crate::index::{Index, Settings};
use crate::object::ObjectName;
use crate::verdict::Reason;

/// A route's status, to be completed.
const STATUS: &str = "status:
  parents:
  - controllerName: istio.io/gateway-controller
    parentRef: {PARENT}
    conditions:
    - {type: Accepted, status: 'VALUE', reason: Reason, message: so it is, lastTransitionTime: '2026-01-01T00:00:00Z'}
";
const PARENT: &str = "group: gateway.networking.k8s.io, kind: Gateway, name: gw, namespace: infra";
const BACKEND: &str = "{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}";
const SPEC: &str =
    "  resolution: STATIC\n  endpoints: [{address: 127.0.0.1, ports: {http: 9000}}]\n";
const INTERNAL: &str = "{name: internal, hostname: '*.mcp.local', port: 8080, protocol: HTTP,";
const EXTENSION: &str = "targetRef: {name: gw, sectionName: mcp}";

fn status(parent: &str, value: &str) -> String {
    STATUS.replace("PARENT", parent).replace("VALUE", value)
}

/// Server `a`, with this status of its route.
fn with_status(status: &str) -> Manifests {
    Manifests::one_server().edit("port: 80}]\n---", &format!("port: 80}}]\n{status}---"))
}

/// Server `a`, whose route is accepted.
fn accepted() -> Manifests {
    with_status(&status(PARENT, "True"))
}

fn index(manifests: &Manifests) -> Index {
    manifests.index_by(&Settings::cluster(None))
}

fn fault(manifests: &Manifests) -> (Reason, String) {
    let fault = registration(&index(manifests), "a").outcome.clone();
    let fault = fault.unwrap_err();
    (fault.reason, fault.message)
}

/// The cluster of server `a`, which has nothing but a name.
fn cluster(manifests: &Manifests) -> String {
    let index = index(manifests);
    let resolved = registration(&index, "a").outcome.clone().unwrap();
    let [cluster] = index.network.clusters.as_slice() else {
        panic!("one cluster is expected");
    };
    assert_eq!(cluster.name, resolved.upstream.cluster);
    assert!(cluster.addresses.is_empty() && cluster.tls.is_none());
    cluster.name.clone()
}

/// Server `a`, whose route leads to port 80 of Service `svc`.
fn leading_to(service: &str) -> Manifests {
    accepted()
        .edit(BACKEND, "{name: svc, port: 80}")
        .with(service)
}

#[test]
fn nothing_of_this_machine_is_public() {
    let index = index(&accepted());
    assert_eq!(index.endpoints[0].hosts, ["mcp.example.com"]);
    let bare = Manifests::platform().edit(EXTENSION, "targetRef: {name: x, sectionName: mcp}");
    assert!(self::index(&bare).endpoints.is_empty());
    assert!(Settings::cluster(None).variables.is_empty());
}

#[test]
fn a_route_is_attached_where_a_controller_has_accepted_it() {
    for parent in [
        PARENT,
        "name: gw, namespace: infra",
        "group: gateway.networking.k8s.io, name: gw, namespace: infra",
    ] {
        let index = index(&with_status(&status(parent, "True")));
        assert!(registration(&index, "a").outcome.is_ok(), "{parent}");
    }
}

#[test]
fn a_route_that_nobody_has_accepted_is_attached_nowhere() {
    let message = "HTTPRoute team/a is attached to no gateway: Gateway infra/gw: no controller has accepted the route \
                   yet: see that the controller of the Gateway's class runs";
    let expected = (Reason::NotAttached, message.to_owned());
    assert_eq!(fault(&Manifests::one_server()), expected);
    for parent in [
        "name: gw",
        "name: other, namespace: infra",
        "name: gw, namespace: infra, sectionName: internal",
        "name: gw, namespace: infra, port: 8080",
        "group: '', kind: Service, name: gw, namespace: infra",
    ] {
        let other = with_status(&status(parent, "True"));
        assert_eq!(fault(&other), expected, "{parent}");
    }
    let unsaid = status(PARENT, "True").replace("type: Accepted", "type: ResolvedRefs");
    assert_eq!(fault(&with_status(&unsaid)), expected);
}

#[test]
fn what_a_controller_says_against_a_route_is_told() {
    for value in ["False", "Unknown"] {
        let message = format!(
            "HTTPRoute team/a is attached to no gateway: Gateway infra/gw: its controller says Accepted={value}, \
             Reason: so it is"
        );
        let refused = with_status(&status(PARENT, value));
        assert_eq!(fault(&refused), (Reason::NotAttached, message));
    }
}

#[test]
fn one_controller_that_accepts_is_enough() {
    let (no, yes) = (status(PARENT, "False"), status(PARENT, "True"));
    let both = format!("{no}{}", yes.replace("status:\n  parents:\n", ""));
    assert!(
        registration(&index(&with_status(&both)), "a")
            .outcome
            .is_ok()
    );
}

#[test]
fn a_status_does_not_open_a_listener() {
    let closed = accepted().edit(", allowedRoutes: {namespaces: {from: All}}", "");
    let (reason, message) = fault(&closed);
    assert_eq!(reason, Reason::NotAttached);
    assert!(
        message.contains("does not take namespace team"),
        "{message}"
    );
}

#[test]
fn a_gateway_has_the_routes_that_are_accepted_for_it_alone() {
    let manifests = accepted().with(&SERVER.replace("NAME", "b"));
    let all = index(&manifests);
    assert_eq!(all.registrations.len(), 2);
    let gateway = all.gateways.into_iter().next();
    let one = manifests.index_by(&Settings::cluster(gateway));
    assert_eq!(one.registrations.len(), 1);
    assert!(registration(&one, "a").outcome.is_ok());
}

#[test]
fn a_service_needs_no_endpoints() {
    for service in ["", "type: NodePort, ", "clusterIP: None, "] {
        let service = format!(
            "
apiVersion: v1
kind: Service
metadata: {{name: svc, namespace: team}}
spec: {{{service}ports: [{{name: https, port: 80}}]}}
"
        );
        let expected = "outbound|80||svc.team.svc.cluster.local";
        assert_eq!(cluster(&leading_to(&service)), expected);
    }
}

#[test]
fn service_and_port_must_exist() {
    let message = "Service team/svc, to which HTTPRoute team/a leads, does not exist: create it, or correct the \
                   backendRef";
    assert_eq!(
        fault(&leading_to("")),
        (Reason::TargetNotFound, message.to_owned())
    );
    let other = "
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: team}
spec: {ports: [{port: 81}]}
";
    let message = "Service team/svc has no port 80; it has 81";
    assert_eq!(
        fault(&leading_to(other)),
        (Reason::TargetNotFound, message.to_owned())
    );
}

#[test]
fn a_service_of_another_namespace_needs_a_grant() {
    let away = accepted().edit(BACKEND, "{name: svc, namespace: away, port: 80}");
    let (reason, message) = fault(&away);
    assert_eq!(reason, Reason::TargetUnsupported);
    assert!(
        message.contains("add a ReferenceGrant to namespace away"),
        "{message}"
    );
}

#[test]
fn a_service_entry_may_have_any_resolution() {
    for rest in [
        "",
        "  resolution: NONE\n",
        "  resolution: STATIC\n",
        "  resolution: DNS\n",
        SPEC,
    ] {
        let manifests = accepted().edit(SPEC, rest);
        assert_eq!(cluster(&manifests), "outbound|80||a.example", "{rest}");
    }
    let secure = accepted().edit("protocol: HTTP}]\n  res", "protocol: HTTPS}]\n  res");
    assert_eq!(cluster(&secure), "outbound|80||a.example");
}

#[test]
fn host_and_port_must_be_those_of_an_entry_or_a_service() {
    let none = accepted().edit("hosts: [a.example]", "hosts: [b.example]");
    let message = "no ServiceEntry has host a.example: add one";
    assert_eq!(fault(&none), (Reason::TargetNotFound, message.to_owned()));
    let other = accepted().edit("ports: [{number: 80,", "ports: [{number: 81,");
    let message = "ServiceEntry team/a has no port 80; it has 81";
    assert_eq!(fault(&other), (Reason::TargetNotFound, message.to_owned()));
    let host = "svc.away.svc.cluster.local";
    let service = "
apiVersion: v1
kind: Service
metadata: {name: svc, namespace: away}
spec: {ports: [{port: 80}]}
";
    let named = accepted()
        .edit(BACKEND, &BACKEND.replace("a.example", host))
        .with(service);
    assert_eq!(cluster(&named), format!("outbound|80||{host}"));
    let other = named.edit("ports: [{port: 80}]", "ports: [{port: 81}]");
    assert_eq!(fault(&other).0, Reason::TargetNotFound);
}

#[test]
fn an_external_name_leads_on_only_to_a_host_that_is_known() {
    let external = |host: &str| {
        leading_to(&format!(
            "
apiVersion: v1
kind: Service
metadata: {{name: svc, namespace: team}}
spec: {{type: ExternalName, externalName: {host:?}, ports: [{{port: 80}}]}}
"
        ))
    };
    assert_eq!(cluster(&external("a.example")), "outbound|80||a.example");
    let message = "Service team/svc is of type ExternalName, for Istio a mere alias of b.example, and nothing else has \
                   that host with port 80: add a ServiceEntry that does";
    assert_eq!(
        fault(&external("b.example")),
        (Reason::TargetUnsupported, message.to_owned())
    );
    let other_port = external("a.example").edit("ports: [{number: 80,", "ports: [{number: 81,");
    assert_eq!(fault(&other_port).0, Reason::TargetUnsupported);
    let itself = external("svc.team.svc.cluster.local");
    assert_eq!(fault(&itself).0, Reason::TargetUnsupported);
    let (reason, message) = fault(&external("https://b.example"));
    assert_eq!(reason, Reason::TargetUnsupported);
    assert!(
        message.ends_with("must be a host name in lower case, without port"),
        "{message}"
    );
}

#[test]
fn a_destination_rule_is_istios_business() {
    for policy in [
        "{tls: {mode: MUTUAL, credentialName: a}}",
        "{tls: {mode: ISTIO_MUTUAL}}",
        "{tls: {mode: SIMPLE, subjectAltNames: [a]}}",
        "{connectionPool: {tcp: {connectTimeout: soon}}}",
    ] {
        let rule = format!(
            "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: a, namespace: team}}
spec: {{host: a.example, trafficPolicy: {policy}}}
"
        );
        let manifests = accepted().with(&rule);
        assert_eq!(cluster(&manifests), "outbound|80||a.example", "{policy}");
    }
}

#[test]
fn timeouts_of_a_route_are_istios_business() {
    let manifests = accepted().edit(
        "- backendRefs",
        "- timeouts: {request: 10s}\n    backendRefs",
    );
    assert!(registration(&index(&manifests), "a").unsupported.is_empty());
}

/// What is closed to clients at gateway `gw`.
fn internal_hosts(manifests: &Manifests) -> Vec<String> {
    let gateway = ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    };
    let index = manifests.index_by(&Settings::cluster(Some(gateway)));
    index.internal_hosts
}

#[test]
fn hosts_are_closed_whatever_is_wrong_with_route_or_registration() {
    let target = "targetRef: {name: a}";
    for manifests in [
        accepted(),
        Manifests::one_server(),
        with_status(&status(PARENT, "False")),
        accepted().edit("prefix: a_", "prefix: a_\n  state: Disabled"),
        accepted().edit("prefix: a_", "prefix: a-"),
        accepted().edit(target, "targetRef: {name: a, kind: Service}"),
        accepted().edit("port: 80}]\nstatus", "port: 81}]\nstatus"),
        accepted().edit(
            "- {name: gw, namespace: infra}",
            "- {name: gw, namespace: infra, sectionName: x}",
        ),
    ] {
        let hosts = internal_hosts(&manifests);
        assert_eq!(hosts, ["a.example", "a.mcp.local"], "{manifests:?}");
    }
}

#[test]
fn hosts_of_routes_that_a_gateway_has_nothing_to_do_with_are_open_there() {
    let parent = "- {name: gw, namespace: infra}";
    for manifests in [
        accepted().edit(parent, "- {name: other, namespace: infra}"),
        accepted().edit(parent, "- {name: gw}"),
        accepted().edit(
            parent,
            "- {name: gw, namespace: infra, group: '', kind: Service}",
        ),
        accepted().edit("targetRef: {name: a}", "targetRef: {name: b}"),
        accepted().edit("{from: All}", "{from: Same}"),
    ] {
        let hosts = internal_hosts(&manifests);
        assert!(hosts.is_empty(), "{hosts:?}: {manifests:?}");
    }
}

#[test]
fn a_registration_closes_no_route_of_a_namespace_that_does_not_let_it() {
    let away = accepted().edit(
        "metadata: {name: a, namespace: team}\nspec:\n  prefix: a_\n  targetRef: {name: a}",
        "metadata: {name: a, namespace: away}\nspec:\n  prefix: a_\n  targetRef: {name: a, namespace: team}",
    );
    assert!(internal_hosts(&away).is_empty());
    let granted = away.with(
        "
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: servers, namespace: team}
spec:
  from: [{group: mcp.kuadrant.io, kind: MCPServerRegistration, namespace: away}]
  to: [{group: gateway.networking.k8s.io, kind: HTTPRoute}]
",
    );
    assert_eq!(internal_hosts(&granted), ["a.example", "a.mcp.local"]);
}

#[test]
fn a_listener_without_hostname_needs_a_public_host() {
    let bare = accepted().edit("hostname: mcp.example.com, ", "");
    let told = index(&bare).extensions[0].outcome.clone().unwrap_err();
    let message = "listener mcp of Gateway infra/gw has no hostname, so the host of the MCP endpoint is not known: \
                   give spec.publicHost";
    assert_eq!(
        (told.reason, told.message.as_str()),
        (Reason::Invalid, message)
    );
    let named = bare.edit(
        EXTENSION,
        &format!("{EXTENSION}\n  publicHost: mcp.acme.com"),
    );
    assert_eq!(index(&named).endpoints[0].hosts, ["mcp.acme.com"]);
}

#[test]
fn the_older_kind_needs_a_hostname_or_an_extension() {
    let older = accepted()
        .edit(
            "mcp.kuadrant.io/v1\nkind: MCPServerRegistration",
            "mcp.kagenti.com/v1alpha1\nkind: MCPServer",
        )
        .edit("  prefix: a_\n", "")
        .edit(EXTENSION, "targetRef: {name: x, sectionName: mcp}")
        .edit(
            "MCPGatewayExtension\nmetadata: {name: gw",
            "MCPGatewayExtension\nmetadata: {name: x",
        );
    let served = index(&older);
    assert!(registration(&served, "a").outcome.is_ok());
    assert_eq!(served.endpoints[0].hosts, ["mcp.example.com"]);
    let address = served.addresses.values().next().cloned().unwrap().unwrap();
    assert_eq!(address.authority, "gw-istio.infra.svc.cluster.local:8080");
    let bare = older.edit("hostname: mcp.example.com, ", "");
    let (reason, message) = fault(&bare);
    assert_eq!(reason, Reason::NoGatewayExtension);
    let (sentence, yaml) = message.split_once('\n').unwrap();
    assert!(
        sentence.ends_with("For listener mcp, apply this, with the host that clients ask for:"),
        "{sentence}"
    );
    assert!(registration(&index(&bare.with(yaml)), "a").outcome.is_ok());
}

#[test]
fn a_route_that_no_client_is_led_to_is_not_attached() {
    let internal = |edit: &str| accepted().edit(INTERNAL, edit);
    let refused = |way: &str| {
        let message = format!(
            "HTTPRoute team/a is attached to no gateway: Gateway infra/gw: listener mcp: its allowedRoutes.namespaces \
             does not take namespace team, listener internal: no client is led here: {way}"
        );
        (Reason::NotAttached, message)
    };
    let other_port = internal(&INTERNAL.replace("port: 8080", "port: 8081"));
    let with_tls = internal(&INTERNAL.replace("protocol: HTTP", "protocol: HTTPS"));
    let way = "those of listener mcp are led to routes of listeners without TLS at port 8080";
    for manifests in [&other_port, &with_tls] {
        assert_eq!(fault(manifests), refused(way));
        assert!(
            registration(&manifests.index(), "a").outcome.is_ok(),
            "local"
        );
    }

    let served_by_tls = with_tls.edit(
        EXTENSION,
        "publicHost: mcp.example.com\n  targetRef: {name: gw, sectionName: internal}",
    );
    assert!(registration(&index(&served_by_tls), "a").outcome.is_ok());
}

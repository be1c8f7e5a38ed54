//! `mcp-streams` of a gateway of Istio.

use super::Manifests;
use crate::index::{Index, Settings, StreamsRoute};
use crate::object::ObjectName;

const EXTENSION: &str = "targetRef: {name: gw, sectionName: mcp}";

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata:
  name: mcp-streams
  namespace: infra
  labels: {mcp.kuadrant.io/streams: 'true', app.kubernetes.io/instance: gw}
spec:
  ports: [{name: http, port: 8080}]
";

const SLICE: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: mcp-streams-x
  namespace: infra
  labels: {kubernetes.io/service-name: mcp-streams}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- addresses: [10.0.0.1]
  conditions: {ready: READY}
";

const ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mcp-streams-gw, namespace: infra}
spec:
  parentRefs:
  - {group: gateway.networking.k8s.io, kind: Gateway, name: gw}
  hostnames: [mcp-streams.mcp.local]
  rules:
  - backendRefs: [{group: '', kind: Service, name: mcp-streams, port: 8080, weight: 1}]
status:
  parents:
  - controllerName: istio.io/gateway-controller
    parentRef: {group: gateway.networking.k8s.io, kind: Gateway, name: gw}
    conditions:
    - {type: Accepted, status: 'ACCEPTED', reason: Reason, message: so it is, lastTransitionTime: '2026-01-01T00:00:00Z'}
";

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    }
}

fn index(manifests: &Manifests) -> Index {
    manifests.index_by(&Settings::cluster(Some(gateway())))
}

/// The platform, whose extension wants streams.
fn wanting() -> Manifests {
    let managed = format!("{EXTENSION}\n  httpRouteManagement: Enabled");
    Manifests::platform().edit(EXTENSION, &managed)
}

fn whole() -> Manifests {
    let slice = SLICE.replace("READY", "true");
    let route = ROUTE.replace("ACCEPTED", "True");
    wanting().with(SERVICE).with(&slice).with(&route)
}

#[test]
fn a_host_that_a_listener_of_the_clients_port_takes_leads_to_the_service() {
    let expected = StreamsRoute {
        host: "mcp-streams.mcp.local".to_owned(),
        path: "/mcp-streams",
        service: "mcp-streams".to_owned(),
        port: 8080,
    };
    for manifests in [wanting().with(SERVICE), whole()] {
        let index = index(&manifests);
        assert_eq!(index.streams_route, Some(expected.clone()));
        assert_eq!(index.internal_hosts, ["mcp-streams.mcp.local"]);
    }
    assert!(index(&whole()).extensions[0].unsupported.is_empty());
}

#[test]
fn a_listener_that_takes_any_host_takes_one_that_is_nobodys() {
    let any = wanting()
        .with(SERVICE)
        .edit("hostname: '*.mcp.local', ", "");
    let route = index(&any).streams_route.unwrap();
    assert_eq!(route.host, "mcp-streams.internal");
}

#[test]
fn the_filter_is_told_once_somebody_is_there_and_the_route_is_taken() {
    let streams = index(&whole()).streams.unwrap();
    assert_eq!(streams.host, "mcp-streams.mcp.local");
    let upstream = streams.upstream;
    assert_eq!(
        upstream.cluster,
        "outbound|8080||mcp-streams.infra.svc.cluster.local"
    );
}

#[test]
fn as_long_as_requests_do_not_arrive_the_filter_is_told_nothing_and_the_extension_why() {
    let elsewhere = (
        "hostnames: [mcp-streams.mcp.local]",
        "hostnames: [other.mcp.local]",
    );
    let ours = "{app.kubernetes.io/managed-by: mcp-control}";
    let ours = format!("name: mcp-streams-gw, labels: {ours}, namespace");
    let slice = SLICE.replace("READY", "true");
    let lacks = [
        (
            whole().edit("ready: true", "ready: false"),
            "no endpoint of Service infra/mcp-streams is ready",
        ),
        (
            whole().edit(
                "kubernetes.io/service-name: mcp-streams",
                "kubernetes.io/service-name: other",
            ),
            "no endpoint of Service infra/mcp-streams is ready",
        ),
        (
            whole().edit("status: 'True'", "status: 'False'"),
            "HTTPRoute infra/mcp-streams-gw: its controller says Accepted=False, Reason: so it is",
        ),
        (
            whole().edit(elsewhere.0, elsewhere.1),
            "HTTPRoute infra/mcp-streams-gw is not control's own",
        ),
        (
            whole()
                .edit(elsewhere.0, elsewhere.1)
                .edit("name: mcp-streams-gw, namespace", &ours),
            "HTTPRoute infra/mcp-streams-gw leads elsewhere",
        ),
        (
            whole().edit("name: mcp-streams, port", "name: other, port"),
            "HTTPRoute infra/mcp-streams-gw is not",
        ),
        (
            wanting().with(SERVICE).with(&slice),
            "there is no HTTPRoute infra/mcp-streams-gw yet",
        ),
    ];
    for (manifests, lack) in lacks {
        let index = index(&manifests);
        assert_eq!(index.streams, None, "{lack}");
        assert!(
            index.streams_route.is_some(),
            "it is led there all the same"
        );
        let host = "mcp-streams.mcp.local".to_owned();
        assert!(index.internal_hosts.contains(&host), "{lack}");
        let told = &index.extensions[0].unsupported;
        let expected = format!("spec.httpRouteManagement ({lack}");
        assert!(
            told.len() == 1 && told[0].starts_with(&expected),
            "{told:?}"
        );
    }
}

#[test]
fn without_a_wish_for_it_there_is_none() {
    for wish in ["", "\n  httpRouteManagement: Disabled"] {
        let manifests = whole().edit("\n  httpRouteManagement: Enabled", wish);
        let index = index(&manifests);
        assert_eq!((index.streams, index.streams_route), (None, None));
        assert!(index.extensions[0].unsupported.is_empty());
    }
}

#[test]
fn another_gateways_service_is_none() {
    let label = "app.kubernetes.io/instance: gw";
    let others = [
        whole().edit(label, "app.kubernetes.io/instance: other"),
        whole().edit(
            "mcp.kuadrant.io/streams: 'true'",
            "mcp.kuadrant.io/streams: 'false'",
        ),
        whole().edit(
            "mcp-streams\n  namespace: infra\n  labels",
            "mcp-streams\n  namespace: team\n  labels",
        ),
    ];
    for other in others {
        let index = index(&other);
        assert_eq!((index.streams, index.streams_route), (None, None));
        let told = &index.extensions[0].unsupported[0];
        assert!(told.contains("mcp.kuadrant.io/streams=true"), "{told}");
    }
}

#[test]
fn where_no_listener_takes_a_host_beside_the_clients_that_is_told() {
    let elsewhere = whole().edit("'*.mcp.local', port: 8080", "'*.mcp.local', port: 8081");
    let index = index(&elsewhere);
    assert_eq!((index.streams, index.streams_route), (None, None));
    let told = &index.extensions[0].unsupported[0];
    assert!(told.contains("*.mcp.local"), "{told}");
}

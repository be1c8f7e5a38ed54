use super::{Manifests, registration};
use crate::index::Settings;
use crate::object::ObjectName;
use crate::verdict::Reason;

/// A gateway that others serve on, too; a registration of theirs, whose route is of the 2nd of January; and a shop.
const SHARED: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra}
spec:
  gatewayClassName: istio
  listeners:
  - {name: mcp, hostname: mcp.example.com, port: 8080, protocol: HTTP}
  - {name: all, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: shop, hostname: shop.example.com, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: gw, namespace: infra}
spec: {targetRef: {name: gw, sectionName: mcp}}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: a, namespace: team, creationTimestamp: '2026-01-01T00:00:00Z'}
spec: {prefix: a_, targetRef: {name: a}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: team}
spec: {hosts: [a.example], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: team, creationTimestamp: '2026-01-02T00:00:00Z'}
spec:
  parentRefs: [{name: gw, namespace: infra, sectionName: all}]
  hostnames: [a.mcp.local]
  rules:
  - filters: [{type: URLRewrite, urlRewrite: {hostname: shop.example.com}}]
    backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}]
status:
  parents:
  - controllerName: istio.io/gateway-controller
    parentRef: {name: gw, namespace: infra, sectionName: all}
    conditions: [{type: Accepted, status: 'True', reason: Accepted, message: '', lastTransitionTime: '2026-01-02T00:00:00Z'}]
";

const SHOP: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shops, creationTimestamp: '2026-01-01T12:00:00Z'}
spec:
  parentRefs: [{name: gw, namespace: infra, sectionName: shop}]
status:
  parents:
  - controllerName: istio.io/gateway-controller
    parentRef: {name: gw, namespace: infra, sectionName: shop}
    conditions: [{type: Accepted, status: 'True', reason: Accepted, message: '', lastTransitionTime: '2026-01-01T12:00:00Z'}]
";

fn shared() -> Manifests {
    Manifests::of(SHARED)
}

fn closed(manifests: &Manifests) -> Vec<String> {
    let gateway = ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    };
    manifests
        .index_by(&Settings::cluster(Some(gateway)))
        .internal_hosts
}

#[test]
fn a_host_that_is_anothers_is_not_closed_by_a_registration_that_comes_later() {
    let all = ["a.example", "a.mcp.local", "shop.example.com"];
    let own = ["a.example", "a.mcp.local"];
    assert_eq!(closed(&shared()), all, "nobody serves there");
    assert_eq!(closed(&shared().with(SHOP)), own);
    let named = SHOP.replace(
        "spec:",
        "spec:\n  hostnames: [other.example.com, shop.example.com]",
    );
    assert_eq!(closed(&shared().with(&named)), own);
    let other = SHOP.replace("spec:", "spec:\n  hostnames: [other.example.com]");
    assert_eq!(closed(&shared().with(&other)), all);
    let younger = SHOP.replace(
        "2026-01-01T12:00:00Z'}\nspec",
        "2026-01-02T12:00:00Z'}\nspec",
    );
    assert_eq!(closed(&shared().with(&younger)), all, "it came later");
    let refused = SHOP.replace("'True'", "'False'");
    assert_eq!(closed(&shared().with(&refused)), all, "it has nothing");
}

#[test]
fn the_hostnames_of_a_registrations_own_route_are_closed_whoever_had_them_before() {
    let rewriting = "  - filters: [{type: URLRewrite, urlRewrite: {hostname: shop.example.com}}]\n    backendRefs";
    for hostname in ["shop.example.com", "*.example.com"] {
        let hostnames = format!("hostnames: [a.mcp.local, '{hostname}']");
        let own = shared().edit("hostnames: [a.mcp.local]", &hostnames);
        let own = own.edit(rewriting, "  - backendRefs").with(SHOP);
        let closed = closed(&own);
        assert!(closed.iter().any(|closed| closed == hostname), "{closed:?}");
        let index = own.index_by(&Settings::cluster(None));
        assert!(registration(&index, "a").outcome.is_ok());
    }
}

#[test]
fn a_host_is_a_registrations_once_both_it_and_its_route_are_there() {
    let registered = shared().edit(
        "2026-01-01T00:00:00Z'}\nspec: {prefix",
        "2026-01-03T00:00:00Z'}\nspec: {prefix",
    );
    let shop = SHOP.replace(
        "2026-01-01T12:00:00Z'}\nspec",
        "2026-01-02T12:00:00Z'}\nspec",
    );
    assert_eq!(
        closed(&registered.with(&shop)),
        ["a.example", "a.mcp.local"]
    );
}

#[test]
fn a_server_that_knows_itself_by_anothers_host_is_not_served() {
    let index = shared().with(SHOP).index_by(&Settings::cluster(None));
    let fault = registration(&index, "a").outcome.clone().unwrap_err();
    let message = "HTTPRoute team/a: its URLRewrite is to shop.example.com, which HTTPRoute shops/shop has had before and \
                   which no registration names: the gateway would close it to that route's clients. Leave the hostname of \
                   the URLRewrite out, or attach the route to another gateway";
    assert_eq!(
        (fault.reason, fault.message.as_str()),
        (Reason::TargetUnsupported, message)
    );
    let alone = shared().index_by(&Settings::cluster(None));
    assert!(registration(&alone, "a").outcome.is_ok());
}

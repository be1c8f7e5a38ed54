//! Which gateways keep their WasmPlugins: without them, requests pass by all policies.

use std::collections::BTreeSet;

use super::objects::Objects;
use crate::api::RouteRef;
use crate::index::Access;
use crate::manifests::{Kind, Object};
use crate::object::ObjectName;

/// Whom objects want to be served, rightly or not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Those that an extension names that may, or the route of an MCPServer to whose namespace they are open.
    pub(super) gateways: BTreeSet<ObjectName>,
    /// MCPServers whose route is not there: where they were served, they may be again.
    pub(super) servers: BTreeSet<ObjectName>,
}

/// None where some of the objects that say so cannot be read, so that it is not known.
pub(super) fn wanted(objects: &Objects) -> Option<Wanted> {
    let decides = |kind: Kind| {
        matches!(
            kind,
            Kind::Gateway
                | Kind::HttpRoute
                | Kind::McpGatewayExtension
                | Kind::McpServer
                | Kind::ReferenceGrant
        )
    };
    let unreadable = objects.unreadable();
    if unreadable.keys().any(|identity| decides(identity.kind)) {
        return None;
    }
    let access = Access::new(objects.readable());
    let mut wanted = Wanted::default();
    for object in objects.readable() {
        let namespace = object.name().namespace;
        match object {
            Object::McpGatewayExtension(extension) => {
                let target = &extension.spec.target_ref;
                let gateway = ObjectName {
                    namespace: target
                        .namespace
                        .clone()
                        .unwrap_or_else(|| namespace.clone()),
                    name: target.name.clone(),
                };
                // Else anybody could keep another's gateway as it is, whatever its owner does.
                if access.may_extend(&namespace, &gateway) {
                    wanted.gateways.insert(gateway);
                }
            }
            Object::McpServer(server) => {
                let route = route_name(&namespace, &server.spec.target_ref);
                match access.route(&route) {
                    Some(found) => wanted.gateways.extend(access.asked(&route, found)),
                    None => {
                        wanted.servers.insert(object.name());
                    }
                }
            }
            _ => {}
        }
    }
    Some(wanted)
}

fn route_name(namespace: &str, route: &RouteRef) -> ObjectName {
    ObjectName {
        namespace: route
            .namespace
            .clone()
            .unwrap_or_else(|| namespace.to_owned()),
        name: route.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(version: &str, kind: &str, spec: Value) -> Value {
        json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": "one", "namespace": "team"},
            "spec": spec,
        })
    }

    fn extension() -> Value {
        let target = json!({"name": "gw", "namespace": "infra", "sectionName": "none"});
        object(
            "mcp.kuadrant.io/v1",
            "MCPGatewayExtension",
            json!({"targetRef": target}),
        )
    }

    fn server() -> Value {
        object(
            "mcp.kagenti.com/v1alpha1",
            "MCPServer",
            json!({"targetRef": {"name": "one"}}),
        )
    }

    fn route(parents: Value) -> Value {
        object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            json!({"parentRefs": parents}),
        )
    }

    fn seen(objects: &[Value]) -> Option<Wanted> {
        wanted(&Objects::of(objects.iter().cloned()))
    }

    fn gateways(objects: &[Value]) -> Option<Vec<String>> {
        let wanted = seen(objects)?;
        Some(wanted.gateways.iter().map(ToString::to_string).collect())
    }

    fn grant() -> Value {
        let from = json!({
            "group": "mcp.kuadrant.io",
            "kind": "MCPGatewayExtension",
            "namespace": "team",
        });
        let to = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway"});
        let mut grant = object(
            "gateway.networking.k8s.io/v1beta1",
            "ReferenceGrant",
            json!({"from": [from], "to": [to]}),
        );
        grant["metadata"]["namespace"] = "infra".into();
        grant
    }

    #[test]
    fn a_gateway_that_an_extension_names_is_wanted_whatever_else_is_wrong() {
        let infra = Some(vec!["infra/gw".to_owned()]);
        assert_eq!(gateways(&[extension(), grant()]), infra);
        let mut beside = extension();
        beside["metadata"]["namespace"] = "infra".into();
        assert_eq!(gateways(&[beside]), infra);
        assert_eq!(gateways(&[]), Some(Vec::new()));
    }

    #[test]
    fn an_extension_keeps_no_gateway_of_another_namespace_that_has_not_granted_it() {
        assert_eq!(gateways(&[extension()]), Some(Vec::new()));
        let mut elsewhere = grant();
        elsewhere["metadata"]["namespace"] = "other".into();
        assert_eq!(gateways(&[extension(), elsewhere]), Some(Vec::new()));
    }

    #[test]
    fn the_older_kind_wants_the_gateways_of_its_route_and_those_that_serve_it_while_that_is_missing()
     {
        let attached = route(json!([{"name": "gw", "namespace": "infra"}, {"name": "own"}]));
        let both = Some(vec!["infra/gw".to_owned(), "team/own".to_owned()]);
        assert_eq!(gateways(&[server(), attached.clone()]), both);
        let missing = seen(&[server()]).unwrap();
        assert_eq!(missing.servers.len(), 1);
        assert!(missing.gateways.is_empty());
        assert_eq!(
            gateways(&[attached]),
            Some(Vec::new()),
            "a route alone wants nothing"
        );
    }

    #[test]
    fn the_older_kind_wants_no_gateway_that_is_closed_to_its_routes() {
        let gateway = |from: &str| {
            let listener = json!({
                "name": "mcp",
                "port": 80,
                "protocol": "HTTP",
                "allowedRoutes": {"namespaces": {"from": from}},
            });
            let mut gateway = object(
                "gateway.networking.k8s.io/v1",
                "Gateway",
                json!({"gatewayClassName": "istio", "listeners": [listener]}),
            );
            gateway["metadata"] = json!({"name": "gw", "namespace": "infra"});
            gateway
        };
        let attached = route(json!([{"name": "gw", "namespace": "infra"}]));
        for (from, wanted) in [("All", vec!["infra/gw".to_owned()]), ("Same", Vec::new())] {
            let objects = [server(), attached.clone(), gateway(from)];
            assert_eq!(gateways(&objects), Some(wanted), "{from}");
        }
    }

    #[test]
    fn while_something_cannot_be_read_nothing_is_known() {
        assert_eq!(gateways(&[extension(), route(json!(7))]), None);
    }
}

//! What has to be done to the HTTPRoutes that lead gateways to their `mcp-streams`, and what is watched for that.

use std::collections::BTreeSet;

use serde_json::Value;

use super::action::{Action, mend};
use super::attachments::is_managed;
use super::objects::{Objects, Resource, Scope};
use crate::api::HttpRouteManagement;
use crate::index::{STREAMS_LABEL, streams_route_name};
use crate::labels::{COMPONENT, INSTANCE, PART_OF, PROJECT, label};
use crate::manifests::{Identity, Kind, Object};
use crate::object::ObjectName;
use crate::resource::ObjectKey;

const VERSION: &str = "gateway.networking.k8s.io/v1";

/// As it stands in [`COMPONENT`].
const STREAMS: &str = "streams";

/// The EndpointSlices that are followed: those of `mcp-streams`, in the namespaces of Gateways whose extensions want it.
pub(super) fn scopes(objects: &Objects) -> BTreeSet<Scope> {
    let extensions = objects.readable().filter_map(|object| match object {
        Object::McpGatewayExtension(extension) => Some((object.name().namespace, &extension.spec)),
        _ => None,
    });
    let wanting = extensions
        .filter(|(_, spec)| spec.http_route_management == Some(HttpRouteManagement::Enabled));
    let namespaces = wanting.map(|(own, spec)| spec.target_ref.namespace.clone().unwrap_or(own));
    let has_service = |namespace: &String| {
        objects.readable().any(|object| match object {
            Object::Service(service) => {
                let labels = service.metadata.labels.as_ref();
                object.name().namespace == *namespace
                    && labels.is_some_and(|labels| labels.contains_key(STREAMS_LABEL))
            }
            _ => false,
        })
    };
    let namespaces: BTreeSet<_> = namespaces.collect();
    let scope = |namespace| Scope {
        resource: Resource::Manifest(Kind::EndpointSlice),
        namespace: Some(namespace),
        label: Some(STREAMS_LABEL),
        name: None,
    };
    namespaces
        .into_iter()
        .filter(has_service)
        .map(scope)
        .collect()
}

/// What makes that of a gateway as it is to be. What is to go goes last: behind the configuration that leads there.
pub(super) fn manage(
    objects: &Objects,
    gateway: &ObjectName,
    wanted: Option<&Value>,
) -> [Vec<Action>; 2] {
    let name = streams_route_name(gateway);
    let there = there(objects, &name);
    let is_others = there.as_ref().is_some_and(|there| !is_ours(there));
    match wanted {
        _ if is_others => [Vec::new(), Vec::new()],
        Some(wanted) => [
            mend((&key(name), there.as_ref()), wanted, |_| false),
            Vec::new(),
        ],
        None => {
            let gone = there.map(|_| Action::Delete(key(name)));
            [Vec::new(), gone.into_iter().collect()]
        }
    }
}

/// Those of gateways for which `is_kept` does not hold.
pub(super) fn left_over(objects: &Objects, is_kept: impl Fn(&ObjectName) -> bool) -> Vec<Action> {
    let routes = objects.readable().filter_map(|object| match object {
        Object::HttpRoute(route) => Some((object.name(), serde_json::to_value(route).ok()?)),
        _ => None,
    });
    let ours = routes.filter(|(_, route)| is_ours(route));
    let left = ours.filter_map(|(name, route)| {
        let gateway = ObjectName {
            namespace: name.namespace.clone(),
            name: label(&route, INSTANCE)?.to_owned(),
        };
        (name == streams_route_name(&gateway) && !is_kept(&gateway)).then_some(name)
    });
    left.map(|name| Action::Delete(key(name))).collect()
}

fn there(objects: &Objects, name: &ObjectName) -> Option<Value> {
    let known = objects.find(&Identity {
        kind: Kind::HttpRoute,
        name: name.clone(),
    })?;
    match &known.content {
        Ok(Object::HttpRoute(route)) => serde_json::to_value(route).ok(),
        _ => None,
    }
}

fn is_ours(route: &Value) -> bool {
    is_managed(route)
        && label(route, PART_OF) == Some(PROJECT)
        && label(route, COMPONENT) == Some(STREAMS)
}

fn key(name: ObjectName) -> ObjectKey {
    ObjectKey {
        version: VERSION,
        kind: Kind::HttpRoute.as_str(),
        name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::index::StreamsRoute;
    use crate::render::streams_route;

    fn gateway() -> ObjectName {
        ObjectName {
            namespace: "infra".to_owned(),
            name: "gw".to_owned(),
        }
    }

    fn wanted() -> Value {
        let route = StreamsRoute {
            host: "mcp-streams.mcp.local".to_owned(),
            path: "/mcp-streams",
            service: "streams".to_owned(),
            port: 8080,
        };
        streams_route(&gateway(), &route).unwrap()
    }

    fn gone() -> Action {
        Action::Delete(key(streams_route_name(&gateway())))
    }

    fn manage(there: &[Value], wanted: Option<&Value>) -> [Vec<Action>; 2] {
        super::manage(&Objects::of(there.iter().cloned()), &gateway(), wanted)
    }

    #[test]
    fn one_that_is_missing_or_another_is_applied_and_one_that_is_as_it_shall_be_is_left_alone() {
        let wanted = wanted();
        let mut edited = wanted.clone();
        edited["spec"]["hostnames"] = json!(["mcp.example.com"]);
        for there in [vec![], vec![edited]] {
            let [applied, deleted] = manage(&there, Some(&wanted));
            assert!(
                applied.contains(&Action::Apply(wanted.clone())),
                "{applied:?}"
            );
            assert_eq!(deleted, []);
        }
        let nothing = [Vec::new(), Vec::new()];
        assert_eq!(
            manage(std::slice::from_ref(&wanted), Some(&wanted)),
            nothing
        );
    }

    #[test]
    fn one_that_is_wanted_no_more_goes_and_somebody_elses_stays() {
        let ours = wanted();
        assert_eq!(
            manage(std::slice::from_ref(&ours), None),
            [vec![], vec![gone()]]
        );
        let mut users = ours.clone();
        users["metadata"]["labels"] = json!({});
        users["spec"]["hostnames"] = json!(["other.mcp.local"]);
        let nothing = [Vec::new(), Vec::new()];
        assert_eq!(manage(std::slice::from_ref(&users), None), nothing);
        assert_eq!(manage(&[users], Some(&ours)), nothing);
    }

    #[test]
    fn that_of_a_gateway_that_is_served_no_more_goes() {
        let objects = Objects::of([wanted()]);
        assert_eq!(left_over(&objects, |_| true), []);
        assert_eq!(
            left_over(&objects, |gateway| gateway.name != "gw"),
            [gone()]
        );
    }

    #[test]
    fn endpoints_are_followed_where_they_are_wanted_and_nowhere_else() {
        let extension = |management: &str, namespace: Option<&str>| {
            json!({
                "apiVersion": "mcp.kuadrant.io/v1",
                "kind": "MCPGatewayExtension",
                "metadata": {"name": "gw", "namespace": "infra"},
                "spec": {
                    "targetRef": {"name": "gw", "namespace": namespace, "sectionName": "mcp"},
                    "httpRouteManagement": management,
                },
            })
        };
        let service = |labels: Value| {
            let metadata = json!({"name": "s", "namespace": "infra", "labels": labels});
            json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata})
        };
        let labelled = || service(json!({STREAMS_LABEL: "true"}));
        let followed = |extension: Value, service: Value| {
            let scopes = scopes(&Objects::of([extension, service]));
            scopes
                .into_iter()
                .map(|scope| scope.to_string())
                .collect::<Vec<_>>()
        };
        let there = ["EndpointSlice in namespace infra"];
        assert_eq!(followed(extension("Enabled", None), labelled()), there);
        assert_eq!(
            followed(extension("Enabled", Some("infra")), labelled()),
            there
        );
        let nothing: [&str; 0] = [];
        assert_eq!(
            followed(extension("Enabled", Some("other")), labelled()),
            nothing
        );
        assert_eq!(followed(extension("Disabled", None), labelled()), nothing);
        assert_eq!(
            followed(extension("Enabled", None), service(json!({}))),
            nothing
        );
    }
}

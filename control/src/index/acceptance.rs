//! Whether a gateway's controller has accepted a route.

use gateway_api::httproutes::{HttpRoute, HttpRouteParentRefs, HttpRouteStatusParentsParentRef};

use crate::object::ObjectName;

/// # Errors
/// What the route's status says instead (Gateway API, RouteParentStatus).
pub(super) fn expect_accepted(
    name: &ObjectName,
    route: &HttpRoute,
    parent: &HttpRouteParentRefs,
) -> Result<(), String> {
    let told = route.status.iter().flat_map(|status| &status.parents);
    let told = told.filter(|told| is_same(name, parent, &told.parent_ref));
    let mut conditions = told
        .flat_map(|told| &told.conditions)
        .filter(|condition| condition.type_ == "Accepted");
    let Some(first) = conditions.clone().next() else {
        return Err(
            "no controller has accepted the route yet: see that the controller of the Gateway's class runs"
                .to_owned(),
        );
    };
    if conditions.any(|condition| condition.status == "True") {
        return Ok(());
    }
    Err(format!(
        "its controller says Accepted={}, {}: {}",
        first.status, first.reason, first.message
    ))
}

fn is_same(
    route: &ObjectName,
    parent: &HttpRouteParentRefs,
    told: &HttpRouteStatusParentsParentRef,
) -> bool {
    let namespace = |own: &Option<String>| own.clone().unwrap_or_else(|| route.namespace.clone());
    let or = |own: &Option<String>, usual: &str| own.clone().unwrap_or_else(|| usual.to_owned());
    let (group, kind) = ("gateway.networking.k8s.io", "Gateway");
    or(&parent.group, group) == or(&told.group, group)
        && or(&parent.kind, kind) == or(&told.kind, kind)
        && namespace(&parent.namespace) == namespace(&told.namespace)
        && parent.name == told.name
        && parent.section_name == told.section_name
        && parent.port == told.port
}

//! What leads the requests of a gateway of Istio to its `mcp-streams`.

use serde_json::{Value, json};

use super::attachment::{Unwritable, named_for, set, set_label};
use crate::index::StreamsRoute;
use crate::labels::{MANAGED_BY, PROGRAM};
use crate::object::ObjectName;

/// What it has in common with that of any other gateway, with all that the apiserver would add.
const TEMPLATE: &str = include_str!("../../../wasmplugin/streams-route/http-route.yaml");

/// The HTTPRoute of `gateway`, for control itself to apply and delete.
///
/// # Errors
/// By a mistake in the template alone.
pub fn streams_route(gateway: &ObjectName, route: &StreamsRoute) -> Result<Value, Unwritable> {
    let mut object = named_for(gateway, serde_saphyr::from_str(TEMPLATE)?);
    let values = [
        ("/spec/parentRefs/0/name", json!(gateway.name)),
        ("/spec/hostnames", json!([route.host])),
        ("/spec/rules/0/matches/0/path/value", json!(route.path)),
        ("/spec/rules/0/backendRefs/0/name", json!(route.service)),
        ("/spec/rules/0/backendRefs/0/port", json!(route.port)),
    ];
    for (place, value) in values {
        set(&mut object, place, value);
    }
    set_label(&mut object, MANAGED_BY, PROGRAM);
    Ok(object)
}

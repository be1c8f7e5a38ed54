//! What Istio says in the statuses of routes.

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use mcp_control::object::ObjectName;
use serde_json::{Value, json};

use super::watched::{Objects, ROUTE};

const CONTROLLER: &str = "istio.io/gateway-controller";

/// Tells each route that names the gateway whether it is accepted there.
pub(super) async fn accept(client: &Client, objects: &Objects, gateway: &ObjectName) {
    let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", ROUTE);
    let resource = ApiResource::from_gvk(&kind);
    for ((_, namespace, name), route) in objects.iter().filter(|((kind, ..), _)| *kind == ROUTE) {
        let Some(parents) = parents(&route.stored, objects, gateway) else {
            continue;
        };
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": route.stored["metadata"]["resourceVersion"]},
            "status": {"parents": parents},
        }));
        // Who has changed it meanwhile makes it known again.
        let _ = api
            .patch_status(name, &PatchParams::default(), &patch)
            .await;
    }
}

/// What `status.parents` has to be, where it is not.
fn parents(route: &Value, objects: &Objects, gateway: &ObjectName) -> Option<Vec<Value>> {
    let namespace = &route["metadata"]["namespace"];
    let is_own = |reference: &Value| {
        let referred = reference.get("namespace").unwrap_or(namespace);
        *referred == *gateway.namespace && reference["name"] == *gateway.name
    };
    let said = items(&route["status"]["parents"]);
    let (mut wanted, own): (Vec<_>, Vec<_>) = said
        .iter()
        .cloned()
        .partition(|parent| !is_own(&parent["parentRef"]));
    let references = items(&route["spec"]["parentRefs"]);
    for reference in references.into_iter().filter(is_own) {
        let generation = &route["metadata"]["generation"];
        let standing = own.iter().find(|parent| {
            parent["parentRef"] == reference
                && parent["conditions"][0]["observedGeneration"] == *generation
        });
        wanted.push(standing.cloned().unwrap_or_else(|| {
            let accepted = has_listener(objects, gateway, &reference["sectionName"]);
            said_of(&reference, generation, accepted)
        }));
    }
    (wanted != said).then_some(wanted)
}

fn has_listener(objects: &Objects, gateway: &ObjectName, section: &Value) -> bool {
    let key = ("Gateway", gateway.namespace.clone(), gateway.name.clone());
    let gateway = objects.get(&key).map(|known| &known.stored);
    let listeners = gateway.map_or(Vec::new(), |gateway| items(&gateway["spec"]["listeners"]));
    let mut listeners = listeners.iter();
    listeners.any(|listener| section.is_null() || listener["name"] == *section)
}

fn said_of(reference: &Value, generation: &Value, accepted: bool) -> Value {
    let condition = |kind: &str, status: bool, reason: &str| {
        json!({
            "type": kind,
            "status": if status { "True" } else { "False" },
            "reason": reason,
            "message": "",
            "observedGeneration": generation,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let reason = if accepted {
        "Accepted"
    } else {
        "NoMatchingParent"
    };
    json!({
        "controllerName": CONTROLLER,
        "parentRef": reference,
        "conditions": [
            condition("Accepted", accepted, reason),
            condition("ResolvedRefs", true, "ResolvedRefs"),
        ],
    })
}

fn items(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

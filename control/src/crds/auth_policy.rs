//! The definition of AuthPolicy for clusters without the product that the kind comes from.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// The definition's name, whoever has made it.
pub const AUTH_POLICIES: &str = "authpolicies.kuadrant.io";

/// Of `spec` it says no more than for what a policy is: the rest is read by control, which tells of each member that it
/// does not enforce, and so nothing of it may be dropped before.
pub(super) fn definition() -> Result<CustomResourceDefinition, serde_json::Error> {
    let text = |description: &str| json!({"type": "string", "description": description});
    let target = json!({
        "type": "object",
        "description": "The object in the policy's namespace for which the policy is.",
        "required": ["group", "kind", "name"],
        "properties": {
            "group": text("gateway.networking.k8s.io"),
            "kind": text("Gateway or HTTPRoute"),
            "name": text("Its name."),
            "sectionName": text("A listener of the Gateway; all where absent."),
        },
    });
    let spec = json!({
        "type": "object",
        "required": ["targetRef"],
        "properties": {"targetRef": target},
        "x-kubernetes-preserve-unknown-fields": true,
    });
    serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": AUTH_POLICIES},
        "spec": {
            "group": "kuadrant.io",
            "names": {
                "kind": "AuthPolicy",
                "listKind": "AuthPolicyList",
                "plural": "authpolicies",
                "singular": "authpolicy",
                "categories": [],
                "shortNames": [],
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns(),
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "Who may use a Gateway or a route, and with which headers requests go on.",
                    "required": ["spec"],
                    "properties": {"spec": spec, "status": status()},
                }},
            }],
        },
    }))
}

fn columns() -> Value {
    let condition = |kind: &str| format!(".status.conditions[?(@.type=='{kind}')].status");
    let text = |name: &str, path: String| json!({"name": name, "type": "string", "jsonPath": path});
    json!([
        text("Accepted", condition("Accepted")),
        text("Enforced", condition("Enforced")),
        text("Target kind", ".spec.targetRef.kind".to_owned()),
        text("Target", ".spec.targetRef.name".to_owned()),
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

fn status() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "format": "int64"});
    let condition = json!({
        "type": "object",
        "required": ["type", "status", "reason", "message", "lastTransitionTime"],
        "properties": {
            "type": text,
            "status": text,
            "reason": text,
            "message": text,
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "observedGeneration": number,
        },
    });
    json!({
        "type": "object",
        "properties": {
            "conditions": {
                "type": "array",
                "description": "`Accepted`, `Enforced`",
                "items": condition,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
            "observedGeneration": number,
        },
    })
}

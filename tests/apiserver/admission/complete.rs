//! One object of each kind with everything that its schema knows.

use serde_json::{Value, json};

/// One that every rule takes.
pub(super) fn complete(version: &str, kind: &str, namespace: &str) -> Value {
    let (spec, status) = match kind {
        "MCPGatewayExtension" => extension(),
        "MCPServer" => server(),
        "MCPServerRegistration" => registration(),
        "MCPVirtualServer" => virtual_server(),
        _ => panic!("a complete {kind} stands nowhere: write one"),
    };
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "complete", "namespace": namespace},
        "spec": spec,
        "status": status,
    })
}

fn conditions() -> Value {
    json!([{
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }])
}

fn target(kind: &str) -> Value {
    json!({"group": "gateway.networking.k8s.io", "kind": kind, "name": "n", "namespace": "other"})
}

fn extension() -> (Value, Value) {
    let mut target = target("Gateway");
    target["sectionName"] = "mcp".into();
    let spec = json!({
        "targetRef": target,
        "backendPingIntervalSeconds": 60,
        "caCertBundleRef": {"name": "ca", "key": "ca.crt"},
        "httpRouteManagement": "Disabled",
        "logLevel": "info",
        "maxBodyBytes": 1024,
        "oauthProtectedResource": {
            "authorizationServers": ["https://issuer"],
            "bearerMethodsSupported": ["header"],
            "resource": "https://mcp",
            "resourceName": "MCP",
            "scopesSupported": ["mcp"],
        },
        "privateHost": "10.0.0.1:8080",
        "publicHost": "mcp.example.com",
        "sessionStore": {"secretName": "store"},
        "trustedHeadersKey": {"generate": "Enabled", "secretName": "key"},
        "urlElicitation": "Disabled",
    });
    (
        spec,
        json!({"conditions": conditions(), "observedGeneration": 1}),
    )
}

fn registration() -> (Value, Value) {
    let spec = json!({
        "targetRef": target("HTTPRoute"),
        "prefix": "a_",
        "path": "/mcp",
        "caCertSecretRef": {"name": "ca", "key": "ca.crt"},
        "category": ["code"],
        "credentialRef": {"name": "credential", "key": "token"},
        "hint": "for code",
        "state": "Enabled",
        "tags": ["git"],
        "timeouts": {"firstByte": "30s", "idle": "30s"},
        "tokenURLElicitation": {"url": "https://example.com/token"},
        "userSpecificList": "Enabled",
    });
    let status = json!({
        "conditions": conditions(),
        "conflicts": ["a_tool"],
        "discoveredPrompts": 1,
        "discoveredResources": 1,
        "discoveredTools": 1,
        "lastDiscovered": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
        "protocolVersion": "2025-11-25",
    });
    (spec, status)
}

fn server() -> (Value, Value) {
    let spec = json!({
        "targetRef": target("HTTPRoute"),
        "toolPrefix": "a_",
        "path": "/mcp",
        "credentialRef": {"name": "credential", "key": "token"},
    });
    (
        spec,
        json!({"conditions": conditions(), "discoveredTools": 1}),
    )
}

fn virtual_server() -> (Value, Value) {
    let spec = json!({"description": "d", "prompts": ["p"], "tools": ["t"]});
    let status = json!({
        "conditions": conditions(),
        "observedGeneration": 1,
        "tools": 1,
        "unmatched": ["t"],
    });
    (spec, status)
}

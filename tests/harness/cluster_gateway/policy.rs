//! An AuthorizationPolicy of the Gateway, as istiod has Envoy enforce it.

use serde_json::{Value, json};

/// Refuses requests by their host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Of the AuthorizationPolicy.
    pub(super) namespace: String,
    /// Of the AuthorizationPolicy.
    pub(super) name: String,
    /// How the hosts end that it refuses.
    pub(super) suffix: String,
}

impl Policy {
    /// The filter, with the policy under the name that istiod gives its first rule.
    pub(super) fn filter(&self) -> Value {
        let Self {
            namespace,
            name,
            suffix,
        } = self;
        let rule = format!("ns[{namespace}]-policy[{name}]-rule[0]");
        let host = json!({"header": {"name": ":authority", "string_match": {"suffix": suffix}}});
        let policy = json!({"permissions": [host], "principals": [{"any": true}]});
        json!({
            "name": "envoy.filters.http.rbac",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                "rules": {"action": "DENY", "policies": {rule: policy}},
            },
        })
    }
}

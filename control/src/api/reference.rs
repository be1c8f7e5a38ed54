use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The HTTPRoute that leads to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteRef {
    /// API group.
    #[serde(default = "gateway_group")]
    pub group: String,
    /// Kind.
    #[serde(default = "http_route")]
    pub kind: String,
    /// Name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace; the own one where absent. Another one needs a ReferenceGrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

pub(super) fn gateway_group() -> String {
    "gateway.networking.k8s.io".to_owned()
}

fn http_route() -> String {
    "HTTPRoute".to_owned()
}

/// The Secret, in the same namespace, whose value discovery sends as `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in its data.
    #[serde(default = "token")]
    pub key: String,
}

fn token() -> String {
    "token".to_owned()
}

/// The Secret, in the same namespace, with PEM certificates of the authorities that the server's certificate may come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaCertSecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in its data; at most 64 KiB stand there.
    #[serde(default = "ca_crt")]
    pub key: String,
}

pub(super) fn ca_crt() -> String {
    "ca.crt".to_owned()
}

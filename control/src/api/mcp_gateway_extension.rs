use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{ca_crt, gateway_group};

/// Makes a listener of a Gateway an MCP endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "mcp.kuadrant.io",
    version = "v1",
    kind = "MCPGatewayExtension",
    root = "McpGatewayExtension",
    plural = "mcpgatewayextensions",
    shortname = "mcpge",
    namespaced,
    doc = "Makes a listener of a Gateway an MCP endpoint.",
    status = "McpGatewayExtensionStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct McpGatewayExtensionSpec {
    /// The listener.
    pub target_ref: ListenerRef,
    /// Where clients connect; the listener's hostname where absent, `*.x` giving `mcp.x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_host: Option<String>,
    /// Where control reaches the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_host: Option<String>,
    /// How often servers are looked at, in seconds.
    #[serde(default = "sixty")]
    #[schemars(range(min = 10, max = 7200))]
    pub backend_ping_interval_seconds: i32,
    /// Key of a trusted header in which somebody else says what a user may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_headers_key: Option<TrustedHeadersKey>,
    /// Whether control owns the HTTPRoute that leads streams to `mcp-streams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route_management: Option<HttpRouteManagement>,
    /// How much is logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// A store that replicas share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_store: Option<SecretRef>,
    /// Whether users are asked for a token by URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_elicitation: Option<UrlElicitation>,
    /// What `/.well-known/oauth-protected-resource` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_protected_resource: Option<OauthProtectedResource>,
    /// Authorities that servers' certificates may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_bundle_ref: Option<CaCertBundleRef>,
    /// Largest request body, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_body_bytes: Option<i64>,
}

fn sixty() -> i32 {
    60
}

/// A listener of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerRef {
    /// API group.
    #[serde(default = "gateway_group")]
    pub group: String,
    /// Kind.
    #[serde(default = "gateway")]
    pub kind: String,
    /// Name of the Gateway.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace; the own one where absent. Another one needs a ReferenceGrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the listener.
    #[schemars(length(min = 1, max = 253))]
    pub section_name: String,
}

fn gateway() -> String {
    "Gateway".to_owned()
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    pub secret_name: String,
}

/// Key of the trusted header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedHeadersKey {
    /// Name of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Whether control makes the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<String>,
}

/// Whether control owns an HTTPRoute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpRouteManagement {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// Whether users are asked for a token by URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UrlElicitation {
    /// They are.
    Enabled,
    /// They are not.
    Disabled,
}

/// OAuth 2.0 Protected Resource Metadata (RFC 9728).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OauthProtectedResource {
    /// Issuers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// The resource's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// How tokens may be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// Scopes that clients may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
}

/// PEM certificates in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaCertBundleRef {
    /// Name.
    pub name: String,
    /// Key in its data.
    #[serde(default = "ca_crt")]
    pub key: String,
}

/// What became of the extension.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpGatewayExtensionStatus {
    /// `Ready`, `Accepted`, `Programmed`, `Unsupported`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The generation that the rest was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

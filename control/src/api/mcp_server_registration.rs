use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CaCertSecretRef, CredentialRef, RouteRef};

/// An MCP server behind the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "mcp.kuadrant.io",
    version = "v1",
    kind = "MCPServerRegistration",
    root = "McpServerRegistration",
    plural = "mcpserverregistrations",
    shortname = "mcpsr",
    namespaced,
    doc = "An MCP server behind the gateway.",
    status = "McpServerRegistrationStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Prefix","type":"string","jsonPath":".spec.prefix"}"#,
    printcolumn = r#"{"name":"Target","type":"string","jsonPath":".spec.targetRef.name"}"#,
    printcolumn = r#"{"name":"Path","type":"string","jsonPath":".spec.path"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Tools","type":"integer","jsonPath":".status.discoveredTools"}"#,
    printcolumn = r#"{"name":"Credentials","type":"string","jsonPath":".spec.credentialRef.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Category","type":"string","priority":1,"jsonPath":".spec.category"}"#,
    printcolumn = r#"{"name":"Protocol","type":"string","priority":1,"jsonPath":".status.protocolVersion"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type=='Ready')].message"}"#
)]
#[x_kube(
    validation = ("!has(oldSelf.prefix) || (has(self.prefix) && self.prefix == oldSelf.prefix)", "prefix cannot change once it is set: make a new registration"),
    validation = ("!has(self.userSpecificList) || self.userSpecificList != 'Enabled' || has(self.prefix)", "userSpecificList needs a prefix"),
)]
#[serde(rename_all = "camelCase")]
pub struct McpServerRegistrationSpec {
    /// The HTTPRoute that leads to the server.
    pub target_ref: RouteRef,
    /// What stands before each of the server's tool and prompt names. Cannot change once it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9_]*$"))]
    pub prefix: Option<String>,
    /// Where on the route's host the server speaks MCP.
    #[serde(default = "mcp_path")]
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// With which credential the server is asked for its lists. Calls never carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<CredentialRef>,
    /// Whom the server's certificate may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_secret_ref: Option<CaCertSecretRef>,
    /// Whether the server is served.
    #[serde(default)]
    pub state: State,
    /// Whether lists are read anew for each user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_specific_list: Option<UserSpecificList>,
    /// Where users are sent for a token of their own.
    #[serde(
        default,
        rename = "tokenURLElicitation",
        skip_serializing_if = "Option::is_none"
    )]
    pub token_url_elicitation: Option<TokenUrlElicitation>,
    /// Up to three words for what the server is about.
    #[serde(default = "uncategorised")]
    #[schemars(length(max = 3), inner(length(min = 1, max = 128)))]
    pub category: Vec<String>,
    /// When to use the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub hint: Option<String>,
    /// Up to ten more words for what the server is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(min = 1, max = 128)))]
    pub tags: Vec<String>,
    /// How long the server may be silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<RegistrationTimeouts>,
}

pub(super) fn mcp_path() -> String {
    "/mcp".to_owned()
}

fn uncategorised() -> Vec<String> {
    vec!["uncategorised".to_owned()]
}

/// Whether a registration is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// It is.
    #[default]
    Enabled,
    /// It is not; its prefix is free for others.
    Disabled,
}

/// Whether lists are read anew for each user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UserSpecificList {
    /// They are.
    Enabled,
    /// All users see one list.
    #[default]
    Disabled,
}

/// Where users are sent for a token of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenUrlElicitation {
    /// An http or https URL.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: String,
}

/// Durations of the Gateway API, such as `300s` or `1m30s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationTimeouts {
    /// From the request to the response headers; `300s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    pub first_byte: Option<String>,
    /// Between two pieces of a streamed response; `300s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    pub idle: Option<String>,
}

impl McpServerRegistration {
    /// The label, `true`, of the Secrets that such an object may name.
    pub const SECRET_LABEL: &str = "mcp.kuadrant.io/secret";
}

/// What control saw of the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpServerRegistrationStatus {
    /// `Ready`, `Accepted`, `Programmed`, `Unsupported`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Tools that are served under the prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovered_tools: Option<i32>,
    /// Prompts likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovered_prompts: Option<i32>,
    /// Resources and resource templates likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovered_resources: Option<i32>,
    /// The revision of MCP with sessions that the server negotiated; 2026-07-28 where it speaks no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// When the lists were last found to be other than before, or read again after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_discovered: Option<Time>,
    /// Names that an older registration has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// The generation that the rest was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

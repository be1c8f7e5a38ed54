use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mcp_server_registration::mcp_path;
use super::{CredentialRef, RouteRef};

/// An MCP server behind the gateway, in the older generation of the kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "mcp.kagenti.com",
    version = "v1alpha1",
    kind = "MCPServer",
    root = "McpServer",
    plural = "mcpservers",
    shortname = "mcpsrv",
    namespaced,
    doc = "An MCP server behind the gateway, in the older generation of the kinds.",
    status = "McpServerStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Prefix","type":"string","jsonPath":".spec.toolPrefix"}"#,
    printcolumn = r#"{"name":"Target","type":"string","jsonPath":".spec.targetRef.name"}"#,
    printcolumn = r#"{"name":"Path","type":"string","jsonPath":".spec.path"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Tools","type":"integer","jsonPath":".status.discoveredTools"}"#,
    printcolumn = r#"{"name":"Credentials","type":"string","jsonPath":".spec.credentialRef.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = ("!has(oldSelf.toolPrefix) || (has(self.toolPrefix) && self.toolPrefix == oldSelf.toolPrefix)", "toolPrefix cannot change once it is set: make a new MCPServer"),
)]
#[serde(rename_all = "camelCase")]
pub struct McpServerSpec {
    /// The HTTPRoute that leads to the server.
    pub target_ref: RouteRef,
    /// What stands before each of the server's tool and prompt names. Cannot change once it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_prefix: Option<String>,
    /// Where on the route's host the server speaks MCP.
    #[serde(default = "mcp_path")]
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// With which credential the server is asked for its lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<CredentialRef>,
}

impl McpServer {
    /// The label, `true`, of the Secrets that such an object may name.
    pub const SECRET_LABEL: &str = "mcp.kagenti.com/credential";
}

/// What control saw of the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct McpServerStatus {
    /// `Ready` and others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Tools that are served under the prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovered_tools: Option<i32>,
}

use serde::{Deserialize, Serialize};

/// One upstream MCP server, as one registration describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// `namespace/name` of the registration.
    pub name: String,
    /// What stands before each of its tool and prompt names. May be empty.
    #[serde(default)]
    pub prefix: String,
    /// `:authority` of routed requests: the hostname of the registration's HTTPRoute.
    pub host: String,
    /// `:path` of routed requests.
    pub path: String,
    /// Where calls that do not pass Envoy's routes go: `initialize`, `DELETE`, notifications.
    pub upstream: Upstream,
    /// Whether the server issued a session id to discovery's `initialize`.
    #[serde(default)]
    pub issues_sessions: bool,
    /// The session revision that discovery negotiated with it; 2026-07-28 where it speaks none.
    pub protocol_version: String,
    /// Whether it answers requests of the stateless revision 2026-07-28.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub stateless: bool,
    /// Whether it announced the `completions` capability.
    #[serde(default)]
    pub completions: bool,
    /// Whether it announced the `logging` capability.
    #[serde(default)]
    pub logging: bool,
    /// Whether it announced that calls of its tools can be tasks: the capability `tasks.requests.tools.call` of
    /// 2025-11-25.
    #[serde(default)]
    pub tasks: bool,
    /// Whether it announced the extension `io.modelcontextprotocol/tasks` in the stateless revision.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub stateless_tasks: bool,
    /// Whether it announced the extension `io.modelcontextprotocol/ui`, in either era.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub apps: bool,
    /// Whether it announced the `resources` capability. It may serve URIs that it does not list.
    #[serde(default)]
    pub resources: bool,
    /// How often it told of lists that they had changed, and they had not.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub list_changed: ListChanged,
    /// How long a request may be silent.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Places in `PluginConfig::policies`, in order of evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<u32>,
}

/// The far side of a server's route, with the route's rewrites already applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// Envoy's name of the cluster.
    pub cluster: String,
    /// `:authority` that the server expects.
    pub authority: String,
    /// `:path` that the server expects.
    pub path: String,
}

/// Of each list of a server, how often it told of a change that was none: what clients of `mcp-streams` hear of when a
/// count is not what it was, as they do when a list is not. Where it comes to the largest number it begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ListChanged {
    /// `notifications/tools/list_changed`
    #[serde(skip_serializing_if = "crate::is_default")]
    pub tools: u32,
    /// `notifications/prompts/list_changed`
    #[serde(skip_serializing_if = "crate::is_default")]
    pub prompts: u32,
    /// `notifications/resources/list_changed`
    #[serde(skip_serializing_if = "crate::is_default")]
    pub resources: u32,
}

/// How long a routed request may be silent, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Timeouts {
    /// From the release of the request to the response headers.
    pub first_byte_ms: u64,
    /// Between two pieces of a streamed response.
    pub idle_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte_ms: 300_000,
            idle_ms: 300_000,
        }
    }
}

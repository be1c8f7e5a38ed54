use serde::{Deserialize, Serialize};

/// A URL at which MCP clients reach the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Host names or IP literals without port, compared without case, port and trailing dot.
    pub hosts: Vec<String>,
    /// Absolute path, compared exactly, without query. Usually `/mcp`.
    pub path: String,
    /// `Origin` values that are allowed beside those with the host and port of the request itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

use serde::{Deserialize, Serialize};

use crate::authentication::{Authentication, ProtectedResource};

/// A URL at which MCP clients reach the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Host names or IP literals without port, compared without case, port and trailing dot.
    pub hosts: Vec<String>,
    /// Absolute path, without query, usually `/mcp`. It and all below it, compared byte by byte, are the endpoint.
    pub path: String,
    /// `Origin` values that are allowed beside those with the host and port of the request itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// Who may use it. Absent: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Where callers get their tokens. Absent: the gateway answers no such question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_resource: Option<ProtectedResource>,
}

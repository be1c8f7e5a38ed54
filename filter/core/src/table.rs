//! The compiled configuration: an immutable table that every exchange of a worker shares.

use mcp_filter_config::PluginConfig;

/// See the module.
#[derive(Debug)]
pub struct Table {}

/// Why a configuration is refused. Names the JSON path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct CompileError {
    /// Where, such as `servers[2].prefix`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Table {
    /// Validates and compiles. Control calls this before it writes, the filter when it is configured.
    pub fn compile(_config: &PluginConfig) -> Result<Self, CompileError> {
        Ok(Self {})
    }
}

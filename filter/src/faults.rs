//! Ways to fail that a sound filter has not, for tests of what stands around it.

use mcp_filter_config::PluginConfig;

use crate::host::{self, Direction};

/// Traps where a request asks for it. The header map must be held.
pub(crate) fn trap_if_asked() {
    if host::header(Direction::Request, "x-mcp-fault").as_deref() == Some(b"trap") {
        std::process::abort();
    }
}

/// Why a configuration is refused: one of its servers is named so.
pub(crate) fn refusal(config: &PluginConfig) -> Option<String> {
    let mut servers = config.servers.iter();
    let refused = servers.find(|server| server.name.ends_with("/refused"))?;
    Some(format!("{} is to be refused", refused.name))
}

//! Configurations of the filter with which others begin.

use mcp_filter_config::{ControlKeys, Limits, PluginConfig, Role, Sessions, Telemetry, VERSION};

/// One that serves nobody.
pub(crate) fn empty(role: Role) -> PluginConfig {
    PluginConfig {
        version: VERSION,
        requires: Vec::new(),
        role,
        generation: String::new(),
        endpoints: Vec::new(),
        internal_hosts: Vec::new(),
        servers: Vec::new(),
        catalog: None,
        policies: Vec::new(),
        sessions: Sessions::default(),
        control: ControlKeys::default(),
        limits: Limits::default(),
        streams: None,
        telemetry: Telemetry::default(),
    }
}

//! The filter's configuration and the verdicts, from the resolved model and from what discovery found.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::{ControlKeys, Limits, PluginConfig, Role, Sessions, VERSION};
use mcp_filter_core::table::{CompileError, Table};

use crate::index::Index;
use crate::object::ObjectName;
use crate::offer::Offer;
use crate::verdict::{Fault, Verdict};

/// What discovery knows about one server. Absent where it was not tried yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The last good lists. They go on being served until discovery drops them.
    pub offer: Option<Arc<Offer>>,
    /// Why the latest try failed.
    pub fault: Option<Fault>,
}

/// Keys that control hands to the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// With which session ids are minted.
    pub sessions: Sessions,
    /// By which control is recognised.
    pub control: ControlKeys,
}

/// What is to be pushed and told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// For role `hold`; see [`for_role`] for the others.
    pub config: PluginConfig,
    /// One for each of [`Index::registrations`], in that order.
    pub verdicts: Vec<Verdict>,
}

/// Renders. Equal arguments give equal bytes.
///
/// # Errors
/// Where the filter would refuse the result, for a reason that is no single registration's.
pub fn render(
    index: &Index,
    findings: &BTreeMap<ObjectName, Finding>,
    keys: &Keys,
) -> Result<Rendered, CompileError> {
    let _ = findings;
    let config = PluginConfig {
        version: VERSION,
        requires: Vec::new(),
        role: Role::Hold,
        generation: String::new(),
        endpoints: index.endpoints.clone(),
        internal_hosts: index.internal_hosts.clone(),
        servers: Vec::new(),
        catalog: None,
        policies: index.policies.clone(),
        sessions: keys.sessions.clone(),
        control: keys.control.clone(),
        limits: Limits::default(),
    };
    Table::compile(&config)?;
    Ok(Rendered {
        config,
        verdicts: Vec::new(),
    })
}

/// The same configuration for another role. `gate` keeps its role and version alone, so it never changes.
pub fn for_role(config: &PluginConfig, role: Role) -> PluginConfig {
    match role {
        Role::Hold | Role::Route => PluginConfig {
            role,
            ..config.clone()
        },
        Role::Gate => PluginConfig {
            version: config.version,
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
        },
    }
}

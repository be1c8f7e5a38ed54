//! The filter's configuration and the verdicts, from the resolved model and from what discovery found.

mod assembly;
mod attachment;
mod listed;
mod packing;
mod portable;
mod request_authentication;
mod restore;
mod share;
mod size;
mod streams_route;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::{
    AUTHENTICATION, Catalog, ControlKeys, Limits, ListChanged, PluginConfig, Role, STATELESS,
    Server, Sessions, VERSION,
};
use mcp_filter_core::table::{CompileError, Table};
use mcp_filter_core::version::STATELESS_REVISION;
use sha2::{Digest, Sha256};

use crate::configuration::empty;
use crate::index::Index;
use crate::object::ObjectName;
use crate::offer::Offer;
use crate::verdict::{Fault, Reason, Verdict};
use assembly::Assembly;
pub use attachment::{Unwritable, attachment, envoy_filter_name, managed_attachment, name_suffix};
pub use listed::{Listed, Shown};
pub use packing::Packing;
pub use request_authentication::{
    request_authentication, request_authentication_name, wants_tokens,
};
pub use restore::{RestoreError, restore};
pub use size::{LARGEST_OBJECT_BYTES, pushed_bytes};
pub use streams_route::streams_route;

/// What discovery knows about one server. Absent where it was not tried yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The last good lists. They go on being served until discovery drops them.
    pub offer: Option<Arc<Offer>>,
    /// Why the latest try failed.
    pub fault: Option<Fault>,
    /// How often the server told of changes that were none, as far as clients are to hear of that.
    pub list_changed: ListChanged,
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
    /// What clients are shown with the configuration.
    pub listed: Listed,
}

/// Renders for a filter that reads its configuration from where any size goes. Equal arguments give equal bytes.
///
/// # Errors
/// Where the filter would refuse the result, for a reason that is no single registration's.
pub fn render(
    index: &Index,
    findings: &BTreeMap<ObjectName, Finding>,
    keys: &Keys,
) -> Result<Rendered, CompileError> {
    render_within(index, findings, keys, &mut Packing::within(usize::MAX))
}

/// As [`render`], and what is pushed is never larger than `packing` says. Where it would be,
/// the registrations are gone through oldest first, and each that no longer fits is refused: older ones never suffer from
/// younger ones, and what is small enough fits after it.
///
/// # Errors
/// Likewise, and where there is no room for any server.
pub fn render_within(
    index: &Index,
    findings: &BTreeMap<ObjectName, Finding>,
    keys: &Keys,
    packing: &mut Packing,
) -> Result<Rendered, CompileError> {
    packing.tidy();
    let mut refused: BTreeMap<ObjectName, Fault> = BTreeMap::new();
    loop {
        let assembly = Assembly::new(index, findings, &refused);
        let catalog = packing.catalog(&assembly);
        let config = configuration(index, &assembly, keys, catalog);
        let more = match Table::compile(&config) {
            Ok(_) => size::refusals(&assembly, &config, packing)?,
            Err(error) => vec![refusal(&assembly, error)?],
        };
        if more.is_empty() {
            return Ok(Rendered {
                config,
                verdicts: assembly.verdicts(),
                listed: Listed::new(assembly.definitions(), &index.virtual_servers),
            });
        }
        refused.extend(more);
    }
}

/// One server that the filter would refuse takes no other down.
fn refusal(
    assembly: &Assembly<'_>,
    error: CompileError,
) -> Result<(ObjectName, Fault), CompileError> {
    let Some(name) = assembly.server_at(&error.path) else {
        return Err(error);
    };
    // Its place is nobody's business.
    let member = error.path.split_once("].").map_or("", |(_, member)| member);
    let message = format!("the filter refuses the server: {member} {}", error.reason);
    Ok((name, Fault::new(Reason::Invalid, message)))
}

fn configuration(
    index: &Index,
    assembly: &Assembly<'_>,
    keys: &Keys,
    catalog: Option<Catalog>,
) -> PluginConfig {
    let servers = assembly.servers();
    let mut config = PluginConfig {
        version: VERSION,
        requires: requirements(index, &servers),
        role: Role::Hold,
        generation: String::new(),
        endpoints: index.endpoints.clone(),
        internal_hosts: index.internal_hosts.clone(),
        servers,
        catalog,
        policies: index.policies.clone(),
        sessions: keys.sessions.clone(),
        control: keys.control.clone(),
        limits: Limits::default(),
        telemetry: index.telemetry,
        streams: index.streams.clone(),
    };
    config.generation = digest(&config);
    config
}

/// What an older filter would have to know.
fn requirements(index: &Index, servers: &[Server]) -> Vec<String> {
    let mut endpoints = index.endpoints.iter();
    let is_authenticated = endpoints.any(|endpoint| endpoint.authentication.is_some());
    let is_stateless = |server: &Server| server.protocol_version == STATELESS_REVISION;
    let needed = [
        (AUTHENTICATION, is_authenticated),
        (STATELESS, servers.iter().any(is_stateless)),
    ];
    let needed = needed.into_iter().filter(|(_, is_needed)| *is_needed);
    needed.map(|(name, _)| name.to_owned()).collect()
}

/// SHA-256 of the configuration without generation and for role `hold`, so that all roles show one.
fn digest(config: &PluginConfig) -> String {
    // Strings, numbers and lists alone: cannot fail.
    let bytes = serde_json::to_vec(config).unwrap_or_default();
    Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
            ..empty(role)
        },
    }
}

#[cfg(test)]
mod tests;

//! From a configuration that control had pushed back to what discovery had found.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::{KNOWN_REQUIREMENTS, PluginConfig, Server, VERSION};
use mcp_filter_core::catalog::{Catalog, Definition, InvalidCatalog, InvalidDefinition, ListKind};

use super::Finding;
use crate::object::ObjectName;
use crate::offer::{self, Offer};

/// Why nothing can be read back. Whatever the configuration serves has then to be discovered anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It was written by a control of another version.
    #[error("version {0}: this control reads version {VERSION}")]
    Version(u32),
    /// It was written by a newer control.
    #[error("requires[{place}] {name:?}: this control does not know it")]
    Requirement {
        /// In the list.
        place: usize,
        /// The feature.
        name: String,
    },
    /// A server is named otherwise than control names one, or as another.
    #[error("servers[{place}].name {name:?}: must be namespace/name, and no other server's")]
    Server {
        /// In the list.
        place: usize,
        /// As it stands there.
        name: String,
    },
    /// The definitions cannot be unpacked.
    #[error("catalog: {0}")]
    Catalog(#[from] InvalidCatalog),
    /// A definition's server is not there.
    #[error("catalog: {key:?} belongs to servers[{server}], which is not there")]
    NoServer {
        /// Name or URI of the definition.
        key: String,
        /// In the list.
        server: u32,
    },
    /// A definition is none that control would have written.
    #[error("catalog: {key:?}: {reason}")]
    Definition {
        /// Its name or URI.
        key: String,
        /// What is wrong.
        reason: InvalidDefinition,
    },
}

/// What the servers of `config` offer, as far as it is served: rendered again it gives the same. Names of servers that an
/// older one has, and what no list could have, are not among it.
///
/// # Errors
/// Where control has not written `config`, or somebody has changed it.
pub fn restore(config: &PluginConfig) -> Result<BTreeMap<ObjectName, Finding>, RestoreError> {
    expect_known(config)?;
    let mut offers: Vec<Offer> = config.servers.iter().map(handshake).collect();
    if let Some(packed) = &config.catalog {
        let catalog = Catalog::decode(packed)?;
        for kind in ListKind::ALL {
            fill(&mut offers, &config.servers, &catalog, kind)?;
        }
    }
    let mut restored = BTreeMap::new();
    for (place, (server, mut offer)) in config.servers.iter().zip(offers).enumerate() {
        offer.has_unlisted_resources = server.resources && !offer.has_resources();
        let error = || RestoreError::Server {
            place,
            name: server.name.clone(),
        };
        let name = ObjectName::parse(&server.name).ok_or_else(error)?;
        let finding = Finding {
            offer: Some(Arc::new(offer)),
            fault: None,
            list_changed: server.list_changed,
        };
        if restored.insert(name, finding).is_some() {
            return Err(error());
        }
    }
    Ok(restored)
}

fn expect_known(config: &PluginConfig) -> Result<(), RestoreError> {
    if config.version != VERSION {
        return Err(RestoreError::Version(config.version));
    }
    let mut requires = config.requires.iter().enumerate();
    match requires.find(|(_, name)| !KNOWN_REQUIREMENTS.contains(&name.as_str())) {
        None => Ok(()),
        Some((place, name)) => Err(RestoreError::Requirement {
            place,
            name: name.clone(),
        }),
    }
}

/// All but the lists.
fn handshake(server: &Server) -> Offer {
    Offer {
        protocol_version: server.protocol_version.clone(),
        stateless: server.stateless,
        issues_sessions: server.issues_sessions,
        completions: server.completions,
        logging: server.logging,
        tasks: server.tasks,
        stateless_tasks: server.stateless_tasks,
        apps: server.apps,
        ..Offer::default()
    }
}

fn fill(
    offers: &mut [Offer],
    servers: &[Server],
    catalog: &Catalog,
    kind: ListKind,
) -> Result<(), RestoreError> {
    for (place, (server, key)) in (0_u32..).zip(catalog.entries(kind)) {
        let owner = usize::try_from(server).unwrap_or(usize::MAX);
        let (Some(offer), Some(owner)) = (offers.get_mut(owner), servers.get(owner)) else {
            let key = key.to_owned();
            return Err(RestoreError::NoServer { key, server });
        };
        let bytes = catalog.definition(kind, place as usize).unwrap_or_default();
        let json = std::str::from_utf8(bytes).unwrap_or_default();
        let own = Definition::parse_federated(kind, &owner.prefix, json).map_err(|reason| {
            RestoreError::Definition {
                key: key.to_owned(),
                reason,
            }
        })?;
        let own = own.with_ui_uris(|uri| Some(catalog.ui_resource(uri)?.1?.to_owned()));
        list_mut(offer, kind).push(offer::Definition {
            key: own.key().to_owned(),
            json: own.json().to_owned(),
            listed_in: catalog.listed_in(kind, place),
        });
    }
    Ok(())
}

fn list_mut(offer: &mut Offer, kind: ListKind) -> &mut Vec<offer::Definition> {
    match kind {
        ListKind::Tools => &mut offer.tools,
        ListKind::Prompts => &mut offer.prompts,
        ListKind::Resources => &mut offer.resources,
        ListKind::ResourceTemplates => &mut offer.resource_templates,
    }
}

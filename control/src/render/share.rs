//! What of a server's offer is served, and what an older registration has already.

use std::collections::BTreeSet;

use mcp_filter_core::catalog::{Definition, LARGEST_CATALOG, ListKind};

use crate::offer::{self, Offer};

/// What an entry takes in the packed form beside key and definition, at most.
const ENTRY_BYTES: u64 = 48;

/// The names and URIs of all servers so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    keys: BTreeSet<(ListKind, String)>,
    bytes: u64,
}

/// What is served of one offer.
#[derive(Clone, Debug, Default)]
pub(super) struct Share {
    /// In the server's order, list by list.
    pub(super) definitions: Vec<Definition>,
    /// Names and URIs that an older registration has.
    pub(super) conflicts: Vec<String>,
    /// What cannot stand in a list, and why.
    pub(super) left_out: Vec<String>,
}

impl Share {
    /// How many definitions of a list are served.
    pub(super) fn count(&self, kind: ListKind) -> usize {
        self.definitions
            .iter()
            .filter(|definition| definition.kind() == kind)
            .count()
    }
}

impl Taken {
    /// Takes what is free. `None` where it does not fit; then nothing is taken.
    pub(super) fn take(&mut self, prefix: &str, offer: &Offer) -> Option<Share> {
        let mut share = Share {
            left_out: offer.left_out.clone(),
            ..Share::default()
        };
        let mut own = BTreeSet::new();
        let mut bytes = self.bytes;
        for (kind, definitions) in lists(offer) {
            for definition in definitions {
                let parsed = match Definition::parse(kind, prefix, &definition.json) {
                    Ok(parsed) => parsed.listed(definition.listed_in),
                    Err(reason) => {
                        let member = kind.member();
                        share
                            .left_out
                            .push(format!("{member} {:?}: {reason}", definition.key));
                        continue;
                    }
                };
                let key = (kind, parsed.key().to_owned());
                if self.keys.contains(&key) {
                    share.conflicts.push(key.1);
                } else if own.insert(key) {
                    let length = parsed.json().len() + 2 * parsed.key().len();
                    bytes += ENTRY_BYTES + u64::try_from(length).unwrap_or(u64::MAX / 2);
                    share.definitions.push(parsed);
                } else {
                    let member = kind.member();
                    share
                        .left_out
                        .push(format!("{member} {:?}: it is listed twice", definition.key));
                }
            }
        }
        if bytes > LARGEST_CATALOG {
            return None;
        }
        self.bytes = bytes;
        self.keys.extend(own);
        Some(share)
    }
}

fn lists(offer: &Offer) -> [(ListKind, &[offer::Definition]); 4] {
    [
        (ListKind::Tools, &offer.tools),
        (ListKind::Prompts, &offer.prompts),
        (ListKind::Resources, &offer.resources),
        (ListKind::ResourceTemplates, &offer.resource_templates),
    ]
}

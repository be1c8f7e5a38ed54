//! What of a server's offer is served, and what an older registration has already.

use std::collections::BTreeSet;

use mcp_filter_core::catalog::{Definition, LARGEST_CATALOG, ListKind, UiResource};

use super::views::Views;
use crate::object::ObjectName;
use crate::offer::{self, Offer};

/// What an entry takes in the packed form beside key and definition, at most.
const ENTRY_BYTES: u64 = 48;

/// The names and URIs of all servers so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    keys: BTreeSet<(ListKind, String)>,
    /// URIs that any server lists, whether it has had its turn or not.
    listed: BTreeSet<String>,
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
    /// What its tools name and can be read, and no list has.
    pub(super) ui_resources: Vec<UiResource>,
}

impl Share {
    /// How many definitions of a list are served.
    pub(super) fn count(&self, kind: ListKind) -> usize {
        self.definitions
            .iter()
            .filter(|definition| definition.kind() == kind)
            .count()
    }

    fn leave_out(&mut self, kind: ListKind, key: &str, reason: &str) {
        let member = kind.member();
        self.left_out.push(format!("{member} {key:?}: {reason}"));
    }

    /// In the packed form, at most.
    fn bytes(&self) -> u64 {
        let definitions = self.definitions.iter();
        let definitions = definitions.map(|one| one.json().len() + 2 * one.key().len());
        let views = self.ui_resources.iter();
        let views = views.map(|view| {
            let own_uri = view.own_uri.as_deref().unwrap_or_default();
            2 * (view.uri.len() + own_uri.len())
        });
        let lengths = definitions.chain(views);
        lengths
            .map(|length| ENTRY_BYTES + u64::try_from(length).unwrap_or(u64::MAX / 2))
            .fold(0, u64::saturating_add)
    }
}

impl Taken {
    /// Nothing yet, before the turn of these. To name a URI is not to have it: one that any of them lists is theirs.
    pub(super) fn before<'a>(offers: impl Iterator<Item = &'a Offer>) -> Self {
        let listed = offers.flat_map(|offer| &offer.resources);
        Self {
            listed: listed.map(|listed| listed.key.clone()).collect(),
            ..Self::default()
        }
    }

    /// Takes what is free, for the server that is registered as `name`. `None` where it does not fit; then nothing is
    /// taken.
    pub(super) fn take(
        &mut self,
        (name, prefix): (&ObjectName, &str),
        offer: &Offer,
    ) -> Option<Share> {
        let mut share = Share {
            left_out: offer.left_out.clone(),
            ..Share::default()
        };
        let mut own = BTreeSet::new();
        for (kind, definitions) in lists(offer) {
            for definition in definitions {
                let parsed = match Definition::parse(kind, prefix, &definition.json) {
                    Ok(parsed) => parsed.listed(definition.listed_in),
                    Err(reason) => {
                        share.leave_out(kind, &definition.key, &reason.to_string());
                        continue;
                    }
                };
                let key = (kind, parsed.key().to_owned());
                if self.keys.contains(&key) {
                    share.conflicts.push(key.1);
                } else if own.insert(key) {
                    share.definitions.push(parsed);
                } else {
                    share.leave_out(kind, &definition.key, "it is listed twice");
                }
            }
        }
        self.add_views(name, &own, &mut share);
        let bytes = self.bytes.saturating_add(share.bytes());
        if bytes > LARGEST_CATALOG {
            return None;
        }
        self.bytes = bytes;
        self.keys.extend(own);
        let views = share.ui_resources.iter();
        self.keys
            .extend(views.map(|view| (ListKind::Resources, view.uri.clone())));
        Some(share)
    }

    /// What the tools name to be shown can be read, whether it is listed or not.
    fn add_views(&self, name: &ObjectName, own: &BTreeSet<(ListKind, String)>, share: &mut Share) {
        let is_taken = |uri: &str| {
            let key = (ListKind::Resources, uri.to_owned());
            self.keys.contains(&key) || (self.listed.contains(uri) && !own.contains(&key))
        };
        let views = Views::of(share.definitions.iter(), name, is_taken);
        let definitions = std::mem::take(&mut share.definitions).into_iter();
        share.definitions = definitions.map(|one| views.shown(one)).collect();
        share.ui_resources = views.unlisted(own);
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

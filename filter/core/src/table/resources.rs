//! Whose a URI is that no server lists.

use std::cmp::Reverse;

use super::Offered;
use super::error::{CompileError, refuse};
use super::server::{ServerIndex, Servers};
use crate::catalog::{Catalog, ListKind, ListedIn};
use crate::resource_uri::Template;

/// Templates, most literal characters first, then in the order of the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources {
    templates: Vec<(Template, Offered)>,
    /// Servers that have resources, at most two of them.
    holders: Vec<ServerIndex>,
}

/// Longest URI that is compared with templates, in bytes.
const LONGEST_URI: usize = 8 * 1024;

impl Resources {
    pub(super) fn compile(catalog: &Catalog, servers: &Servers) -> Result<Self, CompileError> {
        let mut templates = Vec::new();
        for (index, (server, text)) in (0_u32..).zip(catalog.entries(ListKind::ResourceTemplates)) {
            let offered = Offered {
                server: ServerIndex(server),
                listed_in: catalog.listed_in(ListKind::ResourceTemplates, index),
            };
            match Template::parse(text) {
                Ok(template) => templates.push((template, offered)),
                Err(error) => {
                    return refuse(
                        format_args!("catalog.data.resourceTemplates[{index}]"),
                        format_args!("{text}: {error}"),
                    );
                }
            }
        }
        templates.sort_by_key(|(template, _)| Reverse(template.literal_chars()));
        let listed = catalog
            .entries(ListKind::Resources)
            .chain(catalog.entries(ListKind::ResourceTemplates));
        let announced = servers
            .iter()
            .filter(|(_, server)| server.resources)
            .map(|(index, _)| index);
        let mut holders: Vec<ServerIndex> = Vec::new();
        for holder in listed
            .map(|(server, _)| ServerIndex(server))
            .chain(announced)
        {
            if holders.len() < 2 && !holders.contains(&holder) {
                holders.push(holder);
            }
        }
        Ok(Self { templates, holders })
    }

    pub(super) fn any(&self) -> bool {
        !self.holders.is_empty()
    }

    pub(super) fn find(&self, uri: &str) -> Option<Offered> {
        let matching = self.templates.iter().filter(|_| uri.len() <= LONGEST_URI);
        let matching = matching
            .into_iter()
            .find(|(template, _)| template.matches(uri))
            .map(|(_, offered)| *offered);
        matching.or(match self.holders.as_slice() {
            [only] => Some(Offered {
                server: *only,
                listed_in: ListedIn::default(),
            }),
            _ => None,
        })
    }
}

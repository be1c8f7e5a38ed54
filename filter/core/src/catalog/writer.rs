//! Packs definitions.

use std::borrow::Cow;

use super::packed::{self, Header, HeaderEntry};
use super::{Definition, ListKind};

/// Collects definitions in the order in which they shall be listed: oldest server first, each in its server's order.
#[derive(Clone, Debug, Default)]
pub struct CatalogWriter {
    entries: Vec<(u32, Definition)>,
}

impl CatalogWriter {
    /// Without any definition.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a definition of the server at the place `server` of the configuration.
    pub fn push(&mut self, server: u32, definition: Definition) {
        self.entries.push((server, definition));
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The packed form, compressed and as text.
    pub fn finish(&self) -> mcp_filter_config::Catalog {
        packed::encode(&self.pack())
    }

    pub(super) fn entries(&self) -> &[(u32, Definition)] {
        &self.entries
    }

    fn pack(&self) -> Vec<u8> {
        let mut header = Header::default();
        let mut definitions = Vec::new();
        for kind in ListKind::ALL {
            for (index, (server, definition)) in self
                .entries
                .iter()
                .filter(|(_, definition)| definition.kind() == kind)
                .enumerate()
            {
                if index > 0 {
                    definitions.push(b',');
                }
                definitions.extend_from_slice(definition.json().as_bytes());
                let length = definition.json().len() as u64;
                header.list_mut(kind).push(HeaderEntry(
                    *server,
                    Cow::Borrowed(definition.key()),
                    length,
                ));
                if !definition.hints().is_empty() {
                    let place = u32::try_from(index).unwrap_or(u32::MAX);
                    header.hints.push((place, definition.hints().code()));
                }
            }
        }
        // Strings and integers alone: cannot fail.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        [length.to_le_bytes().as_slice(), &header, &definitions].concat()
    }
}

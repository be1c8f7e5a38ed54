//! Packs definitions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::packed::{self, Header, HeaderEntry, HeaderUiResource, HeaderVirtualServer};
use super::{Definition, ListKind, UiResource};

/// Collects definitions in the order in which they shall be listed: oldest server first, each in its server's order.
#[derive(Clone, Debug, Default)]
pub struct CatalogWriter {
    entries: Vec<(u32, Definition)>,
    ui_resources: Vec<(u32, UiResource)>,
    virtual_servers: Vec<Selected>,
}

/// A virtual server, by the federated names of what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// `namespace/name`
    pub name: String,
    /// Those that are listed nowhere do not count.
    pub tools: Vec<String>,
    /// The same; all where absent.
    pub prompts: Option<Vec<String>>,
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

    /// Adds a resource of the server at the place `server` that tools name.
    pub fn name(&mut self, server: u32, resource: UiResource) {
        self.ui_resources.push((server, resource));
    }

    /// Adds a virtual server.
    pub fn select(&mut self, selected: Selected) {
        self.virtual_servers.push(selected);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.virtual_servers.is_empty()
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
                let place = u32::try_from(index).unwrap_or(u32::MAX);
                if !definition.hints().is_empty() {
                    header.hints.push((place, definition.hints().code()));
                }
                if let Some(era) = definition.listed_in().code() {
                    header.eras.list_mut(kind).push((place, era));
                }
            }
        }
        let ui_resources = self.ui_resources.iter();
        header.ui_resources = ui_resources
            .map(|(server, UiResource { uri, own_uri })| {
                let own_uri = own_uri.as_deref().map(Cow::Borrowed);
                HeaderUiResource(*server, Cow::Borrowed(uri), own_uri)
            })
            .collect();
        header.virtual_servers = self.selections(&header);
        // Strings and integers alone: cannot fail.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        [length.to_le_bytes().as_slice(), &header, &definitions].concat()
    }

    fn selections(&self, header: &Header<'_>) -> Vec<HeaderVirtualServer<'_>> {
        if self.virtual_servers.is_empty() {
            return Vec::new();
        }
        let by_key = |kind| {
            let entries = header.list(kind).iter();
            let places = entries
                .zip(0..)
                .map(|(HeaderEntry(_, key, _), place)| (&**key, place));
            places.collect::<BTreeMap<&str, u32>>()
        };
        let (tools, prompts) = (by_key(ListKind::Tools), by_key(ListKind::Prompts));
        let places = |list: &BTreeMap<&str, u32>, names: &[String]| {
            let places = names.iter().filter_map(|name| list.get(name.as_str()));
            places.copied().collect::<Vec<u32>>()
        };
        let selections = self.virtual_servers.iter().map(|selected| {
            let name = Cow::Borrowed(selected.name.as_str());
            let of_prompts = selected.prompts.as_ref();
            let of_prompts = of_prompts.map(|names| places(&prompts, names));
            HeaderVirtualServer(name, places(&tools, &selected.tools), of_prompts)
        });
        selections.collect()
    }
}

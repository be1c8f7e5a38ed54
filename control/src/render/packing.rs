//! Packs definitions, and remembers what was packed: it is most of what rendering costs.

use std::collections::BTreeMap;

use mcp_filter_config::Catalog;
use mcp_filter_core::catalog::UiResource;
use sha2::{Digest, Sha256};

use super::assembly::Assembly;

/// SHA-256 of the definitions, of whose they are, and of what virtual servers select.
type Key = [u8; 32];

/// What packing led to last time, and how large a configuration may be.
#[derive(Debug)]
pub struct Packing {
    largest: usize,
    known: BTreeMap<Key, Packed>,
}

#[derive(Debug, Default)]
struct Packed {
    catalog: Option<Catalog>,
    weights: Option<BTreeMap<u32, u64>>,
    is_used: bool,
}

impl Packing {
    /// For configurations of at most so many bytes of JSON, see [`pushed_bytes`](super::pushed_bytes).
    pub fn within(largest: usize) -> Self {
        Self {
            largest,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// What the servers offer. `None` where that is nothing.
    pub(super) fn catalog(&mut self, assembly: &Assembly<'_>) -> Option<Catalog> {
        let packed = self.packed(assembly);
        if packed.catalog.is_none() {
            let writer = assembly.writer();
            packed.catalog = (!writer.is_empty()).then(|| writer.finish());
        }
        packed.catalog.clone()
    }

    /// See [`CatalogWriter::weights`](mcp_filter_core::catalog::CatalogWriter::weights).
    pub(super) fn weights(&mut self, assembly: &Assembly<'_>) -> &BTreeMap<u32, u64> {
        let packed = self.packed(assembly);
        packed
            .weights
            .get_or_insert_with(|| assembly.writer().weights())
    }

    /// Forgets what was not asked for since this was called last.
    pub(super) fn tidy(&mut self) {
        self.known.retain(|_, packed| packed.is_used);
        for packed in self.known.values_mut() {
            packed.is_used = false;
        }
    }

    fn packed(&mut self, assembly: &Assembly<'_>) -> &mut Packed {
        let packed = self.known.entry(key(assembly)).or_default();
        packed.is_used = true;
        packed
    }
}

fn key(assembly: &Assembly<'_>) -> Key {
    let mut hash = Sha256::new();
    for (place, definition) in assembly.definitions() {
        let json = definition.json();
        hash.update(place.to_le_bytes());
        hash.update(definition.kind().member());
        hash.update([definition.listed_in() as u8]);
        hash.update(json.len().to_le_bytes());
        hash.update(json);
    }
    for (place, UiResource { uri, own_uri }) in assembly.ui_resources() {
        hash.update(place.to_le_bytes());
        hash.update([u8::from(own_uri.is_some())]);
        for uri in std::iter::once(uri).chain(own_uri) {
            hash.update(uri.len().to_le_bytes());
            hash.update(uri);
        }
    }
    for selected in assembly.virtual_servers() {
        let names = selected
            .tools
            .iter()
            .chain(selected.prompts.iter().flatten());
        let prompts = selected.prompts.as_ref().map_or(usize::MAX, Vec::len);
        hash.update(selected.tools.len().to_le_bytes());
        hash.update(prompts.to_le_bytes());
        for name in std::iter::once(&selected.name).chain(names) {
            hash.update(name.len().to_le_bytes());
            hash.update(name);
        }
    }
    hash.finalize().into()
}

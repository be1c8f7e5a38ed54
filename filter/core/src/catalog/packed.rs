//! The packed form as bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_filter_config::CatalogEncoding;
use serde::{Deserialize, Serialize};

use super::list::{Entry, List};
use super::{Catalog, ListKind, ListedIn, ToolHints, VirtualServer};

/// Bytes of the largest packed form that is unpacked.
pub const LARGEST_CATALOG: u64 = 64 * 1024 * 1024;

/// zlib's for "smallest".
pub(super) const COMPRESSION_LEVEL: u8 = 9;

/// Server, key and length of each definition, by list.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) tools: Vec<HeaderEntry<'a>>,
    #[serde(borrow)]
    pub(super) prompts: Vec<HeaderEntry<'a>>,
    #[serde(borrow)]
    pub(super) resources: Vec<HeaderEntry<'a>>,
    #[serde(borrow)]
    pub(super) resource_templates: Vec<HeaderEntry<'a>>,
    /// Place and hints of each tool that gives any, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hints: Vec<(u32, u8)>,
    /// Unknown to older filters, which take such definitions for those of both eras.
    #[serde(skip_serializing_if = "Eras::is_empty")]
    pub(super) eras: Eras,
    /// Unknown to older filters, which find such a resource as any other that no server lists.
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub(super) ui_resources: Vec<HeaderUiResource<'a>>,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub(super) virtual_servers: Vec<HeaderVirtualServer<'a>>,
}

/// Place and era of each definition that is not listed in both, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Eras {
    tools: Vec<(u32, u8)>,
    prompts: Vec<(u32, u8)>,
    resources: Vec<(u32, u8)>,
    resource_templates: Vec<(u32, u8)>,
}

/// Server, URI and the server's own URI. A JSON array of its members.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderUiResource<'a>(
    pub(super) u32,
    #[serde(borrow)] pub(super) Cow<'a, str>,
    #[serde(borrow)] pub(super) Option<Cow<'a, str>>,
);

/// Name, and places of tools and prompts; all prompts where they are null. A JSON array of its members.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderVirtualServer<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    pub(super) Vec<u32>,
    pub(super) Option<Vec<u32>>,
);

/// A JSON array of its members.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderEntry<'a>(
    pub(super) u32,
    #[serde(borrow)] pub(super) Cow<'a, str>,
    pub(super) u64,
);

/// Why a packed form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalog {
    /// `bytes` is more than [`LARGEST_CATALOG`].
    #[error("larger than {LARGEST_CATALOG} bytes")]
    TooLarge,
    /// `data` is not base64.
    #[error("data is not standard base64")]
    Base64,
    /// `data` is not DEFLATE, or does not inflate to exactly `bytes` bytes.
    #[error("data does not inflate to the stated number of bytes")]
    Inflate,
    /// The header is cut, or not what it should be.
    #[error("header is not readable")]
    Header,
    /// The definitions' lengths do not add up to what follows the header.
    #[error("definitions do not have the lengths that the header states")]
    Lengths,
    /// A definition is no JSON object.
    #[error("definition of {0} is not an object")]
    NotAnObject(String),
    /// Two definitions of one list have one key. Control settles that before it packs.
    #[error("{0} stands twice")]
    Duplicate(String),
    /// A virtual server selects by a place that its list does not have.
    #[error("virtual server {0} selects what no list has")]
    Selection(String),
}

impl<'a> Header<'a> {
    pub(super) fn list(&self, kind: ListKind) -> &[HeaderEntry<'a>] {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Prompts => &self.prompts,
            ListKind::Resources => &self.resources,
            ListKind::ResourceTemplates => &self.resource_templates,
        }
    }

    pub(super) fn list_mut(&mut self, kind: ListKind) -> &mut Vec<HeaderEntry<'a>> {
        match kind {
            ListKind::Tools => &mut self.tools,
            ListKind::Prompts => &mut self.prompts,
            ListKind::Resources => &mut self.resources,
            ListKind::ResourceTemplates => &mut self.resource_templates,
        }
    }
}

impl Eras {
    fn is_empty(&self) -> bool {
        ListKind::ALL.iter().all(|kind| self.list(*kind).is_empty())
    }

    fn list(&self, kind: ListKind) -> &[(u32, u8)] {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Prompts => &self.prompts,
            ListKind::Resources => &self.resources,
            ListKind::ResourceTemplates => &self.resource_templates,
        }
    }

    pub(super) fn list_mut(&mut self, kind: ListKind) -> &mut Vec<(u32, u8)> {
        match kind {
            ListKind::Tools => &mut self.tools,
            ListKind::Prompts => &mut self.prompts,
            ListKind::Resources => &mut self.resources,
            ListKind::ResourceTemplates => &mut self.resource_templates,
        }
    }
}

pub(super) fn encode(packed: &[u8]) -> mcp_filter_config::Catalog {
    let deflated = miniz_oxide::deflate::compress_to_vec(packed, COMPRESSION_LEVEL);
    mcp_filter_config::Catalog {
        encoding: CatalogEncoding::DeflateBase64,
        data: STANDARD.encode(deflated),
        bytes: packed.len() as u64,
    }
}

pub(super) fn decode(catalog: &mcp_filter_config::Catalog) -> Result<Catalog, InvalidCatalog> {
    let CatalogEncoding::DeflateBase64 = catalog.encoding;
    read(inflate(catalog)?)
}

fn inflate(catalog: &mcp_filter_config::Catalog) -> Result<Vec<u8>, InvalidCatalog> {
    if catalog.bytes > LARGEST_CATALOG {
        return Err(InvalidCatalog::TooLarge);
    }
    let size = usize::try_from(catalog.bytes).map_err(|_| InvalidCatalog::TooLarge)?;
    let deflated = STANDARD
        .decode(&catalog.data)
        .map_err(|_| InvalidCatalog::Base64)?;
    let mut packed = vec![0; size];
    let pieces = std::iter::once(deflated.as_slice());
    match miniz_oxide::inflate::decompress_slice_iter_to_slice(&mut packed, pieces, false, true) {
        Ok(length) if length == size => Ok(packed),
        _ => Err(InvalidCatalog::Inflate),
    }
}

/// Reads an inflated packed form.
fn read(bytes: Vec<u8>) -> Result<Catalog, InvalidCatalog> {
    let (length, rest) = bytes.split_first_chunk().ok_or(InvalidCatalog::Header)?;
    let length = u32::from_le_bytes(*length) as usize;
    let header = rest.get(..length).ok_or(InvalidCatalog::Header)?;
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| InvalidCatalog::Header)?;
    let mut catalog = Catalog::default();
    let mut at = 4 + length;
    for kind in ListKind::ALL {
        let mut entries = entries(&bytes, header.list(kind), &mut at)?;
        if kind == ListKind::Tools {
            set_hints(&mut entries, &header.hints)?;
        }
        set_eras(&mut entries, header.eras.list(kind))?;
        let list = List::new(entries);
        if let Some(key) = list.duplicate() {
            return Err(InvalidCatalog::Duplicate(key.to_owned()));
        }
        *catalog.list_mut(kind) = list;
    }
    if at != bytes.len() {
        return Err(InvalidCatalog::Lengths);
    }
    catalog.ui_resources = ui_resources(&header.ui_resources)?;
    catalog.virtual_servers = virtual_servers(&catalog, &header.virtual_servers)?;
    catalog.bytes = bytes;
    Ok(catalog)
}

fn ui_resources(
    header: &[HeaderUiResource<'_>],
) -> Result<BTreeMap<String, (u32, Option<String>)>, InvalidCatalog> {
    let mut found = BTreeMap::new();
    for HeaderUiResource(server, uri, own_uri) in header {
        let own_uri = own_uri.as_deref().map(str::to_owned);
        if found.insert(uri.to_string(), (*server, own_uri)).is_some() {
            return Err(InvalidCatalog::Duplicate(uri.to_string()));
        }
    }
    Ok(found)
}

/// Sorted by name.
fn virtual_servers(
    catalog: &Catalog,
    header: &[HeaderVirtualServer<'_>],
) -> Result<Vec<VirtualServer>, InvalidCatalog> {
    let mut found = Vec::with_capacity(header.len());
    for HeaderVirtualServer(name, tools, prompts) in header {
        let is_listed = |kind, place: &u32| catalog.key(kind, *place).is_some();
        let is_tool = |place: &u32| is_listed(ListKind::Tools, place);
        let is_prompt = |place: &u32| is_listed(ListKind::Prompts, place);
        if !tools.iter().all(is_tool) || !prompts.iter().flatten().all(is_prompt) {
            return Err(InvalidCatalog::Selection(name.to_string()));
        }
        found.push(VirtualServer::new(name, tools.clone(), prompts.clone()));
    }
    found.sort_by(|a, b| a.name().cmp(b.name()));
    match found.array_windows().find(|[a, b]| a.name() == b.name()) {
        Some([twice, _]) => Err(InvalidCatalog::Duplicate(twice.name().to_owned())),
        None => Ok(found),
    }
}

fn set_hints(tools: &mut [Entry], hints: &[(u32, u8)]) -> Result<(), InvalidCatalog> {
    for (place, code) in hints {
        let tool = tools.get_mut(*place as usize);
        tool.ok_or(InvalidCatalog::Header)?.hints = ToolHints::of_code(*code);
    }
    Ok(())
}

fn set_eras(entries: &mut [Entry], eras: &[(u32, u8)]) -> Result<(), InvalidCatalog> {
    for (place, code) in eras {
        let entry = entries.get_mut(*place as usize);
        let listed_in = ListedIn::of_code(*code).ok_or(InvalidCatalog::Header)?;
        entry.ok_or(InvalidCatalog::Header)?.listed_in = listed_in;
    }
    Ok(())
}

/// The entries of one list, whose definitions begin at `at`; moves `at` behind them.
fn entries(
    bytes: &[u8],
    header: &[HeaderEntry<'_>],
    at: &mut usize,
) -> Result<Vec<Entry>, InvalidCatalog> {
    let mut entries = Vec::with_capacity(header.len());
    for (index, HeaderEntry(server, key, length)) in header.iter().enumerate() {
        if index > 0 {
            if bytes.get(*at) != Some(&b',') {
                return Err(InvalidCatalog::Lengths);
            }
            *at += 1;
        }
        let start = *at;
        let end = usize::try_from(*length)
            .ok()
            .and_then(|length| start.checked_add(length));
        let end = end.ok_or(InvalidCatalog::Lengths)?;
        let definition = bytes.get(start..end).ok_or(InvalidCatalog::Lengths)?;
        if !(definition.starts_with(b"{") && definition.ends_with(b"}")) {
            return Err(InvalidCatalog::NotAnObject(key.to_string()));
        }
        entries.push(Entry {
            server: *server,
            key: key.as_ref().into(),
            start,
            end,
            hints: ToolHints::default(),
            listed_in: ListedIn::default(),
        });
        *at = end;
    }
    Ok(entries)
}

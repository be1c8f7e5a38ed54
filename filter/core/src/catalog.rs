//! What all servers offer, packed by control and read by the filter without looking into a definition.
//!
//! The packed form is four bytes of header length (little-endian), the header (JSON), then for each of the four lists,
//! in the order of [`ListKind`], its definitions joined by commas. The header has for each list one
//! `[server, key, bytes]` per definition: the server's place in the configuration, the federated name (tools and
//! prompts) or URI (resources) or template text, and the definition's length. `hints` has `[place, hints]` for each
//! tool that gives any ([`ToolHints`]), `eras` has for each list `[place, era]` for each definition that its server lists
//! in one of its two eras alone (0: in sessions, 1: in the stateless revision), `uiResources` has `[server, URI, own
//! URI]` for each resource that tools name and that can be read without standing in a list, the last where the server
//! knows it by another, and `virtualServers` has `[name, tools, prompts]` for each virtual server: the
//! places of its tools and prompts, null for all prompts. Definitions are as the servers wrote them, but for the
//! federated name. So a page of a list is one slice, or where not all of it is shown, a row of slices, found without
//! parsing.

mod cache_scope;
mod cursor;
mod definition;
mod hints;
mod list;
mod listed_in;
mod mirrored;
mod packed;
mod page;
mod shown;
mod ui_resource;
mod virtual_server;
mod weights;
mod writer;

pub use cache_scope::CacheScope;
pub use cursor::InvalidCursor;
pub use definition::{Definition, InvalidDefinition};
pub use hints::ToolHints;
pub use list::ListResult;
pub use listed_in::ListedIn;
pub(crate) use mirrored::Mirrored;
pub use packed::{InvalidCatalog, LARGEST_CATALOG};
pub use page::PageSize;
pub use shown::{Listed, Shown};
pub use ui_resource::UiResource;
pub use virtual_server::VirtualServer;
pub use writer::{CatalogWriter, Selected};

use std::collections::BTreeMap;

use list::List;

/// The lists that a server has and that a gateway joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
}

impl ListKind {
    /// All of them, in the order of the packed form.
    pub const ALL: [Self; 4] = [
        Self::Tools,
        Self::Prompts,
        Self::Resources,
        Self::ResourceTemplates,
    ];

    /// The member of the list's result that holds the definitions.
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }

    /// The member of a definition by which requests name it.
    pub fn key_member(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::ResourceTemplates => "uriTemplate",
        }
    }

    /// Whether definitions are known by a federated name, not by a URI.
    pub fn is_named(self) -> bool {
        matches!(self, Self::Tools | Self::Prompts)
    }
}

/// What is known of a definition without looking into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in the list.
    pub place: u32,
    /// The place of its server in the configuration.
    pub server: u32,
    /// In which of its server's eras it is listed.
    pub listed_in: ListedIn,
    /// What it says of itself, if it is a tool.
    pub hints: ToolHints,
}

/// The lists of all servers, unpacked.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The packed form.
    bytes: Vec<u8>,
    tools: List,
    prompts: List,
    resources: List,
    resource_templates: List,
    /// By the URIs that clients know.
    ui_resources: BTreeMap<String, (u32, Option<String>)>,
    /// Sorted by name.
    virtual_servers: Vec<VirtualServer>,
}

impl Catalog {
    /// Unpacks what control has packed.
    pub fn decode(catalog: &mcp_filter_config::Catalog) -> Result<Self, InvalidCatalog> {
        packed::decode(catalog)
    }

    /// The result of a list request: a page of the definitions that are `shown`, from `cursor` on, and the cursor of the
    /// next page.
    ///
    /// A cursor is good as long as the list has the same definitions in the same order, whatever else changes in the
    /// configuration. After that it is refused: going on would silently leave out definitions or show some twice.
    ///
    /// MCP 2025-11-25, server/utilities/pagination.
    pub fn list_result(
        &self,
        kind: ListKind,
        cursor: Option<&str>,
        size: PageSize,
        shown: &Shown<'_>,
    ) -> Result<ListResult<'_>, InvalidCursor> {
        let list = self.list(kind);
        let first = list.first(kind, cursor)?;
        Ok(list.page(&self.bytes, kind, (first, size), shown))
    }

    /// Tells what is `shown` of a list from what was shown before a change: by the definitions' bytes and their order.
    pub fn digest(&self, kind: ListKind, shown: &Shown<'_>) -> u64 {
        self.list(kind).digest(&self.bytes, kind, shown)
    }

    /// Of each definition that is `shown`, the place of its server in the configuration.
    pub(crate) fn servers<'a>(
        &'a self,
        kind: ListKind,
        shown: &'a Shown<'_>,
    ) -> impl Iterator<Item = u32> + 'a {
        let shown = self.list(kind).shown(kind, shown);
        shown.map(|(_, entry)| entry.server)
    }

    /// The definition with exactly this key.
    pub fn find(&self, kind: ListKind, key: &str) -> Option<Found> {
        let (place, entry) = self.list(kind).find(key)?;
        Some(Found {
            place,
            server: entry.server,
            listed_in: entry.listed_in,
            hints: entry.hints,
        })
    }

    /// The virtual server of this name, `namespace/name`.
    pub fn virtual_server(&self, name: &[u8]) -> Option<&VirtualServer> {
        let found = self
            .virtual_servers
            .binary_search_by(|one| one.name().as_bytes().cmp(name));
        self.virtual_servers.get(found.ok()?)
    }

    /// The server of a resource that tools name by this URI, and the server's own URI of it, where that is another.
    pub fn ui_resource(&self, uri: &str) -> Option<(u32, Option<&str>)> {
        let (server, own_uri) = self.ui_resources.get(uri)?;
        Some((*server, own_uri.as_deref()))
    }

    /// Servers of such resources, and how these are known to clients and to their servers.
    pub fn ui_resources(&self) -> impl Iterator<Item = (u32, &str, Option<&str>)> {
        let resources = self.ui_resources.iter();
        resources.map(|(uri, (server, own_uri))| (*server, uri.as_str(), own_uri.as_deref()))
    }

    /// Whether some clients are shown only a part of the lists, by what they ask for.
    pub fn has_virtual_servers(&self) -> bool {
        !self.virtual_servers.is_empty()
    }

    /// Server and key of each definition, in the order of the list.
    pub fn entries(&self, kind: ListKind) -> impl Iterator<Item = (u32, &str)> {
        self.list(kind).entries()
    }

    /// A definition's key, by its place in the list.
    pub fn key(&self, kind: ListKind, place: u32) -> Option<&str> {
        self.list(kind).key(place)
    }

    /// In which of its server's eras a definition is listed, by its place in the list.
    pub fn listed_in(&self, kind: ListKind, place: u32) -> ListedIn {
        self.list(kind).listed_in(place)
    }

    /// A definition's bytes, by its place in the list.
    pub fn definition(&self, kind: ListKind, index: usize) -> Option<&[u8]> {
        self.list(kind).definition(&self.bytes, index)
    }

    fn list(&self, kind: ListKind) -> &List {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Prompts => &self.prompts,
            ListKind::Resources => &self.resources,
            ListKind::ResourceTemplates => &self.resource_templates,
        }
    }

    fn list_mut(&mut self, kind: ListKind) -> &mut List {
        match kind {
            ListKind::Tools => &mut self.tools,
            ListKind::Prompts => &mut self.prompts,
            ListKind::Resources => &mut self.resources,
            ListKind::ResourceTemplates => &mut self.resource_templates,
        }
    }
}

#[cfg(test)]
mod tests;

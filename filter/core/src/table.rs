//! The compiled configuration: an immutable table that every exchange of a worker shares.

mod bounds;
mod compile;
mod endpoint;
mod error;
mod internal_hosts;
mod offered;
mod protected_resource;
mod resources;
mod server;
mod streams;
mod tool;

pub use endpoint::Endpoint;
pub use error::CompileError;
pub(crate) use error::ensure;
pub use offered::Offered;
pub use server::{Server, ServerIndex};
pub(crate) use streams::Streams;
pub use tool::{Tool, ToolIndex};

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hasher};

use mcp_filter_config::{Limits, PluginConfig, Role};

use crate::catalog::{
    Catalog, InvalidCursor, ListKind, ListResult, ListedIn, PageSize, Shown, VirtualServer,
};
use crate::claims::Claims;
use crate::control_signature::PublicKey;
use crate::era::Era;
use crate::exchange::UpstreamKeyParts;
use crate::memo::Memo;
use crate::policy::{CompiledPolicy, Outlook};
use crate::session_id::SessionKeys;
use crate::slots::UpstreamKey;

/// See the module.
#[derive(Debug)]
pub struct Table {
    role: Role,
    generation: String,
    endpoints: Vec<Endpoint>,
    internal_hosts: internal_hosts::InternalHosts,
    servers: server::Servers,
    catalog: Catalog,
    resources: resources::Resources,
    policies: Vec<CompiledPolicy>,
    credential_headers: Vec<String>,
    claim_paths: Vec<Vec<String>>,
    sessions: SessionKeys,
    upstream_keys: Memo<UpstreamKeyParts, UpstreamKey>,
    stateless_capabilities: OnceCell<String>,
    control_keys: Vec<PublicKey>,
    limits: Limits,
    streams: Option<Streams>,
}

impl Table {
    /// Validates and compiles: the only validation there is. Control calls this before it writes, the filter when it
    /// is configured.
    pub fn compile(config: &PluginConfig) -> Result<Self, CompileError> {
        compile::compile(config)
    }

    /// The part that this instance plays.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Content digest of the configuration, lower-case hex.
    pub fn generation(&self) -> &str {
        &self.generation
    }

    /// The endpoint that `:authority` and `:path` lead to: its own path, or any below it, whether that names a virtual
    /// server or not. The query does not count.
    pub fn endpoint(&self, host: &[u8], path: &[u8]) -> Option<&Endpoint> {
        let path = without_query(path);
        self.endpoint_where(host, |endpoint| endpoint.behind(path).is_some())
    }

    /// The virtual server of this name, `namespace/name`.
    pub(crate) fn virtual_server(&self, name: &[u8]) -> Option<&VirtualServer> {
        self.catalog.virtual_server(name)
    }

    /// Whether `virtual_server` has the definition with this key; without one, whatever is listed or not.
    pub(crate) fn is_selected(
        &self,
        virtual_server: Option<&VirtualServer>,
        kind: ListKind,
        key: &str,
    ) -> bool {
        virtual_server.is_none_or(|virtual_server| {
            let found = self.catalog.find(kind, key);
            found.is_some_and(|found| virtual_server.has(kind, found.place))
        })
    }

    /// The endpoint of which it is told at `:authority` and `:path` where its callers get their tokens. The query does
    /// not count, and no other spelling of the path leads there.
    pub(crate) fn told_endpoint(&self, host: &[u8], path: &[u8]) -> Option<&Endpoint> {
        let path = without_query(path);
        self.endpoint_where(host, |endpoint| endpoint.tells_at(path))
    }

    /// A host is read only where a path has led to an endpoint.
    fn endpoint_where(&self, host: &[u8], leads: impl Fn(&Endpoint) -> bool) -> Option<&Endpoint> {
        let endpoints = self.endpoints.iter().filter(|endpoint| leads(endpoint));
        let mut endpoints = endpoints.peekable();
        endpoints.peek()?;
        let host = crate::host::normalize(host)?;
        endpoints.find(|endpoint| endpoint.has_host(&host))
    }

    /// Whether `:authority` names, in any spelling, a host that only routed requests and control may ask for.
    pub fn is_internal(&self, host: &[u8]) -> bool {
        self.internal_hosts.contain(host)
    }

    /// A server of this table.
    pub fn server(&self, index: ServerIndex) -> &Server {
        self.servers.by_index(index)
    }

    /// All servers, oldest registration first.
    pub fn servers(&self) -> impl Iterator<Item = (ServerIndex, &Server)> {
        self.servers.iter()
    }

    /// A server's policies, in order of evaluation.
    pub fn policies(&self, index: ServerIndex) -> impl Iterator<Item = &CompiledPolicy> {
        self.server(index)
            .policies
            .iter()
            .filter_map(|place| self.policies.get(*place))
    }

    /// What a caller with these claims could satisfy of each policy, by place.
    pub(crate) fn outlooks<'a>(&'a self, claims: &'a Claims) -> Vec<Outlook<'a>> {
        let policies = self.policies.iter();
        policies.map(|policy| policy.outlook(claims)).collect()
    }

    /// The server of a definition, by its place in the configuration, and the places of its policies.
    pub(crate) fn listed_server(&self, place: u32) -> (&Server, &[usize]) {
        let server = self.server(ServerIndex(place));
        (server, &server.policies)
    }

    /// Whether some policy keeps definitions from some callers' lists.
    pub(crate) fn conceals(&self) -> bool {
        self.policies.iter().any(CompiledPolicy::conceals)
    }

    /// Whether the lists of this kind are announced.
    pub(crate) fn offers(&self, kind: ListKind) -> bool {
        match kind {
            ListKind::Tools => true,
            ListKind::Prompts => self.has_prompts(),
            ListKind::Resources | ListKind::ResourceTemplates => self.has_resources(),
        }
    }

    /// Whether not everybody is shown the same lists at an endpoint.
    pub(crate) fn has_views(&self) -> bool {
        self.conceals() || self.catalog.has_virtual_servers()
    }

    /// The tool with this federated name.
    pub fn tool(&self, federated: &str) -> Option<Tool> {
        let found = self.catalog.find(ListKind::Tools, federated)?;
        Some(Tool {
            index: ToolIndex(found.place),
            server: ServerIndex(found.server),
            hints: found.hints,
            listed_in: found.listed_in,
        })
    }

    /// Server and federated name of each tool, in the order of [`ToolIndex`].
    pub fn tools(&self) -> impl Iterator<Item = (ServerIndex, &str)> {
        let tools = self.catalog.entries(ListKind::Tools);
        tools.map(|(server, name)| (ServerIndex(server), name))
    }

    /// The federated name of a tool.
    pub fn tool_name(&self, index: ToolIndex) -> Option<&str> {
        self.catalog.key(ListKind::Tools, index.0)
    }

    /// The definition of a tool, as clients see it.
    pub(crate) fn definition_of(&self, index: ToolIndex) -> Option<&[u8]> {
        let place = usize::try_from(index.0).ok()?;
        self.catalog.definition(ListKind::Tools, place)
    }

    /// The prompt with this federated name.
    pub fn prompt(&self, federated: &str) -> Option<Offered> {
        self.offered(ListKind::Prompts, federated)
    }

    /// A resource, of the server that lists the URI, else of the one whose tools name it, else of the one whose template
    /// matches it (most literal characters first, then oldest registration), else of the only one that has resources at
    /// all.
    ///
    /// The last because links that tools return need not be listed (MCP 2025-11-25, server/tools, Resource Links).
    /// Where several servers have resources nobody can tell whose an unlisted URI is, and none is asked.
    pub fn resource(&self, uri: &str) -> Option<Offered> {
        let listed = self.offered(ListKind::Resources, uri);
        let named = || {
            let (server, _) = self.catalog.ui_resource(uri)?;
            Some(Offered {
                server: ServerIndex(server),
                listed_in: ListedIn::default(),
            })
        };
        listed.or_else(named).or_else(|| self.resources.find(uri))
    }

    /// The URI by which the server of a resource knows it that tools name by this one, where it is another.
    pub fn own_uri(&self, uri: &str) -> Option<&str> {
        self.catalog.ui_resource(uri)?.1
    }

    /// The resource template with exactly this text.
    pub fn template(&self, text: &str) -> Option<Offered> {
        self.offered(ListKind::ResourceTemplates, text)
    }

    fn offered(&self, kind: ListKind, key: &str) -> Option<Offered> {
        let found = self.catalog.find(kind, key)?;
        Some(Offered {
            server: ServerIndex(found.server),
            listed_in: found.listed_in,
        })
    }

    /// The JSON of a list result, in pieces.
    pub fn list_result(
        &self,
        kind: ListKind,
        cursor: Option<&str>,
        shown: &Shown<'_>,
    ) -> Result<ListResult<'_>, InvalidCursor> {
        let size = PageSize {
            items: self.limits.page_items,
            bytes: self.limits.page_bytes,
        };
        self.catalog.list_result(kind, cursor, size, shown)
    }

    /// Client headers that carry credentials for some server, in order and with `-` for each `_`; no other server may see
    /// them in any spelling.
    pub fn credential_headers(&self) -> &[String] {
        &self.credential_headers
    }

    /// Paths of all claims that may be asked for.
    pub fn claim_paths(&self) -> &[Vec<String>] {
        &self.claim_paths
    }

    /// Keys and lifetime of sessions.
    pub fn sessions(&self) -> &SessionKeys {
        &self.sessions
    }

    /// Names of upstream sessions by what they are made of.
    pub(crate) fn upstream_keys(&self) -> &Memo<UpstreamKeyParts, UpstreamKey> {
        &self.upstream_keys
    }

    /// The keys by which control is recognised.
    pub fn control_keys(&self) -> &[PublicKey] {
        &self.control_keys
    }

    /// What the gateway announces to stateless clients, which it makes of the table once.
    pub(crate) fn stateless_capabilities(&self, make: impl FnOnce() -> String) -> &str {
        self.stateless_capabilities.get_or_init(make)
    }

    /// Bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where `mcp-streams` is reached; `None`: what it does is not served.
    pub(crate) fn streams(&self) -> Option<&Streams> {
        self.streams.as_ref()
    }

    /// Tells what is `shown` of a list from what was shown before a change, or before one of its servers told of one.
    pub(crate) fn digest(&self, kind: ListKind, shown: &Shown<'_>) -> u64 {
        let digest = self.catalog.digest(kind, shown);
        let mut counts = self.servers().map(|(_, server)| server.told_changes(kind));
        if counts.all(|count| count == 0) {
            return digest;
        }
        let mut servers: Vec<u32> = self.catalog.servers(kind, shown).collect();
        servers.dedup();
        let told = |place: u32| self.listed_server(place).0.told_changes(kind);
        let counts: Vec<u32> = servers.into_iter().map(told).collect();
        if counts.iter().all(|count| *count == 0) {
            return digest;
        }
        let mut hash = DefaultHasher::new();
        hash.write_u64(digest);
        for count in counts {
            hash.write_u32(count);
        }
        hash.finish()
    }

    /// Whether any prompt is listed.
    pub fn has_prompts(&self) -> bool {
        self.catalog.entries(ListKind::Prompts).next().is_some()
    }

    /// Whether any server has resources, listed or not.
    pub fn has_resources(&self) -> bool {
        self.resources.any() || self.catalog.ui_resources().next().is_some()
    }

    /// Whether any server completes arguments.
    pub fn has_completions(&self) -> bool {
        self.servers().any(|(_, server)| server.completions)
    }

    /// Whether calls of any server's tools can be tasks for clients of this era.
    pub fn has_tasks(&self, era: Era) -> bool {
        self.servers().any(|(_, server)| server.has_tasks(era))
    }

    /// Whether any server has views for its tools' results and says so.
    pub fn has_apps(&self) -> bool {
        self.servers().any(|(_, server)| server.apps)
    }

    /// Whether any server sends log messages.
    pub fn has_logging(&self) -> bool {
        self.servers().any(|(_, server)| server.logging)
    }
}

fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! The compiled configuration: an immutable table that every exchange of a worker shares.

mod bounds;
mod compile;
mod endpoint;
mod error;
mod internal_hosts;
mod resources;
mod server;
mod tool;

pub use endpoint::Endpoint;
pub use error::CompileError;
pub(crate) use error::ensure;
pub use server::{Server, ServerIndex};
pub use tool::{Tool, ToolIndex};

use mcp_filter_config::{Limits, PluginConfig, Role};

use crate::catalog::{Catalog, InvalidCursor, ListKind, ListResult};
use crate::control_signature::PublicKey;
use crate::exchange::UpstreamKeyParts;
use crate::memo::Memo;
use crate::policy::CompiledPolicy;
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
    sessions: SessionKeys,
    upstream_keys: Memo<UpstreamKeyParts, UpstreamKey>,
    control_keys: Vec<PublicKey>,
    limits: Limits,
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

    /// The endpoint that `:authority` and `:path` lead to. The query does not count.
    pub fn endpoint(&self, host: &[u8], path: &[u8]) -> Option<&Endpoint> {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let host = crate::host::normalize(host)?;
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.path().as_bytes() == path && endpoint.has_host(&host))
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

    /// The tool with this federated name.
    pub fn tool(&self, federated: &str) -> Option<Tool> {
        let (index, server, hints) = self.catalog.tool(federated)?;
        Some(Tool {
            index: ToolIndex(index),
            server: ServerIndex(server),
            hints,
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

    /// The server of the prompt with this federated name.
    pub fn prompt(&self, federated: &str) -> Option<ServerIndex> {
        self.catalog
            .server_of(ListKind::Prompts, federated)
            .map(ServerIndex)
    }

    /// The server of a resource: the one that lists the URI, else the one whose template matches it (most literal
    /// characters first, then oldest registration), else the only one that has resources at all.
    ///
    /// The last because links that tools return need not be listed (MCP 2025-11-25, server/tools, Resource Links).
    /// Where several servers have resources nobody can tell whose an unlisted URI is, and none is asked.
    pub fn resource(&self, uri: &str) -> Option<ServerIndex> {
        let listed = self
            .catalog
            .server_of(ListKind::Resources, uri)
            .map(ServerIndex);
        listed.or_else(|| self.resources.server_of(uri))
    }

    /// The server of the resource template with exactly this text.
    pub fn template(&self, text: &str) -> Option<ServerIndex> {
        self.catalog
            .server_of(ListKind::ResourceTemplates, text)
            .map(ServerIndex)
    }

    /// The JSON of a list result, in pieces.
    pub fn list_result(
        &self,
        kind: ListKind,
        cursor: Option<&str>,
    ) -> Result<ListResult<'_>, InvalidCursor> {
        self.catalog
            .list_result(kind, cursor, self.limits.page_items)
    }

    /// Client headers that carry credentials for some server, in order and with `-` for each `_`; no other server may see
    /// them in any spelling.
    pub fn credential_headers(&self) -> &[String] {
        &self.credential_headers
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

    /// Bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether any prompt is listed.
    pub fn has_prompts(&self) -> bool {
        self.catalog.entries(ListKind::Prompts).next().is_some()
    }

    /// Whether any server has resources, listed or not.
    pub fn has_resources(&self) -> bool {
        self.resources.any()
    }

    /// Whether any server completes arguments.
    pub fn has_completions(&self) -> bool {
        self.servers().any(|(_, server)| server.completions)
    }
}

#[cfg(test)]
mod tests;

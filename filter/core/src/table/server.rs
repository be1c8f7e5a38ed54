//! The upstream servers of a table.

use mcp_filter_config::{ListChanged, Timeouts, Upstream};

use super::error::{CompileError, ensure, refuse};
use crate::catalog::ListKind;
use crate::era::Era;
use crate::version::{ProtocolVersion, STATELESS_REVISION};
use crate::{host, name};

/// Names a server of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerIndex(pub(super) u32);

impl ServerIndex {
    /// Its place among the servers of the table.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// One upstream MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `namespace/name` of the registration.
    pub name: String,
    /// What stands before each of its tool and prompt names. May be empty.
    pub prefix: String,
    /// `:authority` of routed requests.
    pub host: String,
    /// `:path` of routed requests.
    pub path: String,
    /// Where calls go that do not pass Envoy's routes.
    pub upstream: Upstream,
    /// Whether it has sessions.
    pub issues_sessions: bool,
    /// The revision of its sessions, where it speaks any that has them. Else `stateless` holds.
    pub session_version: Option<ProtocolVersion>,
    /// Whether it answers requests of the stateless revision.
    pub stateless: bool,
    /// Whether it completes arguments.
    pub completions: bool,
    /// Whether it sends log messages.
    pub logging: bool,
    /// Whether calls of its tools can be tasks.
    pub tasks: bool,
    /// Whether calls of its tools can become tasks in the stateless revision.
    pub stateless_tasks: bool,
    /// Whether it announced views for its tools' results.
    pub apps: bool,
    /// Whether it announced resources.
    pub resources: bool,
    /// How often it told of lists that they had changed, and they had not.
    pub(super) list_changed: ListChanged,
    /// How long a request may be silent.
    pub timeouts: Timeouts,
    /// Places in the table's policies.
    pub(super) policies: Vec<usize>,
}

/// By index.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    servers: Vec<Server>,
    /// Stands for a server of another table: leads nowhere.
    nowhere: Server,
}

impl Servers {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        let nowhere = Server {
            name: String::new(),
            prefix: String::new(),
            host: String::new(),
            path: String::new(),
            upstream: Upstream {
                cluster: String::new(),
                authority: String::new(),
                path: String::new(),
            },
            issues_sessions: false,
            session_version: Some(ProtocolVersion::LATEST),
            stateless: false,
            completions: false,
            logging: false,
            tasks: false,
            stateless_tasks: false,
            apps: false,
            resources: false,
            list_changed: ListChanged::default(),
            timeouts: Timeouts::default(),
            policies: Vec::new(),
        };
        Self { servers, nowhere }
    }

    pub(super) fn by_index(&self, index: ServerIndex) -> &Server {
        self.servers.get(index.0 as usize).unwrap_or(&self.nowhere)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ServerIndex, &Server)> {
        (0..).map(ServerIndex).zip(&self.servers)
    }
}

impl Server {
    /// Whether calls of its tools can be tasks for clients of this era.
    pub fn has_tasks(&self, era: Era) -> bool {
        match era {
            Era::Sessions => self.tasks,
            Era::Stateless => self.stateless_tasks,
        }
    }

    /// How often it told of a list of this kind that it had changed, and it had not. One notification tells of resources
    /// and of templates.
    pub(super) fn told_changes(&self, kind: ListKind) -> u32 {
        match kind {
            ListKind::Tools => self.list_changed.tools,
            ListKind::Prompts => self.list_changed.prompts,
            ListKind::Resources | ListKind::ResourceTemplates => self.list_changed.resources,
        }
    }

    pub(super) fn compile(
        server: &mcp_filter_config::Server,
        at: &str,
        policies: usize,
    ) -> Result<Self, CompileError> {
        check_texts(server, at)?;
        let session_version = session_version(server, at)?;
        let places = server.policies.iter().enumerate().map(|(index, place)| {
            let in_range = usize::try_from(*place)
                .ok()
                .filter(|place| *place < policies);
            in_range.map_or_else(
                || {
                    refuse(
                        format_args!("{at}.policies[{index}]"),
                        format_args!("there are only {policies} policies"),
                    )
                },
                Ok,
            )
        });
        Ok(Self {
            name: server.name.clone(),
            prefix: server.prefix.clone(),
            host: server.host.clone(),
            path: server.path.clone(),
            upstream: server.upstream.clone(),
            issues_sessions: server.issues_sessions,
            session_version,
            stateless: server.stateless,
            completions: server.completions,
            logging: server.logging,
            tasks: server.tasks,
            stateless_tasks: server.stateless && server.stateless_tasks,
            apps: server.apps,
            resources: server.resources,
            list_changed: server.list_changed,
            timeouts: server.timeouts,
            policies: places.collect::<Result<_, _>>()?,
        })
    }
}

/// `None` where it has no sessions at all.
fn session_version(
    server: &mcp_filter_config::Server,
    at: &str,
) -> Result<Option<ProtocolVersion>, CompileError> {
    if server.protocol_version != STATELESS_REVISION {
        let version = ProtocolVersion::parse(server.protocol_version.as_bytes());
        let unknown = || {
            refuse(
                format_args!("{at}.protocolVersion"),
                "is not a revision that this filter speaks",
            )
        };
        return version.map_or_else(unknown, |version| Ok(Some(version)));
    }
    ensure(
        server.stateless,
        format_args!("{at}.stateless"),
        format_args!("must be true, for {STATELESS_REVISION} is all that it speaks"),
    )?;
    ensure(
        !server.issues_sessions,
        format_args!("{at}.issuesSessions"),
        format_args!("must be false, for {STATELESS_REVISION} has no sessions"),
    )?;
    Ok(None)
}

/// Refuses names, hosts and paths that could not stand in a request.
fn check_texts(server: &mcp_filter_config::Server, at: &str) -> Result<(), CompileError> {
    ensure(
        is_text(&server.name),
        format_args!("{at}.name"),
        "must be namespace/name, visible ASCII",
    )?;
    ensure(
        name::is_prefix(&server.prefix),
        format_args!("{at}.prefix"),
        "must be letters, digits, _ - . or /, at most 128 of them",
    )?;
    ensure(
        is_path(&server.path),
        format_args!("{at}.path"),
        "must be an absolute path",
    )?;
    check_upstream(&server.upstream, &format!("{at}.upstream"))
}

/// The same for what calls beside a stream say.
pub(super) fn check_upstream(upstream: &Upstream, at: &str) -> Result<(), CompileError> {
    ensure(
        is_text(&upstream.cluster),
        format_args!("{at}.cluster"),
        "must be visible ASCII",
    )?;
    ensure(
        host::normalize(upstream.authority.as_bytes()).is_some(),
        format_args!("{at}.authority"),
        "must be a host with an optional port",
    )?;
    ensure(
        is_path(&upstream.path),
        format_args!("{at}.path"),
        "must be an absolute path",
    )
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= 8 * 1024
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

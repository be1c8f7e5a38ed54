//! Where a message goes, and what must change on it.

mod era;

use std::borrow::Cow;
use std::rc::Rc;

use super::denied::{self, Denied};
use super::message::kind;
use super::request_facts::RequestFacts;
use super::streaming::{GET, LISTEN};
use super::tasks::Tasks;
use super::told::Subject;
use crate::Context;
use crate::catalog::{ListKind, ListedIn, ToolHints, VirtualServer};
use crate::claims::Claims;
use crate::era::Era;
use crate::json::splice::{self, Splice};
use crate::json::{Field, Scanner, ValueKind};
use crate::method::RoutedMethod;
use crate::name::FederatedName;
use crate::policy::{Call, Evidence, Part};
use crate::rejection::Rejection;
use crate::slots::UpstreamSession;
use crate::step::{BodyEdit, HeaderEdit};
use crate::table::{Offered, ServerIndex, Table, Tool, ToolIndex};
use crate::version::ProtocolVersion;

/// A message's way to one server.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The server.
    pub(crate) server: ServerIndex,
    /// How the server is spoken to.
    pub(crate) era: Era,
    /// Whether `mcp-streams` makes the call.
    pub(crate) is_bridged: bool,
    /// Whether not everybody may see the answer, for a stateless client to be told.
    pub(crate) is_private: bool,
    /// In which of the server's eras it lists what is asked for.
    listed_in: ListedIn,
    /// The tool that is called.
    pub(crate) tool: Option<ToolIndex>,
    /// The method, for `x-mcp-method`.
    pub(crate) method: &'static str,
    /// The method for which policies must let it pass, too.
    pub(crate) wants_right_to: Option<&'static str>,
    /// What of the server's is asked for, by the server's own name; nothing where it is no request.
    pub(crate) of: Option<Part<String>>,
    /// What the tool says of itself.
    pub(crate) hints: ToolHints,
    /// Bytes of the body that are replaced, in order.
    pub(crate) splices: Vec<Splice>,
    /// What the policies set.
    pub(crate) policy_headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// Arguments that the server wants to see in headers, too, and of which the client knows nothing.
    pub(crate) mirrored_headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// What finds the request in traces.
    pub(crate) trace_headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The session at the server, where it has sessions.
    pub(crate) upstream_session: Option<RouteSession>,
    /// How the server's tasks are named to the caller, where it has any.
    pub(crate) tasks: Option<Box<Tasks>>,
}

/// A session at the server of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteSession {
    /// As the server issued it.
    pub(crate) session: UpstreamSession,
    /// Opened for one request of a caller without a session, and ended after it.
    pub(crate) for_this_request: bool,
}

impl Route {
    /// Finds the server of a request by its key: `params.name`, `params.uri` or `params.ref`, among what a virtual server
    /// has or else everything.
    pub(crate) fn find(
        table: &Table,
        method: RoutedMethod,
        scanner: &Scanner,
        of: Option<&VirtualServer>,
    ) -> Result<Self, Rejection> {
        match method {
            RoutedMethod::ToolsCall => {
                let name = text(scanner, Field::Name, "name of a tool")?;
                let tool = table.tool(&name);
                let is_selected = |tool: &Tool| {
                    of.is_none_or(|one| one.has(ListKind::Tools, tool.index.number()))
                };
                let Some(tool) = tool.filter(is_selected) else {
                    return Err(Rejection::UnknownTool(name));
                };
                let offered = Offered {
                    server: tool.server,
                    listed_in: tool.listed_in,
                };
                let route =
                    Self::by_name(table, offered, method, (scanner, Field::Name, Part::Tool))?;
                Ok(Self {
                    tool: Some(tool.index),
                    hints: tool.hints,
                    ..route
                })
            }
            RoutedMethod::PromptsGet => {
                let name = text(scanner, Field::Name, "name of a prompt")?;
                let offered = prompt(table, name, of)?;
                Self::by_name(table, offered, method, (scanner, Field::Name, Part::Prompt))
            }
            RoutedMethod::ResourcesRead
            | RoutedMethod::ResourcesSubscribe
            | RoutedMethod::ResourcesUnsubscribe => {
                let uri = text(scanner, Field::Uri, "uri of a resource")?;
                let offered = table
                    .resource(&uri)
                    .ok_or_else(|| Rejection::UnknownResource(uri.clone()))?;
                Ok(Self::by_uri(offered, method, &uri).renamed(table, scanner, &uri))
            }
            RoutedMethod::Complete => Self::of_reference(table, scanner, of),
            // `tasks::find_route` opens the id that leads there.
            RoutedMethod::TasksGet
            | RoutedMethod::TasksResult
            | RoutedMethod::TasksCancel
            | RoutedMethod::TasksUpdate => Err(Rejection::MethodNotFound),
        }
    }

    /// A route to `server` with nothing changed in the body.
    pub(crate) fn to(server: ServerIndex, method: &'static str) -> Self {
        Self {
            server,
            era: Era::Sessions,
            is_bridged: false,
            is_private: true,
            listed_in: ListedIn::default(),
            tool: None,
            method,
            wants_right_to: None,
            of: None,
            hints: ToolHints::default(),
            splices: Vec::new(),
            policy_headers: Vec::new(),
            mirrored_headers: Vec::new(),
            trace_headers: Vec::new(),
            upstream_session: None,
            tasks: None,
        }
    }

    /// Whether what comes back is a stream on which nothing is asked: it lasts as long as both ends want.
    pub(crate) fn listens(&self) -> bool {
        matches!(self.method, GET | LISTEN)
    }

    /// Whether it is about a task, which may be one of another session at the server than the caller's latest.
    pub(crate) fn is_about_task(&self) -> bool {
        self.tasks.as_ref().is_some_and(|tasks| tasks.is_asked())
    }

    /// Goes to this session at the server, where it is one.
    pub(crate) fn begin_in(&mut self, session: &[u8], version: ProtocolVersion) {
        if !session.is_empty() {
            self.upstream_session = Some(RouteSession {
                session: UpstreamSession {
                    id: session.to_vec(),
                    version,
                },
                for_this_request: false,
            });
        }
    }

    /// What is told of it.
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            server: self.server,
            tool: self.tool,
        }
    }

    /// The session that was opened for this request alone.
    pub(crate) fn session_for_this_request(&self) -> Option<(&Self, &UpstreamSession)> {
        let of_route = self.upstream_session.as_ref()?;
        of_route
            .for_this_request
            .then_some((self, &of_route.session))
    }

    /// Asks the server's policies.
    pub(crate) fn apply_policies(
        &mut self,
        table: &Table,
        facts: &RequestFacts,
        context: &mut Context<'_>,
    ) -> Result<(), Denied> {
        for policy in table.policies(self.server) {
            let claims = if policy.read_claims().is_empty() {
                &Claims::NONE
            } else {
                facts.claims(table, context)
            };
            let allow = |method: &'static str| {
                let evidence = Evidence {
                    headers: &facts.headers,
                    claims,
                    call: self.call(table, method),
                };
                let challenge = || {
                    let policies = table.policies(self.server);
                    let wanted = policies.map(|policy| policy.wanted_scopes(&evidence));
                    denied::challenge(table, &facts.headers, wanted)
                };
                Denied::unless_allowed(policy, policy.evaluate(&evidence), challenge)
            };
            self.wants_right_to.map(allow).transpose()?;
            let edits = allow(self.method)?;
            let set = edits.into_iter().filter_map(|edit| match edit {
                HeaderEdit::Set(name, value) => Some((name, value)),
                HeaderEdit::Add(..) | HeaderEdit::Remove(_) => None,
            });
            self.policy_headers.extend(set);
        }
        Ok(())
    }

    /// What policies can read of it, as a request of this method; nothing where it asks for nothing.
    fn call<'a>(&'a self, table: &'a Table, method: &'static str) -> Option<Call<'a>> {
        Some(Call {
            method,
            server: &table.server(self.server).name,
            of: self.of.as_ref()?.as_deref(),
        })
    }

    /// The value at `field` goes on as `with`. Once for each field.
    pub(crate) fn replace(&mut self, scanner: &Scanner, field: Field, with: Vec<u8>) {
        let Some(capture) = scanner.capture(field) else {
            return;
        };
        let splice = Splice {
            start: capture.start,
            end: capture.end,
            with,
        };
        self.splice(splice);
    }

    fn splice(&mut self, splice: Splice) {
        let place = self
            .splices
            .partition_point(|other| other.start < splice.start);
        self.splices.insert(place, splice);
    }

    /// What becomes of `body`; `None` where it has no place for an edit.
    pub(crate) fn edit(&self, body: &[u8]) -> Option<BodyEdit> {
        if self.splices.is_empty() {
            return Some(BodyEdit::Keep);
        }
        let edited = splice::replace(body, &self.splices)?;
        Some(BodyEdit::Replace(Rc::new(edited)))
    }

    fn of_reference(
        table: &Table,
        scanner: &Scanner,
        of: Option<&VirtualServer>,
    ) -> Result<Self, Rejection> {
        let method = RoutedMethod::Complete;
        let route = match text(scanner, Field::RefType, "ref.type")?.as_str() {
            "ref/prompt" => {
                let name = text(scanner, Field::RefName, "ref.name")?;
                let offered = prompt(table, name, of)?;
                Self::by_name(
                    table,
                    offered,
                    method,
                    (scanner, Field::RefName, Part::Prompt),
                )?
            }
            "ref/resource" => {
                let uri = text(scanner, Field::RefUri, "ref.uri")?;
                let offered = table
                    .template(&uri)
                    .or_else(|| table.resource(&uri))
                    .ok_or_else(|| Rejection::UnknownResource(uri.clone()))?;
                Self::by_uri(offered, method, &uri)
            }
            _ => {
                return Err(Rejection::InvalidParams(
                    "ref.type must be ref/prompt or ref/resource",
                ));
            }
        };
        // What is announced holds for all: a server without completions is answered for.
        if table.has_completions() {
            Ok(route)
        } else {
            Err(Rejection::MethodNotFound)
        }
    }

    fn by_name(
        table: &Table,
        Offered { server, listed_in }: Offered,
        method: RoutedMethod,
        (scanner, field, part): (&Scanner, Field, Named),
    ) -> Result<Self, Rejection> {
        let prefix = &table.server(server).prefix;
        let missing = Rejection::InvalidParams("name");
        let token = scanner.raw(field).ok_or_else(|| missing.clone())?;
        let name = scanner.text(field).ok_or_else(|| missing.clone())?;
        let own_name = FederatedName::own_name(prefix, &name).ok_or_else(|| missing.clone())?;
        let mut route = Self::to(server, method.as_str());
        route.of = Some(part(own_name.to_owned()));
        route.listed_in = listed_in;
        if !prefix.is_empty() {
            let with = splice::strip_prefix(token, prefix).ok_or(missing)?;
            route.replace(scanner, field, with);
        }
        Ok(route)
    }

    fn by_uri(offered: Offered, method: RoutedMethod, uri: &str) -> Self {
        Self {
            of: Some(Part::Resource(uri.to_owned())),
            listed_in: offered.listed_in,
            wants_right_to: method.wants_right_to().map(RoutedMethod::as_str),
            ..Self::to(offered.server, method.as_str())
        }
    }

    /// By the URI that the server knows, where clients know another.
    fn renamed(mut self, table: &Table, scanner: &Scanner, uri: &str) -> Self {
        if let Some(own) = table.own_uri(uri) {
            self.of = Some(Part::Resource(own.to_owned()));
            let token = serde_json::Value::from(own).to_string();
            self.replace(scanner, Field::Uri, token.into_bytes());
        }
        self
    }
}

/// The server of the prompt with this federated name.
fn prompt(table: &Table, name: String, of: Option<&VirtualServer>) -> Result<Offered, Rejection> {
    let is_selected = |_: &Offered| table.is_selected(of, ListKind::Prompts, &name);
    let offered = table.prompt(&name).filter(is_selected);
    offered.ok_or(Rejection::UnknownPrompt(name))
}

/// Which part of a call a name is.
type Named = fn(String) -> Part<String>;

fn text(scanner: &Scanner, field: Field, what: &'static str) -> Result<String, Rejection> {
    match (kind(scanner, field), scanner.text(field)) {
        (Some(ValueKind::String), Some(text)) => Ok(text.into_owned()),
        _ => Err(Rejection::InvalidParams(what)),
    }
}

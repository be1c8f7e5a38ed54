//! Tasks of servers (MCP 2025-11-25, basic/utilities/tasks; 2026-07-28's extension io.modelcontextprotocol/tasks): each is named to its owner by an id that leads home, wherever
//! a message names it.
//!
//! `tasks/list` is not served: it would be one page of many servers' pages. Nor are tasks of clients: no server is told of
//! a client's capability for them.

use std::borrow::Cow;

use super::reading::Reading;
use super::request_facts::RequestFacts;
use super::route::Route;
use super::upstream_sessions;
use crate::catalog::{ListKind, VirtualServer};
use crate::era::Era;
use crate::json::splice::{self, Splice};
use crate::json::{Field, Scanner, Site, same_id, text};
use crate::method::RoutedMethod;
use crate::policy::Part;
use crate::rejection::Rejection;
use crate::sealed_id::ServerDigest;
use crate::session_id::Session;
use crate::slots::Owner;
use crate::task_id::TaskId;
use crate::{Context, Table};

/// What turns a server's names of its tasks into those that their owner knows.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    owner: Owner,
    /// What a task is sealed with, its own id apart.
    of: TaskId,
    /// Where the result names a task, beside its metadata.
    in_result: Option<Site>,
    /// The task that is asked for, as the owner named it and as the server does: JSON tokens.
    asked: Option<(Vec<u8>, Vec<u8>)>,
}

const UNKNOWN: Rejection = Rejection::InvalidParams("taskId names no task of this caller");

/// Finds the server of a request, and with it what its tasks are named by.
pub(super) fn find_route(
    method: RoutedMethod,
    reading: &Reading,
    (table, of): (&Table, Option<&VirtualServer>),
    context: &mut Context<'_>,
) -> Result<Route, Rejection> {
    let scanner = &reading.scanner;
    if method.is_about_task() {
        let owner = owner(&reading.facts, table, context);
        let mut route = of_task((method, reading.era), scanner, (table, of), owner)?;
        restore_related(&mut route, table, scanner, Field::RelatedTaskId)?;
        return Ok(route);
    }
    let mut route = Route::find(table, method, scanner, of)?;
    let server = table.server(route.server);
    if server.has_tasks(reading.era) {
        let tool = match &route.of {
            Some(Part::Tool(name)) => name.clone(),
            _ => String::new(),
        };
        route.tasks = Some(Box::new(Tasks {
            owner: owner(&reading.facts, table, context),
            of: TaskId {
                server: ServerDigest::of(&server.name),
                tool,
                original: Vec::new(),
                upstream_session: Vec::new(),
                credential: [0; 8],
            },
            in_result: (method == RoutedMethod::ToolsCall).then_some(created(reading.era)),
            asked: None,
        }));
        // What comes behind the place at which a large request goes on is not looked at: servers know no task by it.
        restore_related(&mut route, table, scanner, Field::RelatedTaskId)?;
    }
    Ok(route)
}

/// Names the task as its server does to which a client's answer belongs.
pub(super) fn restore_in_answer(
    route: &mut Route,
    session: &Session,
    table: &Table,
    scanner: &Scanner,
) -> Result<(), Rejection> {
    let server = table.server(route.server);
    if !server.tasks {
        return Ok(());
    }
    route.tasks = Some(Box::new(Tasks {
        owner: Owner::of(session),
        of: TaskId {
            server: ServerDigest::of(&server.name),
            tool: String::new(),
            original: Vec::new(),
            upstream_session: Vec::new(),
            credential: [0; 8],
        },
        in_result: None,
        asked: None,
    }));
    restore_related(route, table, scanner, Field::ResultRelatedTaskId)
        .map_err(|_| Rejection::UnknownResponse)
}

/// A notification in a session as the server of `route` gets it; `None` where it belongs to the task of another one.
pub(super) fn notification(
    route: &Route,
    session: &Session,
    table: &Table,
    reading: &Reading,
) -> Option<Vec<u8>> {
    let Some(place) = reading.scanner.capture(Field::RelatedTaskId) else {
        return Some(reading.held.clone());
    };
    let server = table.server(route.server);
    let task = open(
        &reading.scanner,
        Field::RelatedTaskId,
        (table, &Owner::of(session)),
    );
    match task {
        Some(task) if task.server == ServerDigest::of(&server.name) => {
            let splice = Splice {
                start: place.start,
                end: place.end,
                with: task.original,
            };
            splice::replace(&reading.held, &[splice])
        }
        Some(_) => None,
        None => (!server.tasks).then(|| reading.held.clone()),
    }
}

/// Goes on in the session at the server in which the task was created that the request is about. Another credential
/// than the one that it was opened with never meets it.
pub(super) fn begin_in_session(route: &mut Route, table: &Table) {
    let credential = upstream_sessions::credential(route);
    let asked = route.tasks.as_ref().filter(|tasks| tasks.is_asked());
    let asked = asked.filter(|tasks| tasks.of.credential == credential);
    let session = asked.map(|tasks| tasks.of.upstream_session.clone());
    if let (Some(session), Some(version)) = (session, table.server(route.server).session_version) {
        route.begin_in(&session, version);
    }
}

/// Where the answer to a call names the task that it has become.
fn created(era: Era) -> Site {
    match era {
        Era::Sessions => Site::CreatedTask,
        Era::Stateless => Site::ResultTask,
    }
}

/// Refuses a request of nobody in particular about a task of another credential: no session stands between two callers
/// of the stateless revision, and without a token the credential that the server is sent is all that tells them apart.
/// Who shows none either is told by the id alone, as at the server itself. Whoever is known may change the credential: a
/// token that is renewed is one, too.
pub(super) fn check_credential(route: &Route) -> Result<(), Rejection> {
    let Some(tasks) = route.tasks.as_ref().filter(|tasks| tasks.is_asked()) else {
        return Ok(());
    };
    let is_known = match &tasks.owner {
        Owner::Session(_) => true,
        Owner::Identity(identity) => identity.names_subject(),
    };
    let is_own = is_known || tasks.of.credential == upstream_sessions::credential(route);
    if is_own { Ok(()) } else { Err(UNKNOWN) }
}

/// The way to the server that has the task at `params.taskId`.
fn of_task(
    (method, era): (RoutedMethod, Era),
    scanner: &Scanner,
    (table, of): (&Table, Option<&VirtualServer>),
    owner: Owner,
) -> Result<Route, Rejection> {
    let of_other_era = match era {
        Era::Sessions => RoutedMethod::TasksUpdate,
        Era::Stateless => RoutedMethod::TasksResult,
    };
    if method == of_other_era || !table.has_tasks(era) {
        return Err(Rejection::MethodNotFound);
    }
    let task = open(scanner, Field::TaskId, (table, &owner)).ok_or(UNKNOWN)?;
    let mut servers = table.servers().filter(|(_, server)| server.has_tasks(era));
    let has_it = servers.find(|(_, server)| ServerDigest::of(&server.name) == task.server);
    let (index, server) = has_it.ok_or(UNKNOWN)?;
    let tool = format!("{}{}", server.prefix, task.tool);
    // One that is sealed without a tool is for the eyes of its owner alone: it was named in passing.
    if task.tool.is_empty() || !table.is_selected(of, ListKind::Tools, &tool) {
        return Err(UNKNOWN);
    }
    let mut route = Route::to(index, method.as_str());
    route.wants_right_to = method.wants_right_to().map(RoutedMethod::as_str);
    route.of = Some(Part::Tool(task.tool.clone()));
    route.replace(scanner, Field::TaskId, task.original.clone());
    let named = scanner.raw(Field::TaskId).unwrap_or_default().to_vec();
    let names_task = matches!(method, RoutedMethod::TasksGet | RoutedMethod::TasksCancel);
    route.tasks = Some(Box::new(Tasks {
        owner,
        asked: Some((named, task.original.clone())),
        of: task,
        in_result: names_task.then_some(Site::ResultTask),
    }));
    Ok(route)
}

/// Names the task as its server does to which a message belongs. No task of anybody else's is named to a server.
fn restore_related(
    route: &mut Route,
    table: &Table,
    scanner: &Scanner,
    field: Field,
) -> Result<(), Rejection> {
    let (Some(tasks), Some(_)) = (&route.tasks, scanner.capture(field)) else {
        return Ok(());
    };
    let task = open(scanner, field, (table, &tasks.owner));
    let own = task.filter(|task| task.server == tasks.of.server);
    route.replace(scanner, field, own.ok_or(UNKNOWN)?.original);
    Ok(())
}

fn open(scanner: &Scanner, field: Field, (table, owner): (&Table, &Owner)) -> Option<TaskId> {
    TaskId::open(&scanner.text(field)?, table.sessions(), owner)
}

/// Whose a task is that the request creates or names: the session's, or without one the identity's.
fn owner(facts: &RequestFacts, table: &Table, context: &mut Context<'_>) -> Owner {
    match facts.valid_session() {
        Some(session) => Owner::of(session),
        None => Owner::Identity(facts.claims(table, context).identity()),
    }
}

impl Tasks {
    /// The same for the response, of which it is known in what session at the server it was made. One that ends with its
    /// request leads nowhere.
    pub(crate) fn in_session_of(&self, route: &Route) -> Self {
        let session = route.upstream_session.as_ref();
        let lasting = session.filter(|of_route| !of_route.for_this_request);
        let upstream_session = lasting.map(|of_route| of_route.session.id.clone());
        let mut tasks = self.clone();
        tasks.of.upstream_session = upstream_session.unwrap_or_default();
        tasks.of.credential = upstream_sessions::credential(route);
        tasks
    }

    /// Whether an answer to the request names tasks.
    pub(crate) fn are_in_result(&self) -> bool {
        self.in_result.is_some() || self.is_asked()
    }

    /// Whether the request is about a task that there is.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The id of the task that is asked for, as the server knows it.
    pub(crate) fn asked_id(&self) -> Option<Cow<'_, str>> {
        let (_, original) = self.asked.as_ref()?;
        text::decode(original)
    }

    /// What stands in the place of a task's id that a server has written: a JSON token. `None` leaves it, also where it
    /// cannot be sealed: no request that names it finds a way then.
    pub(crate) fn rewrite(
        &self,
        table: &Table,
        site: Site,
        raw: &[u8],
        method: Option<&str>,
    ) -> Option<Vec<u8>> {
        let names_task = match site {
            Site::RelatedTask | Site::ResultRelatedTask => true,
            // Of requests it is the id of a task of the client's.
            Site::TaskId => matches!(
                method,
                Some("notifications/tasks/status" | "notifications/tasks")
            ),
            Site::ResultTask | Site::CreatedTask => self.in_result == Some(site),
            Site::Id
            | Site::RequestId
            | Site::ProgressToken
            | Site::ErrorCode
            | Site::CacheScope => false,
        };
        if !names_task {
            return None;
        }
        if let Some((named, original)) = &self.asked
            && same_id(raw, original)
        {
            return Some(named.clone());
        }
        // In one spelling, so that it is sealed alike wherever it stands.
        let original = splice::string_token(&text::decode(raw)?);
        let task = TaskId {
            original,
            ..self.of.clone()
        };
        let sealed = task.seal(table.sessions(), &self.owner)?;
        Some(splice::string_token(&sealed))
    }
}

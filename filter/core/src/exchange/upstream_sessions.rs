//! Sessions at servers: remembered in shared slots, told what concerns them, and ended.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::calls::{Calls, SideCall};
use super::local_answer;
use super::reading::Reading;
use super::request_facts::{RequestFacts, SessionClaim};
use super::route::{Route, RouteSession};
use super::{Exchange, Phase, tasks, trace_headers};
use crate::json::{Field, ValueKind};
use crate::method::Method;
use crate::rejection::Rejection;
use crate::session_id::Session;
use crate::slots::{self, CallKey, Inserted, Owner, UpstreamKey, UpstreamSession};
use crate::step::LocalResponse;
use crate::table::ServerIndex;
use crate::{Context, Table};

/// Longest credential, in bytes, of which the digest is remembered.
const LARGEST_REMEMBERED: usize = 512;

/// The owner's session at the route's server.
pub(crate) fn find(
    table: &Table,
    owner: Owner,
    route: &Route,
    context: &mut Context<'_>,
) -> Option<UpstreamSession> {
    slots::upstream_session(
        context.slots,
        table.limits(),
        &key(table, owner, route),
        context.now_ms,
    )
}

/// Remembers a session that was opened. Where another worker was first, that one's holds, and ours ends, unless the
/// server has issued one id for both.
pub(crate) fn keep(
    table: &Table,
    (owner, route, opened): (Owner, &Route, UpstreamSession),
    calls: &mut Calls,
    context: &mut Context<'_>,
) -> RouteSession {
    let now_ms = context.now_ms;
    let key = key(table, owner, route);
    match slots::insert_upstream_session(context.slots, table.limits(), &key, (&opened, now_ms)) {
        Inserted::Stored => RouteSession {
            session: opened,
            for_this_request: false,
        },
        Inserted::NotStored => RouteSession {
            session: opened,
            for_this_request: true,
        },
        Inserted::Lost(winner) => {
            if winner.id != opened.id {
                end(table, route, &opened, calls);
            }
            RouteSession {
                session: winner,
                for_this_request: false,
            }
        }
    }
}

/// Forgets a session that the server no longer knows.
pub(crate) fn forget(
    table: &Table,
    (owner, route, id): (Owner, &Route, &[u8]),
    context: &mut Context<'_>,
) {
    slots::forget_upstream_session(context.slots, table.limits(), &key(table, owner, route), id);
}

/// Tells the server that a session is over. Nobody waits for the answer; 405 is a legal one.
pub(crate) fn end(table: &Table, route: &Route, session: &UpstreamSession, calls: &mut Calls) {
    tell(table, route, ("DELETE", Some(session), Vec::new()), calls);
}

impl Exchange {
    /// `DELETE`: the session and what was opened for it end. MCP 2025-11-25, basic/transports, Session Management.
    pub(super) fn end_session(
        &mut self,
        mut facts: Box<RequestFacts>,
        context: &mut Context<'_>,
    ) -> LocalResponse {
        facts.read_session(&self.table, context);
        let session = match &facts.session {
            SessionClaim::Valid(session) => session,
            SessionClaim::Absent => return Rejection::MissingSession.response(None),
            SessionClaim::Unknown | SessionClaim::Unread => {
                return Rejection::UnknownSession.response(None);
            }
        };
        let now_ms = context.now_ms;
        // Nobody but `mcp-streams` knows those that it opens: to remember them would take the room of others.
        if facts.purpose.is_none() {
            slots::end(context.slots, self.table.limits(), session, now_ms);
        }
        for (route, upstream) in self.sessions_of(session, &facts, context) {
            let owner = Owner::of(session);
            forget(&self.table, (owner, &route, &upstream.id), context);
            end(&self.table, &route, &upstream, &mut self.calls);
        }
        LocalResponse {
            status: 204,
            reason: "session_ended",
            ..local_answer::accepted()
        }
    }

    /// Hands a notification to every server that has a session for this client's. A cancelled call tells its server by
    /// itself where that has none. Clients without a session can't be told from one another, be they of one identity:
    /// what they say of their requests counts for nobody's.
    pub(super) fn pass_notification(
        &mut self,
        method: Method,
        reading: &Reading,
        context: &mut Context<'_>,
    ) {
        let Some(session) = reading.facts.valid_session() else {
            return;
        };
        match method {
            Method::Cancelled => self.note_cancellation(session, reading, context),
            Method::ForUpstreams => {}
            _ => return,
        }
        for (route, upstream) in self.sessions_of(session, &reading.facts, context) {
            if let Some(body) = tasks::notification(&route, session, &self.table, reading) {
                let call = ("POST", Some(&upstream), body);
                tell(&self.table, &route, call, &mut self.calls);
            }
        }
    }

    /// Ends a session that was opened for one request alone.
    pub(super) fn end_upstream_session(&mut self) {
        let opened = match &self.phase {
            Phase::Routed(routed) => routed.route.session_for_this_request(),
            Phase::Doubting(doubt) => doubt.routed.route.session_for_this_request(),
            Phase::Repairing(repair) => repair.session_for_this_request(),
            Phase::Opening(opening) => opening.issued(),
            _ => None,
        };
        if let Some((route, session)) = opened {
            end(&self.table, route, session, &mut self.calls);
        }
    }

    fn note_cancellation(&self, session: &Session, reading: &Reading, context: &mut Context<'_>) {
        let kind = reading
            .scanner
            .capture(Field::RequestId)
            .map(|capture| capture.kind);
        if let Some(ValueKind::String | ValueKind::Integer | ValueKind::Number) = kind
            && let Some(id) = reading.scanner.raw(Field::RequestId)
        {
            let now_ms = context.now_ms;
            slots::cancel(
                context.slots,
                self.table.limits(),
                &CallKey::in_session(session, id),
                (&reading.held, now_ms),
            );
        }
    }

    /// What the client of `session` has opened at servers, as far as their policies let it pass.
    pub(super) fn sessions_of(
        &self,
        session: &Session,
        facts: &RequestFacts,
        context: &mut Context<'_>,
    ) -> Vec<(Route, UpstreamSession)> {
        let with_sessions = self
            .table
            .servers()
            .filter(|(_, server)| server.issues_sessions);
        with_sessions
            .filter_map(|(index, _)| {
                let mut route = Route::to(index, "notification");
                route.apply_policies(&self.table, facts, context).ok()?;
                route.trace_headers = trace_headers::of(&facts.headers, &self.table);
                let upstream = find(&self.table, Owner::of(session), &route, context)?;
                Some((route, upstream))
            })
            .collect()
    }
}

/// What a key is made of. The server is that of one table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpstreamKeyParts {
    owner: Owner,
    server: ServerIndex,
    credential: Vec<(Cow<'static, str>, Vec<u8>)>,
}

fn key(table: &Table, owner: Owner, route: &Route) -> UpstreamKey {
    let credential = &route.policy_headers;
    let place = owner.number().wrapping_add(route.server.number().into());
    let is_same = |parts: &UpstreamKeyParts| {
        parts.owner == owner && parts.server == route.server && parts.credential == *credential
    };
    if let Some(key) = table.upstream_keys().find(place, is_same) {
        return key;
    }
    let name = &table.server(route.server).name;
    let key = UpstreamKey::of(&owner, name, &digest(credential));
    let size: usize = credential
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size <= LARGEST_REMEMBERED {
        let parts = UpstreamKeyParts {
            owner,
            server: route.server,
            credential: credential.clone(),
        };
        table.upstream_keys().keep(place, parts, key);
    }
    key
}

/// Tells what credential a server is sent, and does not tell it.
pub(crate) fn credential(route: &Route) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = digest(&route.policy_headers);
    [a, b, c, d, e, f, g, h]
}

/// Length-prefixed, so that no two header lists share a digest.
fn digest(headers: &[(Cow<'static, str>, Vec<u8>)]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in headers {
        for part in [name.as_bytes(), value.as_slice()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// Sends a server something of which nobody waits for the answer.
pub(crate) fn tell(
    table: &Table,
    route: &Route,
    (verb, session, body): (&'static str, Option<&UpstreamSession>, Vec<u8>),
    calls: &mut Calls,
) {
    let timeout_ms = u64::from(table.limits().side_call_ms);
    let call = SideCall {
        verb,
        session,
        route,
        body,
        timeout_ms,
    };
    calls.detach(table.server(route.server), call);
}

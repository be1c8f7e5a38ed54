//! `GET`: a client wants to hear what nobody asked for. To an endpoint without `mcp-streams`, 405.
//!
//! MCP 2025-11-25, basic/transports, Listening for Messages from the Server.

use std::borrow::Cow;

use super::denied::Denied;
use super::hidden::Hidden;
use super::open_session::status_of;
use super::request_facts::{RequestFacts, SessionClaim, VersionClaim};
use super::response::{ContentType, ResponseHead, refusal};
use super::route::{Route, RouteSession};
use super::routed::Routed;
use super::streaming::{GET, ToStreams};
use super::{Exchange, Phase, local_answer, upstream_headers, upstream_sessions};
use crate::Context;
use crate::catalog::{ListKind, Listed, Shown};
use crate::rejection::{Caller, Rejection};
use crate::slots::Owner;
use crate::step::{BodyEdit, LocalResponse, Release, RequestStep, ResponseHeadStep};
use crate::streams::{self, Purpose, Ticket};
use crate::version::STATELESS_REVISION;

impl Exchange {
    /// A `GET` without a body, of a caller who may use the endpoint.
    pub(super) fn listen(
        &mut self,
        mut facts: Box<RequestFacts>,
        context: &mut Context<'_>,
    ) -> RequestStep {
        facts.read_session(&self.table, context);
        let step = match &facts.purpose {
            Some(Purpose::Catalog) => self
                .tell_catalog(&facts, context)
                .map(|response| self.respond(response)),
            Some(Purpose::Server(name)) => {
                let name = name.clone();
                return self.listen_to(*facts, &name, context);
            }
            Some(Purpose::Call | Purpose::Member) => Err(Rejection::MethodNotAllowed),
            None => self.stream_for_client(&facts, context),
        };
        step.unwrap_or_else(|rejection| self.respond(rejection.response(None)))
    }

    /// The stream of one server, in the session there that the client's has. None is opened for it.
    fn listen_to(
        &mut self,
        facts: RequestFacts,
        name: &str,
        context: &mut Context<'_>,
    ) -> RequestStep {
        let route = match self.route_to_stream(&facts, name, context) {
            Ok(route) => route,
            Err(denied) => return self.respond(denied.response()),
        };
        self.told.method = Some(GET);
        self.told.subject = Some(route.subject());
        let headers = upstream_headers::edits(&facts.headers, &self.table, &route);
        let routed = Routed::listening(facts, route, context);
        self.phase = Phase::Routed(Box::new(routed));
        RequestStep::Release(Release {
            headers,
            body: BodyEdit::Keep,
            inspect_rest: false,
        })
    }

    fn route_to_stream(
        &self,
        facts: &RequestFacts,
        name: &str,
        context: &mut Context<'_>,
    ) -> Result<Route, Denied> {
        let unknown = || Denied::ByUs(Rejection::UnknownSession);
        let session = facts.valid_session().ok_or_else(unknown)?;
        let mut servers = self.table.servers();
        let found = servers.find(|(_, server)| server.name == name);
        let (server, _) = found.ok_or_else(unknown)?;
        let mut route = Route::to(server, GET);
        route.apply_policies(&self.table, facts, context)?;
        let owner = Owner::of(session);
        let upstream = upstream_sessions::find(&self.table, owner, &route, context);
        route.upstream_session = Some(RouteSession {
            session: upstream.ok_or_else(unknown)?,
            for_this_request: false,
        });
        Ok(route)
    }

    /// The response to what [`Exchange::listen_to`] has sent. A session that the server no longer knows is opened anew by
    /// the next request that needs it.
    pub(super) fn on_stream_of_server(
        &mut self,
        routed: Box<Routed>,
        head: &ResponseHead,
        context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        let status = status_of(&head.headers).unwrap_or_default();
        let rejection = match (status, ContentType::of(head)) {
            (200..=299, ContentType::Events) => return self.pass_events(routed, head),
            (404, _) => {
                if let (Some(session), Some(lost)) =
                    (&routed.session, &routed.route.upstream_session)
                {
                    let lost = (
                        Owner::of(session),
                        &routed.route,
                        lost.session.id.as_slice(),
                    );
                    upstream_sessions::forget(&self.table, lost, context);
                }
                Rejection::UnknownSession
            }
            (405, _) => Rejection::MethodNotAllowed,
            _ => refusal(&self.table, &routed, status),
        };
        self.respond_instead(*routed, &rejection)
    }

    fn stream_for_client(
        &mut self,
        facts: &RequestFacts,
        context: &mut Context<'_>,
    ) -> Result<RequestStep, Rejection> {
        // MCP 2026-07-28, basic/transports/streamable-http, Earlier Revisions.
        if self.table.streams().is_none() || is_stateless(facts) {
            return Err(Rejection::MethodNotAllowed);
        }
        if facts.version == VersionClaim::Unknown {
            return Err(Rejection::UnsupportedVersion);
        }
        match facts.session {
            SessionClaim::Valid(_) => {}
            SessionClaim::Absent => return Err(Rejection::MethodNotAllowed),
            SessionClaim::Unknown | SessionClaim::Unread => return Err(Rejection::UnknownSession),
        }
        // There is no message that could be answered with more.
        let known = facts.virtual_server.find(&self.table);
        known.map_err(|_| Rejection::MethodNotAllowed)?;
        let (method, server) = (GET, None);
        Ok(self.stream(
            (facts, Caller::default()),
            (ToStreams { method, server }, BodyEdit::Keep),
            context,
        ))
    }

    /// Digests of the lists as the client sees them, for whom `mcp-streams` watches them. Of whoever is not there any more,
    /// it learns that by the status.
    fn tell_catalog(
        &self,
        facts: &RequestFacts,
        context: &mut Context<'_>,
    ) -> Result<LocalResponse, Rejection> {
        let table = &self.table;
        let in_session = match facts.session {
            SessionClaim::Valid(_) | SessionClaim::Absent => true,
            SessionClaim::Unknown | SessionClaim::Unread => false,
        };
        if !in_session && !is_stateless(facts) {
            return Err(Rejection::UnknownSession);
        }
        let virtual_server = facts.virtual_server.find(table);
        let virtual_server = virtual_server.map_err(|_| Rejection::UnknownSession)?;
        let hidden = Hidden::from(table, facts, context);
        let digest = |kind: ListKind| {
            let is_visible = |one: Listed<'_>| !hidden.iter().any(|by| by.hides(kind, one));
            let shown = Shown {
                virtual_server,
                is_visible: hidden.is_some().then_some(&is_visible),
                cache_scope: None,
            };
            table.digest(kind, &shown)
        };
        let [tools, prompts, listed, templates] = ListKind::ALL.map(digest);
        // One notification tells of both.
        let resources = listed ^ templates.rotate_left(1);
        let ticket = Ticket::new(context.now_ms).seal(table.sessions());
        let ticket = ticket.map(|ticket| (Cow::Borrowed(streams::TICKET), ticket.into_bytes()));
        let mut response = local_answer::digests([tools, prompts, resources]);
        response.headers.extend(ticket);
        Ok(response)
    }
}

/// Whether the client is one of the revision without sessions, by which a session is ignored.
fn is_stateless(facts: &RequestFacts) -> bool {
    let version = facts.headers.first("mcp-protocol-version");
    version == Some(STATELESS_REVISION.as_bytes())
}

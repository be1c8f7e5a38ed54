//! From request headers to the release of the request.

use std::rc::Rc;

use super::authentication::Guard;
use super::control::ControlRequest;
use super::denied::Denied;
use super::hidden::Hidden;
use super::message::Message;
use super::open_session::{Introduction, OpenSession};
use super::opening_request::OpeningRequest;
use super::reading::{Known, Reading};
use super::request_facts::{RequestFacts, SessionClaim, Verb, VersionClaim, origin_allowed};
use super::route::{Route, RouteSession};
use super::routed::Routed;
use super::streaming::{self, ToStreams};
use super::{
    Exchange, Phase, bridge, local_answer, stateless, tasks, trace_headers, upstream_headers,
    upstream_sessions, well_known,
};
use crate::catalog::{CacheScope, Listed, Shown, VirtualServer};
use crate::era::Era;
use crate::json::{Field, Scanner};
use crate::method::{Method, RoutedMethod};
use crate::rejection::Rejection;
use crate::sealed_id::{SealedId, ServerDigest};
use crate::step::{BodyEdit, HeaderEdit, LocalResponse, Release, RequestStep};
use crate::table::Endpoint;
use crate::{Context, Headers, Table, streams};

/// What a message leads to.
pub(super) enum Outcome {
    Respond(LocalResponse),
    Route(Route),
    Stream(ToStreams),
    /// The client's answer to a question of `mcp-streams`, as it goes there.
    Answer(BodyEdit),
}

impl From<Denied> for Result<Outcome, Rejection> {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::ByPolicy(response) => Ok(Outcome::Respond(response)),
            Denied::ByUs(rejection) => Err(rejection),
        }
    }
}

impl Exchange {
    /// Sorts a request by host, path and verb.
    pub(super) fn begin(
        &mut self,
        headers: Headers,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        // Every request has a method: where the host gives none, nothing is known of it, and it must not pass.
        if !headers.contains(":method") {
            return self.respond(Rejection::GatewayFailed { status: 500 }.response(None));
        }
        let table = Rc::clone(&self.table);
        let host = headers.first(":authority").unwrap_or_default();
        let endpoint = table.endpoint(host, headers.first(":path").unwrap_or_default());
        if let Some(control) = ControlRequest::recognise(&headers, &table, context) {
            if endpoint.is_some() && headers.first(":method") == Some(b"GET") {
                return self.respond(ControlRequest::generation(&table));
            }
            if table.is_internal(host) {
                self.phase = Phase::Control(control);
                return ControlRequest::pass(&headers);
            }
        }
        match endpoint {
            Some(endpoint) => {
                let facts = RequestFacts::new(headers, endpoint, (&table, context.now_ms));
                self.begin_at(endpoint, facts, end_of_stream)
            }
            None => self.begin_elsewhere(&headers),
        }
    }

    fn begin_at(
        &mut self,
        endpoint: &Endpoint,
        facts: RequestFacts,
        end_of_stream: bool,
    ) -> RequestStep {
        if !origin_allowed(&facts.headers, endpoint) {
            return self.respond(Rejection::ForeignOrigin.response(None));
        }
        if facts.has_no_ticket(&self.table) {
            return self.respond(Rejection::NoTicket.response(None));
        }
        self.guard = Guard::of(endpoint, &facts.headers);
        let is_open = self.guard.is_none();
        let is_served = |verb| verb == Verb::Get && self.table.streams().is_some();
        match Verb::of(&facts.headers) {
            verb @ (Verb::Get | Verb::Other) if is_open && !is_served(verb) => {
                self.respond(Rejection::MethodNotAllowed.response(None))
            }
            Verb::Post if is_open && end_of_stream => {
                self.respond(Rejection::InvalidJson.response(None))
            }
            Verb::Post if !end_of_stream => {
                self.phase = Phase::Reading(Box::new(Reading::new(facts, &self.table)));
                RequestStep::Hold
            }
            Verb::Get | Verb::Delete | Verb::Post | Verb::Other => {
                self.phase = Phase::Bodyless(Box::new(facts));
                RequestStep::Hold
            }
        }
    }

    fn begin_elsewhere(&mut self, headers: &Headers) -> RequestStep {
        let host = headers.first(":authority").unwrap_or_default();
        let path = headers.first(":path").unwrap_or_default();
        let told = self.table.told_endpoint(host, path);
        if let Some(answer) = told.and_then(|endpoint| well_known::answer(endpoint, headers)) {
            return self.respond(answer);
        }
        if self.table.is_internal(host) {
            return self.respond(Rejection::InternalHost.response(None));
        }
        self.phase = Phase::Passed;
        RequestStep::Pass
    }

    /// The next piece of a body of which nothing is decided.
    pub(super) fn read(
        &mut self,
        mut reading: Box<Reading>,
        piece: Vec<u8>,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        if reading.is_unread()
            && let Some(refusal) = self.refuse_caller(&reading.facts, context)
        {
            return self.begin_refusing(refusal, &reading.facts, (piece.len(), end_of_stream));
        }
        reading.facts.read_session(&self.table, context);
        let outcome = match reading.feed(piece, end_of_stream, &self.table) {
            Known::Nothing => return self.hold(reading, context),
            Known::Refused(Rejection::Batch) => self.settle_batch(&mut reading, context),
            Known::Refused(rejection) => Err(rejection),
            // What is refused waits for the end: the id may still come, and so may what is refused for another reason.
            Known::Early(method) => match self.route_request(method, &reading, context) {
                Ok(Outcome::Route(route)) => Ok(Outcome::Route(route)),
                Ok(Outcome::Stream(to)) if reading.is_complete() => Ok(Outcome::Stream(to)),
                // But a body that goes on already may never come to its end here: it may be more than the host shows.
                Err(rejection) if reading.edited => Err(rejection),
                Ok(Outcome::Respond(_) | Outcome::Stream(_) | Outcome::Answer(_)) | Err(_) => {
                    return self.hold(reading, context);
                }
            },
            Known::Message(message) => self.settle(message, &reading, context),
        };
        match outcome {
            Ok(Outcome::Respond(response)) => self.respond(response),
            Ok(Outcome::Route(route)) => self.prepare(*reading, route, context),
            Ok(Outcome::Stream(to)) => self.stream(
                (&reading.facts, reading.caller()),
                (to, BodyEdit::Keep),
                context,
            ),
            Ok(Outcome::Answer(body)) => self.answer_streams(&reading, body, context),
            Err(rejection) => {
                self.told.end(super::Outcome::Refused);
                self.respond(rejection.response(reading.caller()))
            }
        }
    }

    /// Reads on. A body of which no length was announced may grow beyond what the host lets be seen, with one piece: so
    /// the host is told what becomes of it as soon as that is known, be it small or large in the end.
    fn hold(&mut self, mut reading: Box<Reading>, context: &mut Context<'_>) -> RequestStep {
        let step = if reading.edited {
            RequestStep::Settle(BodyEdit::Keep)
        } else {
            let edit = self.edit_early(&reading, context);
            reading.edited = edit.is_some();
            edit.map_or(RequestStep::Hold, RequestStep::Settle)
        };
        self.phase = Phase::Reading(reading);
        step
    }

    fn edit_early(&mut self, reading: &Reading, context: &mut Context<'_>) -> Option<BodyEdit> {
        match self.route_request(reading.routable_unannounced()?, reading, context) {
            Ok(Outcome::Route(route)) => route.edit(&reading.held),
            Ok(Outcome::Respond(_) | Outcome::Stream(_) | Outcome::Answer(_)) | Err(_) => None,
        }
    }

    /// What a whole message wants.
    pub(super) fn settle(
        &mut self,
        message: Message,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        self.told.method = Some(message.method());
        match message {
            Message::Request(method) => self.settle_request(method, reading, context),
            // Without an id nobody could be answered; and a large one would have gone on before that showed.
            Message::Notification(Method::Routed(_)) => Err(Rejection::NotAMessage),
            Message::Response if reading.era == Era::Stateless => Err(Rejection::NotAMessage),
            // MCP 2026-07-28, basic/transports/streamable-http: there are none to pass on, and no rules for their headers.
            Message::Notification(_) if reading.era == Era::Stateless => {
                Ok(Outcome::Respond(local_answer::accepted()))
            }
            Message::Notification(method) => {
                admit(method, reading)?;
                self.pass_notification(method, reading, context);
                Ok(Outcome::Respond(local_answer::accepted()))
            }
            Message::Response => self.route_response(reading, context),
        }
    }

    fn settle_request(
        &mut self,
        method: Method,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        let virtual_server = admit_request(method, reading, &self.table)?;
        let id = reading.id().unwrap_or_default();
        let (table, scanner) = (&self.table, &reading.scanner);
        match method {
            Method::ServerDiscover if reading.era == Era::Stateless => Ok(Outcome::Respond(
                local_answer::discover(table, self.cache_scope(), id),
            )),
            Method::Initialize => {
                let identity = reading.facts.claims(table, context).identity();
                let asked = (scanner, identity);
                local_answer::initialize(table, asked, id, context).map(Outcome::Respond)
            }
            Method::Ping => Ok(Outcome::Respond(local_answer::pong(id))),
            // MCP 2026-07-28, basic/transports/streamable-http: what is not announced is not found.
            Method::List(list) if reading.era == Era::Stateless && !table.offers(list) => {
                Err(Rejection::MethodNotFound)
            }
            Method::List(list) => {
                let hidden = Hidden::from(table, &reading.facts, context);
                let is_visible = |one: Listed<'_>| !hidden.iter().any(|by| by.hides(list, one));
                let shown = Shown {
                    virtual_server,
                    is_visible: hidden.is_some().then_some(&is_visible),
                    cache_scope: (reading.era == Era::Stateless).then(|| self.cache_scope()),
                };
                local_answer::list(table, list, (scanner, &shown), id).map(Outcome::Respond)
            }
            Method::SetLevel => self.set_level(reading, context).map(Outcome::Respond),
            Method::Routed(method) => self.route_request(method, reading, context),
            Method::Listen if reading.era == Era::Stateless => self.listen_for(reading, context),
            _ => Err(Rejection::MethodNotFound),
        }
    }

    /// Who may be shown an answer of the gateway's own.
    ///
    /// MCP 2026-07-28, server/utilities/caching: public is what everybody may see, by whatever they ask for it. A token,
    /// a policy that hides and a header that names a virtual server all change a list.
    fn cache_scope(&self) -> CacheScope {
        if self.guard.is_some() || self.table.has_views() {
            CacheScope::Private
        } else {
            CacheScope::Public
        }
    }

    fn route_request(
        &mut self,
        method: RoutedMethod,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        let table = &self.table;
        let virtual_server = admit_request(Method::Routed(method), reading, table)?;
        self.told.method = Some(method.as_str());
        let found = tasks::find_route(method, reading, (table, virtual_server), context);
        let mut route = found.inspect_err(|rejection| self.told.note(rejection))?;
        route.choose_era(table, reading)?;
        self.told.subject = Some(route.subject());
        match route.apply_policies(&self.table, &reading.facts, context) {
            Ok(()) => {
                tasks::check_credential(&route)?;
                if method == RoutedMethod::Complete && !self.table.server(route.server).completions
                {
                    self.told.subject = None;
                    let id = reading.id().unwrap_or_default();
                    return Ok(Outcome::Respond(local_answer::completion(id, reading.era)));
                }
                if let Some(subscription) = self.subscription(method, &route, reading) {
                    return Ok(subscription);
                }
                route.cross_bridge(method, reading, &self.table);
                Ok(Outcome::Route(route))
            }
            Err(denied) => denied.into(),
        }
    }

    /// The answer to a server's request goes back to the session that asked.
    fn route_response(
        &mut self,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        admit(Method::Other, reading)?;
        let session = reading
            .facts
            .valid_session()
            .ok_or(Rejection::MissingSession)?;
        let sealed = reading
            .scanner
            .text(Field::Id)
            .and_then(|id| SealedId::open(&id, self.table.sessions(), session))
            .ok_or(Rejection::UnknownResponse)?;
        if sealed.server == ServerDigest::of(streams::NAME) && self.table.streams().is_some() {
            return bridge::answer(reading, sealed.original);
        }
        let mut servers = self.table.servers();
        let asked = servers.find(|(_, server)| ServerDigest::of(&server.name) == sealed.server);
        let (server, _) = asked.ok_or(Rejection::UnknownResponse)?;
        let mut route = Route::to(server, "response");
        if let Err(denied) = route.apply_policies(&self.table, &reading.facts, context) {
            return denied.into();
        }
        route.replace(&reading.scanner, Field::Id, sealed.original);
        tasks::restore_in_answer(&mut route, session, &self.table, &reading.scanner)?;
        let version = self.table.server(server).session_version;
        let version = version.ok_or(Rejection::UnknownResponse)?;
        route.begin_in(&sealed.upstream_session, version);
        Ok(Outcome::Route(route))
    }

    /// A session at the server first, where it has sessions and none is known for this caller.
    fn prepare(
        &mut self,
        mut reading: Reading,
        mut route: Route,
        context: &mut Context<'_>,
    ) -> RequestStep {
        let table = Rc::clone(&self.table);
        reading.asked_ms = context.now_ms;
        let issues_sessions = route.era == Era::Sessions
            && table.server(route.server).issues_sessions
            && !route.is_bridged;
        // An answer goes to the session that has asked.
        if issues_sessions {
            tasks::begin_in_session(&mut route, &table);
        }
        let mut wants_session = issues_sessions && route.upstream_session.is_none();
        if wants_session || issues_sessions && route.is_about_task() {
            reading.find_owner(&mut route, &table, context);
            // In a session that is shared, nobody may go on who does not share one.
            wants_session |= reading.owner.is_none();
        }
        let Some(body) = route.edit(&reading.held) else {
            return self.respond(Rejection::NotAMessage.response(reading.caller()));
        };
        reading.settle(&body, &table);
        let body = if reading.edited { BodyEdit::Keep } else { body };
        if !wants_session {
            return self.release(reading, route, body, context);
        }
        let known = reading
            .owner
            .and_then(|owner| upstream_sessions::find(&table, owner, &route, context));
        if let Some(upstream) = known {
            route.upstream_session = Some(RouteSession {
                session: upstream,
                for_this_request: false,
            });
            return self.release(reading, route, body, context);
        }
        route.trace_headers = trace_headers::of(&reading.facts.headers, &table);
        let client = Introduction::of(reading.facts.valid_session(), &route, &table, context);
        let open = OpenSession::begin(&table, &route, client, &mut self.calls);
        self.phase = Phase::Opening(Box::new(OpeningRequest {
            reading,
            route,
            open,
        }));
        RequestStep::Settle(body)
    }

    /// Lets a request go on.
    pub(super) fn release(
        &mut self,
        reading: Reading,
        mut route: Route,
        body: BodyEdit,
        context: &mut Context<'_>,
    ) -> RequestStep {
        if reading.era == Era::Stateless {
            let has_policies = self.table.policies(route.server).next().is_some();
            route.is_private = has_policies || self.cache_scope() == CacheScope::Private;
        }
        let Some(headers) = self.edits(&reading, &route, context) else {
            return self.respond(Rejection::StreamsUnavailable.response(reading.caller()));
        };
        let inspect_rest = !reading.ended;
        self.phase = Phase::Routed(Box::new(Routed::new(reading, route, context)));
        RequestStep::Release(Release {
            headers,
            body,
            inspect_rest,
        })
    }
}

impl Exchange {
    /// What changes on the headers of a request that goes by `route`; `None` where it cannot go there now.
    fn edits(
        &self,
        reading: &Reading,
        route: &Route,
        context: &mut Context<'_>,
    ) -> Option<Vec<HeaderEdit>> {
        if route.is_bridged {
            let to = ToStreams {
                method: route.method,
                server: Some(route.server),
            };
            return streaming::edits(&reading.facts, (to, reading.era), &self.table, context);
        }
        let headers = upstream_headers::edits(&reading.facts.headers, &self.table, route);
        Some(match (reading.era, route.era) {
            (Era::Stateless, Era::Stateless) => {
                upstream_headers::with_parameters(headers, &self.table)
            }
            _ => headers,
        })
    }
}

/// Why a request does not go on that was known to be one, and in which era, before its end.
pub(crate) fn late_refusal(
    message: Message,
    (era, headers): (Era, &Headers),
    scanner: &Scanner,
) -> Option<Rejection> {
    match (message, era) {
        (Message::Notification(_) | Message::Response, _) => Some(Rejection::NotAMessage),
        (Message::Request(_), Era::Stateless) => stateless::check(headers, scanner, true).err(),
        (Message::Request(_), Era::Sessions) => {
            let is_stateless = stateless::era_of(headers, scanner) == Era::Stateless;
            is_stateless.then_some(Rejection::HeaderMismatch("mcp-protocol-version"))
        }
    }
}

/// Whether a message of this method may pass: revision, session, and what a stateless one says of itself.
///
/// MCP 2025-11-25, basic/transports: an unsupported revision is 400, an unknown session 404. `initialize` needs neither.
fn admit(method: Method, reading: &Reading) -> Result<(), Rejection> {
    let Reading { facts, scanner, .. } = reading;
    if reading.era == Era::Stateless {
        stateless::check(&facts.headers, scanner, reading.is_complete())?;
        return stateless::serves(method);
    }
    if method == Method::Initialize {
        return Ok(());
    }
    if facts.version == VersionClaim::Unknown {
        return Err(Rejection::UnsupportedVersion);
    }
    match facts.session {
        SessionClaim::Absent | SessionClaim::Valid(_) => Ok(()),
        SessionClaim::Unknown | SessionClaim::Unread => Err(Rejection::UnknownSession),
    }
}

/// The same for a request, which shows or does something: the virtual server that it asks for must be served here.
pub(super) fn admit_request<'a>(
    method: Method,
    reading: &Reading,
    table: &'a Table,
) -> Result<Option<&'a VirtualServer>, Rejection> {
    admit(method, reading)?;
    reading.facts.virtual_server.find(table)
}

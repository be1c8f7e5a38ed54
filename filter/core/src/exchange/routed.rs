//! A request that is on its way to a server, and its response as far as it has come.

use std::rc::Rc;

use super::calls::Calls;
use super::message::{Message, echoable_id};
use super::reading::{self, Reading};
use super::request::late_refusal;
use super::request_facts::RequestFacts;
use super::request_id::RequestId;
use super::response::ResponseState;
use super::route::Route;
use super::told::Outcome;
use super::translation::Translation;
use super::waiting::Waiting;
use super::{trace_headers, upstream_sessions};
use crate::era::Era;
use crate::json::Scanner;
use crate::rejection::{Caller, Rejection};
use crate::session_id::Session;
use crate::slots::{Cancellation, Owner};
use crate::step::{BodyStep, TickStep};
use crate::{Context, Headers, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct Routed {
    /// Where it goes.
    pub(crate) route: Route,
    /// The client's headers.
    headers: Headers,
    /// The client's session.
    pub(crate) session: Option<Session>,
    /// By whom the session at the server is found again.
    pub(crate) owner: Option<Owner>,
    /// The request's id.
    pub(crate) id: RequestId,
    /// How the client speaks.
    pub(crate) era: Era,
    /// What changes on the answer.
    pub(crate) translation: Translation,
    /// Whether `mcp-streams` has sent it, which is told whose answer it gets.
    pub(crate) is_inner: bool,
    /// Whether this is a client's answer to a server's request.
    pub(crate) is_answer: bool,
    /// The body as the server got it, where it is small enough to be sent again.
    pub(crate) replay: Option<Rc<Vec<u8>>>,
    /// How much of the response has come.
    pub(crate) response: ResponseState,
    /// How it has ended, once it has.
    pub(crate) outcome: Option<Outcome>,
    /// Whether the headers of the response wait for what the body shows.
    pub(crate) is_weighed: bool,
    /// Whether the server was told that the client has cancelled.
    is_cancellation_passed: bool,
    /// The scan of a body that goes on.
    rest: Option<Scanner>,
    /// Whether nothing more may come of it than its end.
    whole: bool,
    /// When the gateway first turned to the server for it, in milliseconds.
    pub(crate) asked_ms: u64,
    /// When something last came of the response, in milliseconds, as far as ticks have told.
    last_activity_ms: u64,
    /// Whether something has happened since the last tick.
    touched: bool,
}

impl Routed {
    /// Whether it can be sent again in another session of the server.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.owner.is_some() && self.route.upstream_session.is_some() && self.replay.is_some()
    }

    /// A request that is released now.
    pub(crate) fn new(reading: Reading, route: Route, context: &Context<'_>) -> Self {
        let is_answer =
            matches!(Message::of(&reading.scanner), Ok(Message::Response)) && reading.ended;
        let id = if is_answer {
            None
        } else {
            reading.id().map(<[u8]>::to_vec)
        };
        let translation = Translation::new(&reading, &route);
        let Reading {
            facts,
            era,
            scanner,
            ended,
            whole,
            asked_ms,
            replay,
            owner,
            substitute,
            ..
        } = reading;
        let replay = replay.filter(|_| route.upstream_session.is_some() && !is_answer);
        Self {
            route,
            session: facts.valid_session().cloned(),
            is_inner: facts.purpose.is_some(),
            headers: facts.headers,
            owner,
            id: RequestId::new(id, substitute),
            era,
            translation,
            is_answer,
            replay,
            response: ResponseState::Waiting,
            outcome: None,
            is_weighed: false,
            is_cancellation_passed: false,
            rest: (!ended).then_some(scanner),
            whole,
            asked_ms,
            last_activity_ms: context.now_ms,
            touched: false,
        }
    }

    /// A stream of the server that was opened without a message. Whoever opens it is told of failures by the status.
    pub(crate) fn listening(facts: RequestFacts, route: Route, context: &Context<'_>) -> Self {
        Self {
            route,
            session: facts.valid_session().cloned(),
            is_inner: facts.purpose.is_some(),
            headers: facts.headers,
            owner: None,
            id: RequestId::default(),
            era: Era::Stateless,
            translation: Translation::default(),
            is_answer: false,
            replay: None,
            response: ResponseState::Waiting,
            outcome: None,
            is_weighed: false,
            is_cancellation_passed: false,
            rest: None,
            whole: true,
            asked_ms: context.now_ms,
            last_activity_ms: context.now_ms,
            touched: false,
        }
    }

    /// A side call follows, which is part of its trace. Most requests need none, so it was not looked for before.
    pub(crate) fn find_trace(&mut self, table: &Table) {
        if self.route.trace_headers.is_empty() {
            self.route.trace_headers = trace_headers::of(&self.headers, table);
        }
    }

    /// Whom a refusal answers.
    pub(crate) fn caller(&self) -> Caller<'_> {
        let (id, era) = (self.id.client(), self.era);
        Caller { id, era }
    }

    /// Whether the server has got the body to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_none()
    }

    /// The next piece of a body that was released before its end. What makes it invalid stops it here.
    pub(crate) fn on_request_body(&mut self, piece: &[u8], end_of_stream: bool) -> BodyStep {
        let Some(scanner) = &mut self.rest else {
            return BodyStep::Forward;
        };
        if self.whole && piece.is_empty() {
            return BodyStep::Forward;
        }
        let scanned = scanner.feed(piece);
        let scanned = if end_of_stream {
            scanned.and_then(|()| scanner.finish())
        } else {
            scanned
        };
        let refused = match scanned.map_err(reading::rejection) {
            Err(rejection) => Some(rejection),
            Ok(()) if end_of_stream => match Message::of(scanner) {
                Ok(message) => late_refusal(message, (self.era, &self.headers), scanner),
                Err(rejection) => Some(rejection),
            },
            Ok(()) => None,
        };
        self.id.learn(echoable_id(scanner).map(<[u8]>::to_vec));
        self.translation.learn(scanner);
        if let Some(rejection) = refused {
            return self.refuse_rest(&rejection);
        }
        if end_of_stream {
            self.rest = None;
        }
        BodyStep::Forward
    }

    /// Whether this server, for this caller, waits or streams for too long, or the client has cancelled.
    pub(crate) fn on_tick(
        &mut self,
        table: &Table,
        calls: &mut Calls,
        context: &Context<'_>,
    ) -> TickStep {
        if self.route.listens() {
            return TickStep::Wait;
        }
        if std::mem::take(&mut self.touched) {
            self.last_activity_ms = context.now_ms;
        }
        let cancellation = Waiting::of(self).cancellation(table, context);
        if let Some(cancellation) = &cancellation {
            self.pass_cancellation(cancellation, table, calls);
        }
        let step = self.end_if_due(table, context, cancellation.as_ref());
        if step != TickStep::Wait && cancellation.is_some() {
            self.outcome.get_or_insert(Outcome::Cancelled);
        }
        if step != TickStep::Wait && cancellation.is_none() {
            // MCP 2025-11-25, basic/lifecycle, Timeouts.
            self.tell_given_up(table, calls);
        }
        step
    }

    /// Nobody is left to answer.
    ///
    /// MCP 2026-07-28, basic/patterns/cancellation: a stateless client cancels so, and to a server of sessions that is to
    /// be said. From clients of sessions it means nothing (MCP 2025-11-25, basic/transports, Sending Messages).
    pub(crate) fn abandon(&mut self, table: &Table, calls: &mut Calls) {
        if self.era == Era::Stateless && self.outcome.is_none() {
            self.tell_given_up(table, calls);
        }
    }

    /// Tells the server what its client has not said. Where there is no session, clients share the server's whole range
    /// of ids, and by the id alone it could cancel a stranger's request: the end of the connection must do there.
    fn tell_given_up(&mut self, table: &Table, calls: &mut Calls) {
        if self.id.is_substituted() || self.route.upstream_session.is_some() {
            self.tell_cancelled(Vec::new(), table, calls);
        }
    }

    fn end_if_due(
        &self,
        table: &Table,
        context: &Context<'_>,
        cancellation: Option<&Cancellation>,
    ) -> TickStep {
        if self.is_weighed || matches!(self.response, ResponseState::Waiting) {
            return Waiting::of(self).on_tick(table, context, cancellation);
        }
        let silent_ms = context.now_ms.saturating_sub(self.last_activity_ms);
        let bound_ms = table.server(self.route.server).timeouts.idle_ms;
        if silent_ms >= bound_ms || Waiting::of(self).is_over(table, context, cancellation) {
            TickStep::Reset
        } else {
            TickStep::Wait
        }
    }

    /// Tells the server, once, unless it is told with all that have a session for the caller.
    fn pass_cancellation(&mut self, cancellation: &Cancellation, table: &Table, calls: &mut Calls) {
        let of_route = self.route.upstream_session.as_ref();
        let is_told_otherwise = of_route.is_some_and(|of_route| !of_route.for_this_request);
        if !is_told_otherwise {
            self.tell_cancelled(cancellation.notification.clone(), table, calls);
        }
    }

    /// Tells the server, once, in these words or, where they are none, in our own.
    fn tell_cancelled(&mut self, notification: Vec<u8>, table: &Table, calls: &mut Calls) {
        // MCP 2026-07-28, basic/patterns/cancellation: the end of the stream says it, and so it does to
        // `mcp-streams`.
        if self.route.era == Era::Stateless || self.route.is_bridged {
            return;
        }
        let Some(id) = self.id.server() else { return };
        if std::mem::replace(&mut self.is_cancellation_passed, true) {
            return;
        }
        let body = if notification.is_empty() {
            cancelled(id)
        } else {
            notification
        };
        self.find_trace(table);
        let session = self.route.upstream_session.as_ref();
        let session = session.map(|of_route| &of_route.session);
        upstream_sessions::tell(table, &self.route, ("POST", session, body), calls);
    }

    /// Something came from the server. The next tick will know when: the time itself would cost a hostcall.
    pub(crate) fn touch(&mut self) {
        self.touched = true;
    }

    fn refuse_rest(&mut self, rejection: &Rejection) -> BodyStep {
        self.rest = None;
        match self.response {
            ResponseState::Waiting => BodyStep::Respond(rejection.response(self.caller())),
            _ => BodyStep::Reset,
        }
    }
}

/// MCP 2025-11-25, basic/utilities/cancellation.
fn cancelled(id: &[u8]) -> Vec<u8> {
    let before = br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#;
    [before.as_slice(), id, b"}}"].concat()
}

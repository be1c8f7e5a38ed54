//! A request that waits while a session is opened for it at its server.

use std::rc::Rc;

use super::open_session::{OpenSession, Opening};
use super::reading::{Known, Reading};
use super::request::late_refusal;
use super::route::{Route, RouteSession};
use super::waiting::Waiting;
use super::{CallStep, Exchange, Outcome, Phase, upstream_sessions};
use crate::slots::UpstreamSession;
use crate::step::{BodyEdit, CallOutcome, CallToken, RequestStep, TickStep};
use crate::{Context, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct OpeningRequest {
    /// The held request.
    pub(crate) reading: Reading,
    /// Where it goes.
    pub(crate) route: Route,
    /// How far that is.
    pub(crate) open: OpenSession,
}

impl OpeningRequest {
    /// Whether it has waited for too long, or its client has cancelled. The server knows nothing of it yet.
    pub(crate) fn on_tick(&self, table: &Table, context: &Context<'_>) -> TickStep {
        let waiting = Waiting {
            server: self.route.server,
            session: self.reading.facts.valid_session(),
            caller: self.reading.caller(),
            era: self.route.era,
            is_answer: false,
            since_ms: self.reading.asked_ms,
        };
        let cancellation = waiting.cancellation(table, context);
        waiting.on_tick(table, context, cancellation.as_ref())
    }

    /// The session that the server has issued for a request that will never reach it.
    pub(crate) fn issued(&self) -> Option<(&Route, &UpstreamSession)> {
        self.open.issued().map(|session| (&self.route, session))
    }
}

impl Exchange {
    /// A body that goes on while a session is opened for it.
    pub(super) fn read_while_opening(
        &mut self,
        mut opening: Box<OpeningRequest>,
        piece: Vec<u8>,
        end_of_stream: bool,
    ) -> RequestStep {
        let known = opening.reading.feed(piece, end_of_stream, &self.table);
        let refused = match known {
            Known::Refused(rejection) => Some(rejection),
            Known::Message(message) => {
                let reading = &opening.reading;
                late_refusal(
                    message,
                    (reading.era, &reading.facts.headers),
                    &reading.scanner,
                )
            }
            Known::Nothing | Known::Early(_) => None,
        };
        let response = refused.map(|rejection| rejection.response(opening.reading.caller()));
        self.phase = Phase::Opening(opening);
        match response {
            None => RequestStep::Settle(BodyEdit::Keep),
            Some(response) => {
                self.end_upstream_session();
                self.respond(response)
            }
        }
    }

    /// A call for a session has ended.
    pub(super) fn on_opening_call(
        &mut self,
        mut opening: Box<OpeningRequest>,
        ended: (CallToken, &CallOutcome),
        context: &mut Context<'_>,
    ) -> CallStep {
        let table = Rc::clone(&self.table);
        let session = match opening
            .open
            .on_call(ended, &table, &opening.route, &mut self.calls)
        {
            Opening::Pending => {
                self.phase = Phase::Opening(opening);
                return CallStep::Nothing;
            }
            Opening::Failed(rejection) => {
                self.told.end(Outcome::Failed);
                let response = rejection.response(opening.reading.caller());
                self.phase = Phase::Opening(opening);
                self.end_upstream_session();
                return CallStep::Request(self.respond(response));
            }
            Opening::Sessionless => None,
            Opening::Opened(upstream) => {
                Some(self.keep_upstream_session(&opening, upstream, context))
            }
        };
        let OpeningRequest {
            reading, mut route, ..
        } = *opening;
        route.upstream_session = session;
        CallStep::Request(self.release(reading, route, BodyEdit::Keep, context))
    }

    fn keep_upstream_session(
        &mut self,
        opening: &OpeningRequest,
        opened: UpstreamSession,
        context: &mut Context<'_>,
    ) -> RouteSession {
        match opening.reading.owner {
            None => RouteSession {
                session: opened,
                for_this_request: true,
            },
            Some(owner) => {
                let opened = (owner, &opening.route, opened);
                upstream_sessions::keep(&self.table, opened, &mut self.calls, context)
            }
        }
    }
}

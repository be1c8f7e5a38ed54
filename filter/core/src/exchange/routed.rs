//! A request that is on its way to a server, and its response as far as it has come.

use std::rc::Rc;

use super::message::{Message, echoable_id};
use super::reading::{self, Reading};
use super::request::late_refusal;
use super::response::ResponseState;
use super::route::Route;
use super::waiting::Waiting;
use crate::json::Scanner;
use crate::rejection::Rejection;
use crate::session_id::Session;
use crate::step::{BodyEdit, BodyStep, TickStep};
use crate::{Context, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct Routed {
    /// Where it goes.
    pub(crate) route: Route,
    /// The client's session.
    pub(crate) session: Option<Session>,
    /// The request's id as the client wrote it; `None` until it is known, and for a client's answer.
    pub(crate) id: Option<Vec<u8>>,
    /// Whether this is a client's answer to a server's request.
    pub(crate) is_answer: bool,
    /// The body as the server got it, where it is small enough to be sent again.
    pub(crate) replay: Option<Rc<Vec<u8>>>,
    /// How much of the response has come.
    pub(crate) response: ResponseState,
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
        self.session.is_some() && self.route.upstream_session.is_some() && self.replay.is_some()
    }

    /// A request that is released now.
    pub(crate) fn new(
        reading: Reading,
        route: Route,
        body: &BodyEdit,
        (table, context): (&Table, &Context<'_>),
    ) -> Self {
        let is_answer =
            matches!(Message::of(&reading.scanner), Ok(Message::Response)) && reading.ended;
        let id = if is_answer {
            None
        } else {
            reading.id().map(<[u8]>::to_vec)
        };
        let Reading {
            facts,
            held,
            scanner,
            ended,
            whole,
            asked_ms,
            ..
        } = reading;
        let replay =
            (whole && route.upstream_session.is_some() && !is_answer).then(|| match body {
                BodyEdit::Keep => Rc::new(held),
                BodyEdit::Replace(body) => Rc::clone(body),
            });
        let bound = table.limits().replay_bytes as usize;
        let replay = replay.filter(|body| body.len() <= bound);
        Self {
            route,
            session: facts.valid_session().cloned(),
            id,
            is_answer,
            replay,
            response: ResponseState::Waiting,
            rest: (!ended).then_some(scanner),
            whole,
            asked_ms,
            last_activity_ms: context.now_ms,
            touched: false,
        }
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
                Ok(message) => late_refusal(message, scanner),
                Err(rejection) => Some(rejection),
            },
            Ok(()) => None,
        };
        self.id = echoable_id(scanner).map(<[u8]>::to_vec);
        if let Some(rejection) = refused {
            return self.refuse_rest(&rejection);
        }
        if end_of_stream {
            self.rest = None;
        }
        BodyStep::Forward
    }

    /// Whether this server, for this caller, waits or streams for too long, or the client has cancelled.
    pub(crate) fn on_tick(&mut self, table: &Table, context: &Context<'_>) -> TickStep {
        if std::mem::take(&mut self.touched) {
            self.last_activity_ms = context.now_ms;
        }
        let waiting = Waiting::of(self);
        if matches!(self.response, ResponseState::Waiting) {
            return waiting.on_tick(table, context);
        }
        let silent_ms = context.now_ms.saturating_sub(self.last_activity_ms);
        let bound_ms = table.server(self.route.server).timeouts.idle_ms;
        if silent_ms >= bound_ms || waiting.is_cancelled(table, context) {
            TickStep::Reset
        } else {
            TickStep::Wait
        }
    }

    /// Something came from the server. The next tick will know when: the time itself would cost a hostcall.
    pub(crate) fn touch(&mut self) {
        self.touched = true;
    }

    fn refuse_rest(&mut self, rejection: &Rejection) -> BodyStep {
        self.rest = None;
        match self.response {
            ResponseState::Waiting => BodyStep::Respond(rejection.response(self.id.as_deref())),
            _ => BodyStep::Reset,
        }
    }
}

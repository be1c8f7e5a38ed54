//! One HTTP stream, as a state machine. Entry points mirror the Proxy-Wasm callbacks.
//!
//! ```text
//! Start -> Passed                                  not ours
//!       -> Control                                 control's own discovery
//!       -> Bodyless -> Answered                    a session ends, or there is nothing to read
//!                   -> Streaming                   a client listens
//!       -> Reading -> Refusing -> Answered         its caller is refused
//!                  -> Answered                     answered here
//!                  -> Streaming                    `mcp-streams` serves it
//!                  -> Opening -> Routed            a session at the server comes first
//!                  -> Routed -> Doubting            it may have lost its session: a ping tells
//!                            -> Repairing           it has lost it
//! ```

mod authentication;
mod batch;
mod bridge;
mod calls;
mod control;
mod denied;
mod doubt;
mod downstream_headers;
mod hidden;
mod input_required;
mod listening;
mod local_answer;
mod message;
mod mirrored_arguments;
mod open_session;
mod opening_request;
mod reading;
mod repair;
mod request;
mod request_facts;
mod request_id;
mod response;
mod response_check;
mod response_events;
mod route;
mod routed;
mod set_level;
mod stateless;
mod streaming;
mod subscribing;
mod tasks;
mod told;
mod trace_headers;
mod translation;
mod upstream_headers;
mod upstream_sessions;
mod virtual_server;
mod waiting;
mod well_known;

use std::rc::Rc;

use crate::rejection::{Caller, Rejection};
use crate::step::{
    BodyStep, CallOutcome, CallToken, HttpCall, LocalResponse, RequestStep, ResponseBody,
    ResponseHeadStep, ResponseSource, TickStep,
};
use crate::{Context, Headers, Table};

use authentication::{Guard, Refusing};
use calls::Calls;
use control::ControlRequest;
use doubt::Doubt;
use opening_request::OpeningRequest;
use reading::Reading;
use repair::Repair;
use request_facts::RequestFacts;
use routed::Routed;
use streaming::Streaming;
pub use told::{Outcome, Subject, Told};
pub(crate) use upstream_sessions::UpstreamKeyParts;

/// See the module. The order of calls is the host's: request headers, request body pieces (only while held or
/// when a release asked for the rest), request trailers, response headers, response body pieces; calls' ends and
/// ticks come at any time.
#[derive(Debug)]
pub struct Exchange {
    table: Rc<Table>,
    calls: Calls,
    phase: Phase,
    told: Told,
    /// Who may send the request; `None`: everybody.
    guard: Option<Guard>,
}

#[derive(Debug)]
enum Phase {
    Start,
    /// Nothing is left to decide: not ours, or over.
    Passed,
    /// A local response was sent; Envoy shows it to the response callbacks, too.
    Answered,
    Control(ControlRequest),
    /// It is answered once it is known who asks, whatever comes of a body: a `DELETE` ends its session.
    Bodyless(Box<RequestFacts>),
    /// Its caller is refused, once a small body has come.
    Refusing(Box<Refusing>),
    Reading(Box<Reading>),
    Opening(Box<OpeningRequest>),
    Routed(Box<Routed>),
    /// `mcp-streams` has it.
    Streaming(Box<Streaming>),
    /// The response's head is held until it is known whether the server still knows the session.
    Doubting(Box<Doubt>),
    Repairing(Box<Repair>),
    /// The response's head went on as ours; its body is replaced by this.
    Replacing(Vec<u8>),
}

/// What the end of a call leads to: it belongs to the phase in which the exchange waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStep {
    /// The request is still held.
    Request(RequestStep),
    /// The response headers are held.
    Response(ResponseHeadStep),
    /// The call's end changes nothing.
    Nothing,
}

impl Exchange {
    /// A new stream under `table`.
    pub fn new(table: Rc<Table>) -> Self {
        Self {
            table,
            calls: Calls::default(),
            phase: Phase::Start,
            told: Told::default(),
            guard: None,
        }
    }

    /// Request headers. `end_of_stream`: there is no body.
    pub fn on_request_headers(
        &mut self,
        headers: Headers,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        self.begin(headers, end_of_stream, context)
    }

    /// The next piece of a body that is held: new bytes only, never those of an earlier call. Request trailers
    /// are the end of the stream, too, and so is a hold of headers that nothing follows: an empty last piece.
    ///
    /// From here on it must be known who sends the request ([`Context::claims`]).
    pub fn on_held_body(
        &mut self,
        piece: Vec<u8>,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        match std::mem::replace(&mut self.phase, Phase::Passed) {
            Phase::Reading(reading) => self.read(reading, piece, end_of_stream, context),
            Phase::Bodyless(facts) => {
                let is_empty = piece.is_empty() && end_of_stream;
                self.answer_bodyless(facts, is_empty, context)
            }
            Phase::Refusing(refusing) => self.refuse(refusing, piece.len(), end_of_stream),
            Phase::Opening(opening) => self.read_while_opening(opening, piece, end_of_stream),
            other => {
                self.phase = other;
                RequestStep::Hold
            }
        }
    }

    /// The next piece of a request body after its release with `inspect_rest`.
    pub fn on_released_body(&mut self, piece: Vec<u8>, end_of_stream: bool) -> BodyStep {
        let Phase::Routed(routed) = &mut self.phase else {
            return BodyStep::Forward;
        };
        let step = routed.on_request_body(&piece, end_of_stream);
        if matches!(step, BodyStep::Respond(_)) {
            self.end_upstream_session();
            self.phase = Phase::Answered;
        }
        if matches!(step, BodyStep::Respond(_) | BodyStep::Reset) {
            self.told.end(Outcome::Refused);
        }
        step
    }

    /// Response headers.
    pub fn on_response_headers(
        &mut self,
        headers: Headers,
        end_of_stream: bool,
        source: ResponseSource<'_>,
        context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        let head = response::ResponseHead {
            headers,
            end_of_stream,
            from_upstream: source == ResponseSource::Upstream,
        };
        if let Some(response) = self.refused_token(source) {
            return self.refuse_token(response, &head);
        }
        if matches!(self.phase, Phase::Opening(_)) {
            self.end_upstream_session();
        }
        match std::mem::replace(&mut self.phase, Phase::Passed) {
            Phase::Control(control) => control.on_response(&self.table, source),
            Phase::Bodyless(_) | Phase::Refusing(_) => {
                self.refused_by_envoy(&head, Caller::default())
            }
            Phase::Reading(reading) => self.refused_by_envoy(&head, reading.caller()),
            Phase::Opening(opening) => self.refused_by_envoy(&head, opening.reading.caller()),
            Phase::Routed(routed) => self.on_routed_response(routed, &head, context),
            Phase::Streaming(streaming) => self.on_streams_response(&streaming, &head),
            other => {
                self.phase = other;
                ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore)
            }
        }
    }

    /// Response headers that have come astray, in place of [`Exchange::on_response_headers`]: the request was not to go
    /// on, so `rejection` goes out instead.
    pub fn on_stray_response(
        &mut self,
        end_of_stream: bool,
        from_upstream: bool,
        rejection: &Rejection,
    ) -> ResponseHeadStep {
        self.end_upstream_session();
        let reading = match std::mem::replace(&mut self.phase, Phase::Answered) {
            Phase::Reading(reading) => Some(reading),
            _ => None,
        };
        let caller = reading.as_ref().map(|reading| reading.caller());
        self.told.end(Outcome::Refused);
        // An upstream's body may have no end to wait for.
        self.replace(
            end_of_stream || from_upstream,
            rejection,
            caller.unwrap_or_default(),
        )
    }

    /// The next piece of a response body: new bytes only.
    pub fn on_response_body(&mut self, piece: Vec<u8>, end_of_stream: bool) -> BodyStep {
        match &mut self.phase {
            Phase::Routed(routed) => routed.on_response_body(&self.table, &piece, end_of_stream),
            // Where the host lets bodies come before held headers go on, they wait, too.
            Phase::Doubting(_) | Phase::Repairing(_) => BodyStep::Hold,
            Phase::Replacing(_) if !end_of_stream => BodyStep::Hold,
            Phase::Replacing(body) => BodyStep::Replace(std::mem::take(body)),
            _ => BodyStep::Forward,
        }
    }

    /// A call with a token has ended.
    pub fn on_call(
        &mut self,
        token: CallToken,
        outcome: CallOutcome,
        context: &mut Context<'_>,
    ) -> CallStep {
        match std::mem::replace(&mut self.phase, Phase::Passed) {
            Phase::Opening(opening) => self.on_opening_call(opening, (token, &outcome), context),
            Phase::Doubting(doubt) => self.on_doubt_call(doubt, (token, &outcome), context),
            Phase::Repairing(repair) => self.on_repair_call(repair, (token, outcome), context),
            other => {
                self.phase = other;
                CallStep::Nothing
            }
        }
    }

    /// Whether [`Exchange::on_tick`] wants to be called every second or so.
    pub fn wants_ticks(&self) -> bool {
        matches!(
            self.phase,
            Phase::Opening(_)
                | Phase::Routed(_)
                | Phase::Doubting(_)
                | Phase::Repairing(_)
                | Phase::Streaming(_)
        )
    }

    /// Looks at deadlines and at cancellations.
    pub fn on_tick(&mut self, context: &mut Context<'_>) -> TickStep {
        let (table, calls) = (&self.table, &mut self.calls);
        let step = match &mut self.phase {
            Phase::Opening(opening) => opening.on_tick(table, context),
            Phase::Routed(routed) => routed.on_tick(table, calls, context),
            Phase::Doubting(doubt) => doubt.routed.on_tick(table, calls, context),
            Phase::Repairing(repair) => repair.routed.on_tick(table, calls, context),
            Phase::Streaming(streaming) => streaming.on_tick(context.now_ms),
            _ => TickStep::Wait,
        };
        self.told = self.told();
        self.told.give_up(&step);
        if matches!(step, TickStep::Respond(_)) {
            self.end_upstream_session();
            self.phase = Phase::Answered;
        }
        step
    }

    /// The stream is over, whoever ended it. Detached calls may follow.
    pub fn on_done(&mut self) {
        self.told = self.told();
        let routed = match &mut self.phase {
            Phase::Routed(routed) => Some(routed.as_mut()),
            Phase::Doubting(doubt) => Some(doubt.routed.as_mut()),
            Phase::Repairing(repair) => Some(&mut repair.routed),
            _ => None,
        };
        if let Some(routed) = routed {
            routed.abandon(&self.table, &mut self.calls);
        }
        self.end_upstream_session();
        self.phase = Phase::Passed;
    }

    /// The calls that the last entry point wants made.
    pub fn take_calls(&mut self) -> Vec<HttpCall> {
        self.calls.take()
    }

    /// Answers the request here. Unless more is known of its end, the status tells.
    fn respond(&mut self, response: LocalResponse) -> RequestStep {
        self.told.end(match response.status {
            0..400 => Outcome::Ok,
            400.. => Outcome::Refused,
        });
        self.phase = Phase::Answered;
        RequestStep::Respond(response)
    }
}

#[cfg(test)]
mod tests;

//! One HTTP stream, as a state machine. Entry points mirror the Proxy-Wasm callbacks.

use std::rc::Rc;

use crate::step::{
    BodyStep, CallOutcome, CallToken, HttpCall, RequestStep, ResponseBody, ResponseHeadStep, TickStep,
};
use crate::{Context, Headers, Table};

/// See the module. The order of calls is the host's: request headers, request body pieces (only while held or
/// when a release asked for the rest), request trailers, response headers, response body pieces; calls' ends and
/// ticks come at any time.
#[derive(Debug)]
pub struct Exchange {
    #[allow(dead_code, reason = "placeholder")]
    table: Rc<Table>,
    calls: Vec<HttpCall>,
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
        Self { table, calls: Vec::new() }
    }

    /// Request headers. `end_of_stream`: there is no body.
    pub fn on_request_headers(
        &mut self,
        _headers: Headers,
        _end_of_stream: bool,
        _context: &mut Context<'_>,
    ) -> RequestStep {
        RequestStep::Pass
    }

    /// The next piece of a body that is held: new bytes only, never those of an earlier call.
    pub fn on_held_body(
        &mut self,
        _piece: Vec<u8>,
        _end_of_stream: bool,
        _context: &mut Context<'_>,
    ) -> RequestStep {
        RequestStep::Hold
    }

    /// The next piece of a request body after its release with `inspect_rest`.
    pub fn on_released_body(
        &mut self,
        _piece: Vec<u8>,
        _end_of_stream: bool,
        _context: &mut Context<'_>,
    ) -> BodyStep {
        BodyStep::Forward
    }

    /// Response headers, of an upstream or of Envoy itself (`from_upstream` false).
    pub fn on_response_headers(
        &mut self,
        _headers: Headers,
        _end_of_stream: bool,
        _from_upstream: bool,
        _context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore)
    }

    /// The next piece of a response body: new bytes only.
    pub fn on_response_body(
        &mut self,
        _piece: Vec<u8>,
        _end_of_stream: bool,
        _context: &mut Context<'_>,
    ) -> BodyStep {
        BodyStep::Forward
    }

    /// A call with a token has ended.
    pub fn on_call(&mut self, _token: CallToken, _outcome: CallOutcome, _context: &mut Context<'_>) -> CallStep {
        CallStep::Nothing
    }

    /// Whether [`Exchange::on_tick`] wants to be called every second or so.
    pub fn wants_ticks(&self) -> bool {
        false
    }

    /// Looks at deadlines and at cancellations.
    pub fn on_tick(&mut self, _context: &mut Context<'_>) -> TickStep {
        TickStep::Wait
    }

    /// The stream is over, whoever ended it. Detached calls may follow.
    pub fn on_done(&mut self, _context: &mut Context<'_>) {}

    /// The calls that the last entry point wants made.
    pub fn take_calls(&mut self) -> Vec<HttpCall> {
        std::mem::take(&mut self.calls)
    }
}

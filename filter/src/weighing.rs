//! Response headers that wait for the body, which shows whether they may go on.
//!
//! Where one instance holds headers, a pause there lets it see the body. That of `route` stops the body, too. But on the way
//! back the gate stands before it: so the gate keeps the body, and `route` the headers.

use mcp_filter_core::{BodyStep, HeaderEdit, LocalResponse};
use proxy_wasm::types::Action;

use crate::apply::{At, edit_headers};
use crate::flow::{Flow, Half, Life, Response};
use crate::handshake;
use crate::host::{self, Direction};

impl Flow {
    /// Whether the body will be seen while the headers are held.
    pub(crate) fn can_weigh(&self, at: At) -> bool {
        at == At::Headers && (self.half == Half::Whole || self.gate.is_some())
    }

    /// In a callback of the stream's own: headers that were weighed go on with what goes on of the body. They are the
    /// server's, or those of `instead`.
    pub(crate) fn let_head_go(&mut self, instead: Option<&LocalResponse>) {
        if let Some(edits) = self.weighed(instead) {
            edit_headers(Direction::Response, &edits);
            self.response = Response::Released { inspect: true };
        }
    }

    fn weighed(&mut self, instead: Option<&LocalResponse>) -> Option<Vec<HeaderEdit>> {
        let Response::Weighed(edits) = &mut self.response else {
            return None;
        };
        let mut edits = std::mem::take(edits);
        if let Some(response) = instead {
            let status = response.status.to_string().into_bytes();
            edits.push(HeaderEdit::Set(":status".into(), status));
            let headers = response.headers.iter().cloned();
            edits.extend(headers.map(|(name, value)| HeaderEdit::Set(name, value)));
            self.shared.metrics.local_response(response.status);
        }
        Some(edits)
    }

    /// A piece of the response body comes to the gate, whose context is in effect.
    pub(crate) fn on_gate_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match (self.life, &self.response) {
            (Life::Open, Response::Weighed(_)) => {
                let piece = self.gate_body.take_new(size, end_of_stream);
                self.weigh(piece, At::Body)
            }
            (Life::Open, Response::Decided(_)) | (Life::Cut, _) => Action::Pause,
            _ => Action::Continue,
        }
    }

    /// The same of the trailers.
    pub(crate) fn on_gate_response_trailers(&mut self) -> Action {
        match (self.life, &self.response) {
            (Life::Open, Response::Weighed(_)) => {
                self.gate_body.end();
                self.weigh(Vec::new(), At::Trailers)
            }
            (Life::Open, Response::Decided(_)) | (Life::Cut, _) => Action::Pause,
            _ => Action::Continue,
        }
    }

    fn weigh(&mut self, piece: Vec<u8>, at: At) -> Action {
        let end = self.gate_body.has_ended();
        let step = self.ask(|exchange, _| exchange.on_response_body(piece, end));
        self.settle_other();
        let in_body = at == At::Body;
        let instead = match step {
            BodyStep::Hold if !end => {
                self.gate_body.pause();
                return Action::Pause;
            }
            BodyStep::Forward => {
                self.gate_body.keep();
                None
            }
            BodyStep::Replace(bytes) if self.gate_body.replace(&bytes, in_body) => None,
            BodyStep::Respond(response) if self.gate_body.replace(&response.body, in_body) => {
                Some(response)
            }
            BodyStep::Hold | BodyStep::Replace(_) | BodyStep::Reset | BodyStep::Respond(_) => {
                self.cut(Direction::Response);
                return Action::Pause;
            }
        };
        let edits = self.weighed(instead.as_ref()).unwrap_or_default();
        if end {
            self.let_weighed_go_later(edits)
        } else {
            self.let_weighed_go(&edits)
        }
    }

    /// More of the body is to come, and goes by the gate to `route` from here on. What the gate has kept of it comes there,
    /// too, and is known.
    fn let_weighed_go(&mut self, edits: &[HeaderEdit]) -> Action {
        let Some(gate) = self.gate else {
            return Action::Pause;
        };
        self.known_by_gate = self.gate_body.settled();
        self.response = Response::Released { inspect: true };
        if host::enter(self.id).is_ok() {
            edit_headers(Direction::Response, edits);
            self.tell_log();
            host::resume(Direction::Response);
        }
        let _ = host::enter(gate);
        self.gate_body.let_go();
        Action::Continue
    }

    /// The host has seen the end of the body, yet puts the piece at hand into its buffer only after the callback: headers
    /// that were resumed now would be the end.
    fn let_weighed_go_later(&mut self, edits: Vec<HeaderEdit>) -> Action {
        self.response = Response::Decided(edits);
        self.gate_body.pause();
        handshake::open(self.id, self.this.clone());
        if let Err(error) = handshake::wake_later(self.id) {
            log::error!("stream not woken: {error:?}");
            self.cut(Direction::Response);
        }
        Action::Pause
    }

    /// The gate has kept the whole body; the stream's own context is in effect.
    pub(crate) fn let_decided_go(&mut self) {
        let released = Response::Released { inspect: false };
        if let Response::Decided(edits) = std::mem::replace(&mut self.response, released) {
            handshake::close(self.id);
            edit_headers(Direction::Response, &edits);
            self.tell_log();
            host::resume(Direction::Response);
        }
    }

    /// How much of a piece of the response body the exchange has seen at the gate.
    pub(crate) fn take_known(&mut self, size: usize) -> usize {
        let known = self.known_by_gate.min(size);
        self.known_by_gate -= known;
        known
    }
}

//! The response direction of a flow.

use mcp_filter_core::exchange::CallStep;
use mcp_filter_core::rejection::Rejection;
use mcp_filter_core::{BodyStep, Headers, ResponseBody, ResponseHeadStep, ResponseSource};
use proxy_wasm::types::Action;

use crate::apply::{At, edit_headers};
use crate::flow::{Flow, Half, Request, Response};
use crate::host::{self, Direction};

/// How the details of responses begin that Envoy's router gives, an upstream's among them.
const ROUTERS: [&[u8]; 6] = [
    b"cluster_not_found",
    b"direct_response",
    b"no_healthy_upstream",
    b"route_not_found",
    b"upstream_",
    host::UPSTREAM,
];

impl Flow {
    pub(crate) fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        if let Some(action) = self.life.response_action() {
            return action;
        }
        let headers = host::headers(Direction::Response);
        if end_of_stream {
            self.response_body.end();
        }
        if self.is_ungated() {
            let details = host::response_details();
            if ROUTERS.iter().any(|routers| details.starts_with(routers)) {
                return self.on_stray_response(end_of_stream, details == host::UPSTREAM);
            }
        }
        let details = (!is_success(&headers)).then(host::response_details);
        let details = details.filter(|details| details != host::UPSTREAM);
        let source = details
            .as_deref()
            .map_or(ResponseSource::Upstream, ResponseSource::Envoy);
        let step = self.ask(|exchange, context| {
            exchange.on_response_headers(headers, end_of_stream, source, context)
        });
        let step = match self.settle() {
            CallStep::Response(later) => later,
            CallStep::Request(_) | CallStep::Nothing => step,
        };
        self.apply_response_head(step, At::Headers)
    }

    /// Whether a request whose headers `route` let go on has not met its gate. What stands between the two may answer it.
    fn is_ungated(&self) -> bool {
        let released = matches!(self.request, Request::Released { .. });
        self.half == Half::Route && self.gate.is_none() && !released
    }

    /// There is no gate between here and the router: the headers went on as the client sent them.
    fn on_stray_response(&mut self, end_of_stream: bool, from_upstream: bool) -> Action {
        let reason = "the router was reached without the gate";
        self.shared.complaint.half_missing(reason);
        let rejection = Rejection::HalfMissing;
        let step = self.ask(|exchange, _| {
            exchange.on_stray_response(end_of_stream, from_upstream, &rejection)
        });
        self.apply_response_head(step, At::Headers)
    }

    pub(crate) fn apply_response_head(&mut self, step: ResponseHeadStep, at: At) -> Action {
        let held = self.response == Response::Held;
        if held != (at == At::Outside) {
            return Action::Pause;
        }
        self.tell_log();
        match step {
            ResponseHeadStep::Weigh(edits) if self.can_weigh(at) => {
                self.response = Response::Weighed(edits);
                Action::Pause
            }
            ResponseHeadStep::Weigh(edits) => {
                let step = ResponseHeadStep::Continue(edits, ResponseBody::Inspect);
                self.apply_response_head(step, at)
            }
            ResponseHeadStep::Continue(edits, body) => {
                edit_headers(Direction::Response, &edits);
                self.response = Response::Released {
                    inspect: body == ResponseBody::Inspect,
                };
                if at == At::Headers {
                    Action::Continue
                } else {
                    self.resume_response()
                }
            }
            ResponseHeadStep::Hold => {
                self.response = Response::Held;
                Action::Pause
            }
            ResponseHeadStep::Respond(response) => {
                self.respond(&response);
                Action::Pause
            }
        }
    }

    /// The headers were held, and with them what came of the body meanwhile.
    fn resume_response(&mut self) -> Action {
        let inspect = self.response == Response::Released { inspect: true };
        if inspect && self.response_body.is_paused() {
            let piece = self.response_body.take_paused();
            let end = self.response_body.has_ended();
            let step = self.ask(|exchange, _| exchange.on_response_body(piece, end));
            self.tell_log();
            self.settle_other();
            if self.apply_response_body(step, At::Outside) == Action::Pause {
                return Action::Pause;
            }
        }
        self.response_body.resume();
        Action::Continue
    }

    pub(crate) fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if let Some(action) = self.life.response_action() {
            return action;
        }
        match self.response {
            Response::Awaited | Response::Held | Response::Decided(_) => {
                self.response_body.pause_unseen(size, end_of_stream);
                Action::Pause
            }
            Response::Released { inspect: false } => {
                self.response_body.let_go();
                Action::Continue
            }
            Response::Released { inspect: true } | Response::Weighed(_) => {
                let known = self.take_known(size);
                if known > 0 && known == size {
                    self.response_body.let_go();
                    return Action::Continue;
                }
                self.response_body.know(known);
                let piece = self.response_body.take_new(size, end_of_stream);
                self.feed_response(piece, end_of_stream, At::Body)
            }
        }
    }

    /// As on the way there, trailers go nowhere.
    pub(crate) fn on_response_trailers(&mut self) -> Action {
        if let Some(action) = self.life.response_action() {
            return action;
        }
        host::drop_trailers(Direction::Response);
        self.response_body.end();
        match self.response {
            Response::Awaited | Response::Held | Response::Decided(_) => Action::Pause,
            Response::Released { inspect: false } => Action::Continue,
            Response::Released { inspect: true } | Response::Weighed(_) => {
                self.feed_response(Vec::new(), true, At::Trailers)
            }
        }
    }

    fn feed_response(&mut self, piece: Vec<u8>, end: bool, at: At) -> Action {
        let step = self.ask(|exchange, _| exchange.on_response_body(piece, end));
        self.tell_log();
        self.settle_other();
        let action = self.apply_response_body(step, at);
        if action == Action::Continue {
            self.response_body.let_go();
        }
        action
    }

    fn apply_response_body(&mut self, step: BodyStep, at: At) -> Action {
        match step {
            BodyStep::Hold if !self.response_body.has_ended() => {
                if at == At::Body {
                    self.response_body.pause();
                }
                return Action::Pause;
            }
            BodyStep::Forward => self.response_body.keep(),
            BodyStep::Replace(bytes) if self.response_body.replace(&bytes, at == At::Body) => {}
            BodyStep::Respond(response)
                if self.response_body.replace(&response.body, at == At::Body) =>
            {
                self.let_head_go(Some(&response));
            }
            BodyStep::Hold | BodyStep::Replace(_) | BodyStep::Reset | BodyStep::Respond(_) => {
                self.cut(Direction::Response);
                return Action::Pause;
            }
        }
        self.let_head_go(None);
        Action::Continue
    }
}

/// Most responses: their origin is not worth a hostcall.
fn is_success(headers: &Headers) -> bool {
    matches!(headers.first(":status"), Some([b'2', ..]))
}

//! One step of the exchange, turned into hostcalls and one action.

use mcp_filter_core::{BodyEdit, BodyStep, HeaderEdit, LocalResponse, Release, RequestStep};
use proxy_wasm::types::Action;

use crate::flow::{Flow, Half, Life, Request, Response};
use crate::handshake::{self, Tag};
use crate::host::{self, Direction};

/// Which callback a step is applied in: only in those of its own direction can the action release anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// The headers'.
    Headers,
    /// A body piece's.
    Body,
    /// The trailers'.
    Trailers,
    /// The gate's headers'. What goes on does so by [`Flow::release_to_gate`].
    Gate,
    /// A call's end or a tick.
    Outside,
}

impl Flow {
    pub(crate) fn apply_request(&mut self, step: RequestStep, at: At) -> Action {
        if !matches!(self.request, Request::Undecided) || self.response != Response::Awaited {
            return Action::Pause;
        }
        match step {
            RequestStep::Pass if at == At::Headers => self.pass(),
            RequestStep::Pass => self.decide(Release::default(), at),
            RequestStep::Hold => self.hold(at),
            RequestStep::Settle(body) => {
                self.edit_request_body(body, at);
                self.hold_settled(at)
            }
            RequestStep::Release(release) => self.decide(release, at),
            RequestStep::Respond(response) => {
                self.respond(&response);
                Action::Pause
            }
        }
    }

    fn pass(&mut self) -> Action {
        self.life = Life::Passed;
        self.shared.metrics.request_passed();
        if self.half == Half::Route {
            // Without a gate nobody would take it away.
            let tag = handshake::has_gate().then(|| self.open().passing());
            handshake::tell(tag);
        }
        Action::Continue
    }

    /// Whoever stands behind finds the stream by this.
    fn open(&self) -> Tag {
        handshake::open(self.id, self.this.clone())
    }

    fn hold(&mut self, at: At) -> Action {
        match (at, self.half) {
            (At::Headers, Half::Route) => {
                handshake::tell(Some(self.open()));
                return Action::Continue;
            }
            (At::Body, _) => self.request_body.pause(),
            (At::Headers | At::Trailers | At::Gate | At::Outside, _) => {}
        }
        Action::Pause
    }

    /// Nothing that has come of the body will be changed any more.
    fn hold_settled(&mut self, at: At) -> Action {
        if at != At::Body || self.request_body.has_undecided() {
            return self.hold(at);
        }
        self.request_body.pause_settled();
        Action::Pause
    }

    fn decide(&mut self, mut release: Release, at: At) -> Action {
        self.edit_request_body(std::mem::take(&mut release.body), at);
        self.request = Request::Decided(release);
        if at == At::Headers && self.half == Half::Route {
            // The edits come after whatever stands between the halves, so they are the gate's even now.
            handshake::tell(Some(self.open()));
            return Action::Continue;
        }
        self.release(at)
    }

    fn edit_request_body(&mut self, edit: BodyEdit, at: At) {
        match edit {
            BodyEdit::Keep => self.request_body.keep(),
            BodyEdit::Replace(bytes) => {
                if !self.request_body.replace(&bytes, at == At::Body) {
                    log::error!("there is no body to replace");
                }
            }
        }
    }

    /// Lets a decided request go, if nothing is to be waited for.
    pub(crate) fn release(&mut self, at: At) -> Action {
        let too_early = self.half == Half::Route && self.gate.is_none() || at == At::Gate;
        if too_early || self.request_body.has_undecided() {
            return self.hold_settled(at);
        }
        if at == At::Outside && self.request_body.waits_in_sight() {
            // From here the host would lose count of the buffer; the next piece is not far.
            return Action::Pause;
        }
        if self.half == Half::Route && at == At::Body && self.may_outrun_its_end() {
            return self.release_later(at);
        }
        let Request::Decided(release) =
            std::mem::replace(&mut self.request, Request::Released { inspect: false })
        else {
            return Action::Pause;
        };
        match self.gate {
            Some(gate) if self.half == Half::Route => {
                if host::enter(gate).is_ok() {
                    self.edit_request_headers(&release);
                    host::resume(Direction::Request);
                }
                let _ = host::enter(self.id);
            }
            _ => self.edit_request_headers(&release),
        }
        self.released(&release);
        let paused = self.half == Half::Whole || self.request_body.is_paused();
        match at {
            At::Outside if paused => self.request_body.resume(),
            At::Headers | At::Body | At::Trailers | At::Gate | At::Outside => {
                self.request_body.let_go()
            }
        }
        Action::Continue
    }

    /// Whether the gate's headers, resumed in this callback, would take the end of the body with them, without the
    /// piece at hand: the host has seen the end, yet puts that piece into its buffer only after the callback, where the
    /// buffer is not in sight. So they are resumed after that.
    fn may_outrun_its_end(&self) -> bool {
        self.request_body.has_ended() && !self.request_body.is_in_sight()
    }

    fn release_later(&mut self, at: At) -> Action {
        if let Err(error) = handshake::wake_later(self.id) {
            log::error!("stream not woken: {error:?}");
            self.cut(Direction::Request);
        }
        self.hold_settled(at)
    }

    /// In the gate's header callback: the edits are made there if the decision is known and the host lets the body
    /// follow by itself. It does so with a whole one: whatever held the headers back pushes it after them.
    pub(crate) fn release_to_gate(&mut self) -> Action {
        if self.request_body.waits_in_sight() || self.request_body.has_undecided() {
            return Action::Pause;
        }
        match std::mem::replace(&mut self.request, Request::Released { inspect: false }) {
            Request::Decided(release) => {
                self.edit_request_headers(&release);
                self.released(&release);
                Action::Continue
            }
            other => {
                self.request = other;
                Action::Pause
            }
        }
    }

    fn released(&mut self, release: &Release) {
        self.request = Request::Released {
            inspect: release.inspect_rest,
        };
        self.shared.metrics.request_routed();
        self.tell_log();
        handshake::close(self.id);
    }

    /// In the context that holds the headers.
    fn edit_request_headers(&self, release: &Release) {
        let growth = self.request_body.growth();
        if growth != 0
            && let Some(length) = &self.request_length
        {
            let length = moved(length, growth);
            host::set_header(
                Direction::Request,
                "content-length",
                length.as_deref().map(str::as_bytes),
            );
        }
        if self.half == Half::Route {
            // Not before: what is answered here needs no hostcall for it.
            handshake::tell(self.behind_gate);
        }
        edit_headers(Direction::Request, &release.headers);
    }

    /// A piece of the body after the decision.
    pub(crate) fn apply_released(&mut self, step: BodyStep, at: At) -> Action {
        match step {
            BodyStep::Hold if self.request_body.has_ended() => {
                log::error!("the exchange holds a request that has ended");
                self.cut(Direction::Request);
                return Action::Pause;
            }
            BodyStep::Hold => {
                self.request_body.pause();
                return Action::Pause;
            }
            BodyStep::Forward => self.request_body.keep(),
            BodyStep::Replace(bytes) => {
                if !self.request_body.replace(&bytes, at == At::Body) {
                    self.cut(Direction::Request);
                    return Action::Pause;
                }
            }
            BodyStep::Reset => {
                self.cut(Direction::Request);
                return Action::Pause;
            }
            BodyStep::Respond(response) => {
                self.respond(&response);
                return Action::Pause;
            }
        }
        if matches!(self.request, Request::Decided(_)) {
            return self.release(at);
        }
        self.request_body.let_go();
        Action::Continue
    }

    /// Answers here, unless a response is on its way already: then the stream is cut.
    pub(crate) fn respond(&mut self, response: &LocalResponse) {
        if matches!(self.response, Response::Released { .. }) {
            self.cut(Direction::Response);
            return;
        }
        self.life = Life::Answered;
        self.tell_log();
        handshake::close(self.id);
        self.shared.metrics.local_response(response.status);
        if response.status >= 400 {
            log::debug!("answered {}: {}", response.status, response.reason);
        }
        if let Err(error) = host::send_local_response(response) {
            log::error!("local response not sent: {error:?}");
        }
    }

    /// Ends the stream so that nobody takes what has passed for the whole.
    pub(crate) fn cut(&mut self, direction: Direction) {
        self.life = Life::Cut;
        handshake::close(self.id);
        self.shared.metrics.stream_reset();
        host::reset(direction);
    }
}

/// Edits the headers of a direction, which must be held.
pub(crate) fn edit_headers(direction: Direction, edits: &[HeaderEdit]) {
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => host::set_header(direction, name, Some(value)),
            HeaderEdit::Add(name, value) => host::add_header(direction, name, value),
            HeaderEdit::Remove(name) => host::set_header(direction, name, None),
        }
    }
}

/// A content length, moved by `growth`. `None` where it is no number: then none is better.
fn moved(length: &[u8], growth: i64) -> Option<String> {
    let length: i64 = std::str::from_utf8(length).ok()?.parse().ok()?;
    length
        .checked_add(growth)
        .filter(|length| *length >= 0)
        .map(|length| length.to_string())
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_length_moves_by_its_growth() {
        assert_eq!(moved(b"10", 5).as_deref(), Some("15"));
        assert_eq!(moved(b"10", -10).as_deref(), Some("0"));
    }

    #[test]
    fn a_length_that_makes_no_sense_is_dropped() {
        for (length, growth) in [("ten", 1), ("", 1), ("10", -11), ("9223372036854775807", 1)] {
            assert_eq!(moved(length.as_bytes(), growth), None, "{length}");
        }
        assert_eq!(moved(b"\xff", 1), None);
    }
}

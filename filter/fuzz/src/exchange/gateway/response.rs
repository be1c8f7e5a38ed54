//! A response on its way to the client.

use mcp_filter_core::{
    BodyStep, HeaderEdit, Headers, ResponseBody, ResponseHeadStep, ResponseSource,
};

use super::super::script::unescaped;
use super::{Gateway, State};

impl Gateway {
    pub(super) fn response(&mut self, status: &[u8], end: bool, source: ResponseSource<'_>) {
        let sent = matches!(self.state, State::Sent { .. });
        let from_upstream = source == ResponseSource::Upstream;
        if !sent && (from_upstream || self.state != State::Held) {
            return;
        }
        self.answered = true;
        let headers = Headers::new(self.response_headers(status));
        let step = self
            .lend(|exchange, context| exchange.on_response_headers(headers, end, source, context));
        self.head_step(step);
    }

    pub(super) fn head_step(&mut self, step: ResponseHeadStep) {
        match step {
            ResponseHeadStep::Hold => self.state = State::HeadHeld,
            ResponseHeadStep::Respond(response) => self.answer(response),
            ResponseHeadStep::Weigh(edits) => {
                self.head_step(ResponseHeadStep::Continue(edits, ResponseBody::Inspect));
            }
            ResponseHeadStep::Continue(edits, body) => {
                let changed = |name: &str| {
                    edits.iter().any(|edit| {
                        let (HeaderEdit::Remove(other)
                        | HeaderEdit::Set(other, _)
                        | HeaderEdit::Add(other, _)) = edit;
                        other == name
                    })
                };
                let inspected = body == ResponseBody::Inspect;
                self.may_change = changed("content-length");
                self.state = State::Response { inspected };
            }
        }
    }

    pub(super) fn response_body(&mut self, text: &[u8], end: bool) {
        let text = unescaped(text);
        let longest = self.longest.min(text.len()).max(1);
        for piece in text.chunks(longest) {
            self.response_piece(piece, false);
        }
        if end {
            self.response_piece(b"", true);
        }
    }

    fn response_piece(&mut self, piece: &[u8], end: bool) {
        if self.state != (State::Response { inspected: true }) {
            return;
        }
        let piece = piece.to_vec();
        self.held.extend_from_slice(&piece);
        let step = self.lend(|exchange, _| exchange.on_response_body(piece, end));
        match step {
            BodyStep::Hold => assert!(!end, "held for ever"),
            BodyStep::Forward => self.received.append(&mut self.held),
            BodyStep::Replace(bytes) => {
                assert!(self.may_change, "a length was told");
                self.held.clear();
                self.received.extend(bytes);
            }
            BodyStep::Reset => self.state = State::Over,
            BodyStep::Respond(response) => {
                self.held.clear();
                self.received.extend(response.body);
            }
        }
        if end && self.state != State::Over {
            self.state = State::Over;
            self.check_id(&self.received);
        }
    }

    pub(super) fn response_headers(&mut self, status: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut headers = std::mem::take(&mut self.headers);
        headers.insert(0, (":status".to_owned(), status.to_vec()));
        headers
    }
}

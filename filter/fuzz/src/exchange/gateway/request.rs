//! A request on its way through the filter.

use mcp_filter_core::{BodyEdit, BodyStep, Claims, HeaderEdit, Headers, RequestStep, streams};

use super::super::super::claims::token_of;
use super::super::script::{SUBJECT, unescaped};
use super::{Gateway, Outcome, State};

impl Gateway {
    pub(super) fn request(&mut self, end: bool) {
        if self.state != State::Start {
            return;
        }
        let mut headers = std::mem::take(&mut self.headers);
        for (name, value) in [
            (":path", "/mcp"),
            (":authority", "localhost:8001"),
            (":method", "POST"),
        ] {
            if !headers.iter().any(|(other, _)| other == name) {
                headers.insert(0, (name.to_owned(), value.as_bytes().to_vec()));
            }
        }
        let subject = headers.iter().find(|(name, _)| name.as_bytes() == SUBJECT);
        self.claims = subject.map_or(Claims::NONE, |(_, subject)| token_of(subject));
        let path = headers.iter().find(|(name, _)| name == ":path");
        self.guarded = path.is_some_and(|(_, path)| path.starts_with(b"/guarded"));
        let length = headers.iter().find(|(name, _)| name == "content-length");
        self.announced =
            length.and_then(|(_, length)| std::str::from_utf8(length).ok()?.parse().ok());
        self.body_ended = end;
        self.state = State::Held;
        self.sent = headers.iter().map(|(name, _)| name.clone()).collect();
        let headers = Headers::new(headers);
        let step =
            self.lend(|exchange, context| exchange.on_request_headers(headers, end, context));
        self.request_step(step);
        if end && self.state == State::Held {
            let step =
                self.lend(|exchange, context| exchange.on_held_body(Vec::new(), true, context));
            self.request_step(step);
        }
        assert!(
            !end || self.state != State::Held,
            "held without a body to come"
        );
    }

    pub(super) fn request_body(&mut self, text: &[u8], end: bool) {
        if self.body_ended || self.state == State::Start {
            return;
        }
        let text = unescaped(text);
        if !self.keeps_word(text.len(), end) {
            self.state = State::Over;
            self.outcome = Outcome::Unfinished;
            return;
        }
        let longest = self.longest.min(text.len()).max(1);
        let mut pieces: Vec<&[u8]> = text.chunks(longest).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        let count = pieces.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            self.request_piece(piece, end && index + 1 == count);
        }
        self.body_ended |= end;
    }

    /// Whether a body that goes on with `more` bytes is as long as its head says: no host lets another one in.
    fn keeps_word(&self, more: usize, end: bool) -> bool {
        let length = self.body.len() + more;
        match self.announced {
            Some(announced) if end => length == announced,
            Some(announced) => length <= announced,
            None => true,
        }
    }

    fn request_piece(&mut self, piece: &[u8], end: bool) {
        self.body.extend_from_slice(piece);
        let piece = piece.to_vec();
        match self.state {
            State::Held => {
                let step =
                    self.lend(|exchange, context| exchange.on_held_body(piece, end, context));
                self.request_step(step);
            }
            State::Sent { inspected: true } => {
                let more = piece.clone();
                let step = self.lend(|exchange, _| exchange.on_released_body(more, end));
                match step {
                    BodyStep::Forward => self.send(&piece),
                    BodyStep::Respond(response) => self.answer(response),
                    BodyStep::Reset => assert!(self.answered, "cut for nothing"),
                    BodyStep::Hold | BodyStep::Replace(_) => panic!("{step:?} of a request"),
                }
            }
            State::Sent { inspected: false } => self.send(&piece),
            _ => {}
        }
    }

    /// What `mcp-streams` is known by goes there and nowhere else.
    fn check_ticket(&mut self, edits: &[HeaderEdit]) {
        let set = |name: &str| {
            edits.iter().find_map(|edit| match edit {
                HeaderEdit::Set(other, value) if other == name => Some(value.clone()),
                _ => None,
            })
        };
        let goes_there = set(":authority").as_deref() == Some(b"streams.mcp.local");
        let ticket = set(streams::TICKET);
        assert_eq!(goes_there, ticket.is_some(), "{edits:?}");
        let removed = HeaderEdit::Remove(streams::TICKET.into());
        let shown = self.sent.iter().any(|name| name == streams::TICKET);
        assert!(
            !shown || goes_there || edits.contains(&removed),
            "{edits:?}"
        );
        self.ticket = ticket.unwrap_or_else(|| std::mem::take(&mut self.ticket));
    }

    fn send(&mut self, piece: &[u8]) {
        if let Outcome::Sent(_, body) = &mut self.outcome {
            body.extend_from_slice(piece);
        }
    }

    pub(super) fn request_step(&mut self, step: RequestStep) {
        match step {
            RequestStep::Hold | RequestStep::Settle(BodyEdit::Keep) => {}
            RequestStep::Settle(BodyEdit::Replace(body)) => {
                self.settled = (body.to_vec(), self.body.len());
            }
            RequestStep::Pass => {
                self.state = State::Over;
                self.outcome = Outcome::Passed;
            }
            RequestStep::Respond(response) => self.answer(response),
            RequestStep::Release(release) => {
                assert!(!self.guarded || self.claims != Claims::NONE, "nobody");
                self.state = State::Sent {
                    inspected: release.inspect_rest,
                };
                self.check_ticket(&release.headers);
                let body = match release.body {
                    BodyEdit::Keep => {
                        let (settled, of) = &self.settled;
                        [settled.as_slice(), &self.body[*of..]].concat()
                    }
                    BodyEdit::Replace(body) => body.to_vec(),
                };
                self.outcome = Outcome::Sent(release.headers, body);
            }
        }
    }
}

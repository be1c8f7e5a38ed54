//! A host for exchanges, as strict as Envoy about what comes when.

use std::collections::VecDeque;
use std::rc::Rc;

use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind};
use mcp_filter_core::exchange::CallStep;
use mcp_filter_core::identity::Identity;
use mcp_filter_core::json::{Field, Plan, Scanner};
use mcp_filter_core::slots::MemorySlots;
use mcp_filter_core::{
    BodyEdit, BodyStep, CallOutcome, CallToken, Context, Exchange, HeaderEdit, Headers, HttpCall,
    LocalResponse, RequestStep, ResponseBody, ResponseHeadStep, ResponseSource, Table, TickStep,
};
use serde_json::value::RawValue;

use super::script::{Command, SUBJECT, unescaped};

const NOW_MS: u64 = 1_790_000_000_000;

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    /// It was never whole.
    Unfinished,
    /// With these headers and this body.
    Sent(Vec<HeaderEdit>, Vec<u8>),
    Answered(LocalResponse),
}

/// Where a stream stands, as its host sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Start,
    Held,
    /// The request goes on; whether the rest of its body is wanted.
    Sent {
        inspected: bool,
    },
    /// The response's head is held.
    HeadHeld,
    /// Whether the response's body is wanted.
    Response {
        inspected: bool,
    },
    Over,
}

pub(crate) struct Gateway {
    table: Rc<Table>,
    slots: MemorySlots,
    now_ms: u64,
    counter: u8,
    /// Bodies come in pieces of so many bytes.
    longest: usize,
    exchange: Exchange,
    state: State,
    headers: Vec<(String, Vec<u8>)>,
    /// Who sends the request.
    identity: Identity,
    calls: VecDeque<HttpCall>,
    session: Vec<u8>,
    /// The body of the request so far.
    body: Vec<u8>,
    /// What goes on in place of the first bytes of the body, and how many these are.
    settled: (Vec<u8>, usize),
    body_ended: bool,
    /// How long the body will be.
    announced: Option<usize>,
    /// Whether anything but the request has come.
    answered: bool,
    /// Response bytes that the filter has not let go.
    held: Vec<u8>,
    /// What the client has got of a response's body.
    received: Vec<u8>,
    /// Whether the response goes on without its length.
    may_change: bool,
    outcome: Outcome,
    outcomes: Vec<Outcome>,
}

impl Gateway {
    pub(crate) fn new(longest: usize) -> Self {
        let table = Rc::new(table());
        Self {
            exchange: Exchange::new(Rc::clone(&table)),
            table,
            slots: MemorySlots::default(),
            now_ms: NOW_MS,
            counter: 0,
            longest,
            state: State::Start,
            headers: Vec::new(),
            identity: Identity::ANONYMOUS,
            calls: VecDeque::new(),
            session: Vec::new(),
            body: Vec::new(),
            settled: (Vec::new(), 0),
            body_ended: false,
            announced: None,
            answered: false,
            held: Vec::new(),
            received: Vec::new(),
            may_change: false,
            outcome: Outcome::Unfinished,
            outcomes: Vec::new(),
        }
    }

    pub(crate) fn obey(&mut self, command: &Command<'_>) {
        match *command {
            Command::Header(name, value) => self.header(name, value),
            Command::Request { end } => self.request(end),
            Command::Body { text, end } => self.request_body(text, end),
            Command::Response { status, end } => {
                self.response(status, end, ResponseSource::Upstream)
            }
            Command::Refusal(status) => {
                self.response(status, false, ResponseSource::Envoy(b"refused"))
            }
            Command::Answer { text, end } => self.response_body(text, end),
            Command::Call(status, body) => {
                let headers = Headers::new(self.response_headers(status));
                let body = unescaped(body);
                self.call(CallOutcome::Answered { headers, body });
            }
            Command::CallFails => self.call(CallOutcome::Failed),
            Command::Tick(seconds) => self.tick(seconds),
            Command::Next => self.next(),
        }
        let calls = self.exchange.take_calls();
        for call in &calls {
            assert!(call.headers.iter().any(|(name, _)| name == ":authority"));
        }
        self.calls
            .extend(calls.into_iter().filter(|call| call.token.is_some()));
    }

    pub(crate) fn finish(mut self) -> Vec<Outcome> {
        self.next();
        self.outcomes
    }

    fn lend<T>(&mut self, callback: impl FnOnce(&mut Exchange, &mut Context<'_>) -> T) -> T {
        let (counter, identity) = (&mut self.counter, self.identity);
        callback(
            &mut self.exchange,
            &mut Context {
                now_ms: self.now_ms,
                random: &mut |bytes| {
                    *counter = counter.wrapping_add(1);
                    bytes.fill(*counter);
                },
                identity: &mut || identity,
                slots: &mut self.slots,
            },
        )
    }

    fn header(&mut self, name: &[u8], value: &[u8]) {
        let value = match value {
            b"$S" => self.session.clone(),
            value => value.to_vec(),
        };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        self.headers.push((name, value));
    }

    fn request(&mut self, end: bool) {
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
        self.identity = subject.map_or(Identity::ANONYMOUS, |(_, subject)| {
            Identity::of_token("", subject)
        });
        let length = headers.iter().find(|(name, _)| name == "content-length");
        self.announced =
            length.and_then(|(_, length)| std::str::from_utf8(length).ok()?.parse().ok());
        self.body_ended = end;
        self.state = State::Held;
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

    fn request_body(&mut self, text: &[u8], end: bool) {
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

    fn send(&mut self, piece: &[u8]) {
        if let Outcome::Sent(_, body) = &mut self.outcome {
            body.extend_from_slice(piece);
        }
    }

    fn request_step(&mut self, step: RequestStep) {
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
                self.state = State::Sent {
                    inspected: release.inspect_rest,
                };
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

    fn response(&mut self, status: &[u8], end: bool, source: ResponseSource<'_>) {
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

    fn head_step(&mut self, step: ResponseHeadStep) {
        match step {
            ResponseHeadStep::Hold => self.state = State::HeadHeld,
            ResponseHeadStep::Respond(response) => self.answer(response),
            ResponseHeadStep::Continue(edits, body) => {
                let removed = |name: &str| {
                    edits
                        .iter()
                        .any(|edit| matches!(edit, HeaderEdit::Remove(other) if other == name))
                };
                let inspected = body == ResponseBody::Inspect;
                self.may_change = removed("content-length");
                self.state = State::Response { inspected };
            }
        }
    }

    fn response_body(&mut self, text: &[u8], end: bool) {
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
            BodyStep::Respond(_) => panic!("an answer behind an answer"),
        }
        if end && self.state != State::Over {
            self.state = State::Over;
            self.check_id(&self.received);
        }
    }

    fn call(&mut self, outcome: CallOutcome) {
        let Some(token) = self.calls.pop_front().and_then(|call| call.token) else {
            return;
        };
        match self.on_call(token, outcome) {
            CallStep::Nothing => {}
            CallStep::Request(step) => {
                assert_eq!(self.state, State::Held);
                self.request_step(step);
            }
            CallStep::Response(step) => {
                assert_eq!(self.state, State::HeadHeld);
                self.head_step(step);
            }
        }
    }

    fn on_call(&mut self, token: CallToken, outcome: CallOutcome) -> CallStep {
        self.lend(|exchange, context| exchange.on_call(token, outcome, context))
    }

    fn tick(&mut self, seconds: u64) {
        self.now_ms = self.now_ms.saturating_add(seconds.saturating_mul(1000));
        match self.lend(|exchange, context| exchange.on_tick(context)) {
            TickStep::Wait => {}
            TickStep::Respond(response) => {
                let waits = matches!(
                    self.state,
                    State::Held | State::Sent { .. } | State::HeadHeld
                );
                assert!(waits, "an answer behind an answer");
                self.answered = true;
                self.answer(response);
            }
            TickStep::Reset => {
                assert!(matches!(self.state, State::Response { .. }));
                self.state = State::Over;
            }
        }
    }

    fn answer(&mut self, response: LocalResponse) {
        self.state = State::Over;
        assert!((200..600).contains(&response.status));
        let is_json =
            |(name, value): &(_, Vec<u8>)| name == "content-type" && value == b"application/json";
        if response.headers.iter().any(is_json) {
            let read = serde_json::from_slice::<&RawValue>(&response.body);
            assert!(read.is_ok(), "{response:?}");
            self.check_id(&response.body);
        }
        if response.reason == "initialize" {
            let id = response
                .headers
                .iter()
                .find(|(name, _)| name == "mcp-session-id");
            self.session = id.map(|(_, id)| id.clone()).unwrap_or_default();
        }
        if !self.answered {
            self.outcome = Outcome::Answered(response);
        }
    }

    /// An answer has the id of the request, where that has one.
    fn check_id(&self, answer: &[u8]) {
        let id = |bytes: &[u8], plan| {
            let mut scanner = Scanner::new(plan, 128);
            scanner.feed(bytes).and_then(|()| scanner.finish()).ok()?;
            let id = scanner.raw(Field::Id)?.to_vec();
            (!b"ntf".contains(id.first()?)).then_some(id)
        };
        let asked = id(&self.body, Plan::FromClient);
        let answered = id(answer, Plan::FromServer);
        if let (true, Some(asked), Some(answered)) = (self.body_ended, asked, answered) {
            assert_eq!(asked, answered);
        }
    }

    fn next(&mut self) {
        self.lend(|exchange, _| exchange.on_done());
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Unfinished);
        if !self.body_ended && matches!(outcome, Outcome::Sent(..)) {
            self.outcomes.push(Outcome::Unfinished);
        } else {
            self.outcomes.push(outcome);
        }
        self.exchange = Exchange::new(Rc::clone(&self.table));
        self.state = State::Start;
        self.headers.clear();
        self.calls.clear();
        self.body.clear();
        self.settled = (Vec::new(), 0);
        self.body_ended = false;
        self.answered = false;
        self.held.clear();
        self.received.clear();
    }

    fn response_headers(&mut self, status: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut headers = std::mem::take(&mut self.headers);
        headers.insert(0, (":status".to_owned(), status.to_vec()));
        headers
    }
}

fn table() -> Table {
    let mut config: PluginConfig = serde_json::from_str(include_str!("config.json")).unwrap();
    let mut catalog = CatalogWriter::new();
    for (server, kind, prefix, definition) in [
        (0, ListKind::Tools, "github_", r#"{"name":"get_me"}"#),
        (0, ListKind::Tools, "github_", r#"{"name":"get_you"}"#),
        (1, ListKind::Tools, "s_", r#"{"name":"echo"}"#),
        (1, ListKind::Prompts, "s_", r#"{"name":"greet"}"#),
        (1, ListKind::Resources, "s_", r#"{"uri":"file:///a"}"#),
        (
            1,
            ListKind::ResourceTemplates,
            "s_",
            r#"{"uriTemplate":"item://{id}"}"#,
        ),
    ] {
        catalog.push(server, Definition::parse(kind, prefix, definition).unwrap());
    }
    config.catalog = Some(catalog.finish());
    Table::compile(&config).unwrap()
}

//! A host for exchanges, as strict as Envoy about what comes when.

mod request;
mod response;
mod table;

use std::collections::VecDeque;
use std::rc::Rc;

use mcp_filter_core::exchange::CallStep;
use mcp_filter_core::json::{Field, Plan, Scanner};
use mcp_filter_core::slots::MemorySlots;
use mcp_filter_core::{
    CallOutcome, CallToken, Claims, Context, Exchange, HeaderEdit, Headers, HttpCall,
    LocalResponse, ResponseSource, Table, TickStep,
};
use serde_json::value::RawValue;

use super::script::{Command, unescaped};
use table::table;

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
    /// Names of the headers of the request.
    sent: Vec<String>,
    /// What the token of who sends the request says.
    claims: Claims,
    /// Whether it needs one.
    guarded: bool,
    calls: VecDeque<HttpCall>,
    session: Vec<u8>,
    /// By which `mcp-streams` was known last.
    ticket: Vec<u8>,
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
    /// Whether the response goes on without its length, or with another one.
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
            sent: Vec::new(),
            claims: Claims::NONE,
            guarded: false,
            calls: VecDeque::new(),
            session: Vec::new(),
            ticket: Vec::new(),
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
                let details: &[u8] = match status {
                    b"401" => b"jwt_authn_access_denied{Jwt_is_expired}",
                    _ => b"refused",
                };
                self.response(status, false, ResponseSource::Envoy(details))
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
        let (counter, claims) = (&mut self.counter, &self.claims);
        callback(
            &mut self.exchange,
            &mut Context {
                now_ms: self.now_ms,
                random: &mut |bytes| {
                    *counter = counter.wrapping_add(1);
                    bytes.fill(*counter);
                },
                claims: &mut |_| claims.clone(),
                slots: &mut self.slots,
            },
        )
    }

    fn header(&mut self, name: &[u8], value: &[u8]) {
        let value = match value {
            b"$S" => self.session.clone(),
            b"$T" => self.ticket.clone(),
            value => value.to_vec(),
        };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        self.headers.push((name, value));
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
}

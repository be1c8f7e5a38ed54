//! One HTTP stream: what the exchange is told, and where the stream stands in the host.
//!
//! Each function here is called with the stream's own context in effect, but for those that say otherwise.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use mcp_filter_core::exchange::{CallStep, Told};
use mcp_filter_core::rejection::Rejection;
use mcp_filter_core::{
    BodyStep, CallOutcome, CallToken, Context, HeaderEdit, Release, RequestStep, TickStep,
};
use proxy_wasm::types::Action;

use crate::apply::At;
use crate::body::Body;
use crate::exchange::Exchange;
use crate::handshake::{TAG, Tag};
use crate::host::{self, Direction};
use crate::plugin::Shared;
use crate::shared_slots::HostSlots;
use crate::{handshake, random, token};

/// How many times in a row calls that the host refuses may lead to other calls.
const ROUNDS_OF_CALLS: usize = 8;

/// Who holds the request headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// This stream context: role `hold`.
    Whole,
    /// The gate's: role `route`.
    Route,
}

/// Where the request stands.
#[derive(Debug)]
pub(crate) enum Request {
    /// The exchange has not decided.
    Undecided,
    /// It has; the release waits for the gate or for the next piece of the body.
    Decided(Release),
    /// On its way upstream.
    Released {
        /// The exchange wants the rest of the body.
        inspect: bool,
    },
}

/// Where the response stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// Its headers have not come.
    Awaited,
    /// They have, and are held.
    Held,
    /// They have, and go on with the body, edited so.
    Weighed(Vec<HeaderEdit>),
    /// They do, once the host has all of the body.
    Decided(Vec<HeaderEdit>),
    /// They were passed on, or will be with the next piece of the body.
    Released {
        /// The exchange wants the body.
        inspect: bool,
    },
}

/// Whether the exchange still has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It has.
    Open,
    /// Not ours: all goes on.
    Passed,
    /// Answered here: the request goes no further, the answer goes out.
    Answered,
    /// Cut: nothing goes on.
    Cut,
    /// The host has ended the stream: it must not be touched.
    Over,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: u32,
    pub(crate) half: Half,
    pub(crate) gate: Option<u32>,
    /// What the gates behind that one are told.
    pub(crate) behind_gate: Option<Tag>,
    pub(crate) life: Life,
    pub(crate) exchange: Exchange,
    pub(crate) request: Request,
    pub(crate) request_body: Body,
    /// What the request announced in `content-length`.
    pub(crate) request_length: Option<Vec<u8>>,
    pub(crate) response: Response,
    pub(crate) response_body: Body,
    /// As the gate sees it, while headers wait for it.
    pub(crate) gate_body: Body,
    /// Bytes of it that the exchange has seen there, and that are still to come here.
    pub(crate) known_by_gate: usize,
    pub(crate) shared: Rc<Shared>,
    pub(crate) this: Weak<RefCell<Flow>>,
    /// When its headers came, in milliseconds.
    pub(crate) began_ms: u64,
    /// What access logs have been told of it.
    pub(crate) logged: Told,
    ticking: bool,
}

impl Flow {
    pub(crate) fn new(id: u32, half: Half, shared: Rc<Shared>) -> Rc<RefCell<Self>> {
        Rc::new_cyclic(|this| {
            RefCell::new(Self {
                id,
                half,
                gate: None,
                behind_gate: None,
                life: Life::Open,
                exchange: Exchange::new(shared.table.clone()),
                request: Request::Undecided,
                request_body: Body::new(Direction::Request),
                request_length: None,
                response: Response::Awaited,
                response_body: Body::new(Direction::Response),
                gate_body: Body::new(Direction::Response),
                known_by_gate: 0,
                shared,
                this: this.clone(),
                began_ms: 0,
                logged: Told::default(),
                ticking: false,
            })
        })
    }

    pub(crate) fn shared(&self) -> Rc<Shared> {
        self.shared.clone()
    }

    pub(crate) fn on_request_headers(&mut self, end_of_stream: bool) -> Action {
        #[cfg(feature = "faults")]
        crate::faults::trap_if_asked();
        self.shared.clock.read();
        self.began_ms = self.shared.clock.now_ms();
        let headers = host::headers(Direction::Request);
        if self.half == Half::Route
            && let Some(value) = headers.first(TAG)
        {
            let outer = Tag::within(value);
            handshake::tell(outer);
            if outer.is_some() {
                // What stands before it decides, and says so to all gates: two of them would wait for each other.
                self.life = Life::Passed;
                return Action::Continue;
            }
        }
        if end_of_stream {
            self.request_body.end();
        }
        self.request_length = headers.first("content-length").map(<[u8]>::to_vec);
        let step = self
            .ask(|exchange, context| exchange.on_request_headers(headers, end_of_stream, context));
        let mut step = self.settle_request(step);
        let ends_here = matches!(step, RequestStep::Pass | RequestStep::Respond(_));
        if self.half == Half::Route && !ends_here && !handshake::has_gate() {
            self.shared.complaint.half_missing("route has no gate");
            self.respond(&Rejection::HalfMissing.response(None));
            return Action::Pause;
        }
        if end_of_stream && self.half == Half::Whole && step == RequestStep::Hold {
            step = self.show(Vec::new(), true);
        }
        self.apply_request(step, At::Headers)
    }

    pub(crate) fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if let Some(action) = self.life.request_action() {
            return action;
        }
        if matches!(self.request, Request::Released { inspect: false }) {
            return Action::Continue;
        }
        if self.is_ahead_of_the_gate() {
            self.request_body.pause_unseen(size, end_of_stream);
            return Action::Pause;
        }
        let piece = self.request_body.take_new(size, end_of_stream);
        self.feed_request(piece, end_of_stream, At::Body)
    }

    /// Trailers end the body as `end_of_stream` does; no body callback says it then. They themselves go nowhere: MCP
    /// has none, and what is kept from a server in headers would reach it in them.
    pub(crate) fn on_request_trailers(&mut self) -> Action {
        if let Some(action) = self.life.request_action() {
            return action;
        }
        host::drop_trailers(Direction::Request);
        if matches!(self.request, Request::Released { inspect: false }) {
            return Action::Continue;
        }
        self.request_body.end();
        if self.is_ahead_of_the_gate() {
            return Action::Pause;
        }
        self.feed_request(Vec::new(), true, At::Trailers)
    }

    /// Who sends the request is known behind what verifies tokens, so nothing is decided in front of it.
    fn is_ahead_of_the_gate(&self) -> bool {
        self.half == Half::Route
            && self.gate.is_none()
            && matches!(self.request, Request::Undecided)
    }

    fn feed_request(&mut self, piece: Vec<u8>, end: bool, at: At) -> Action {
        if matches!(self.request, Request::Undecided) {
            let step = self.show(piece, end);
            return self.apply_request(step, at);
        }
        let inspect = match &self.request {
            Request::Decided(release) => release.inspect_rest,
            Request::Undecided | Request::Released { .. } => true,
        };
        let step = if inspect {
            let step = self.ask(|exchange, _| exchange.on_released_body(piece, end));
            self.settle_other();
            step
        } else {
            BodyStep::Forward
        };
        self.apply_released(step, at)
    }

    fn show(&mut self, piece: Vec<u8>, end: bool) -> RequestStep {
        let step = self.ask(|exchange, context| exchange.on_held_body(piece, end, context));
        self.settle_request(step)
    }

    /// The gate's headers have come, and the gate's context is in effect: what is returned is the gate's action.
    pub(crate) fn on_gate(&mut self, gate: u32, behind: Option<Tag>) -> Action {
        self.gate = Some(gate);
        self.behind_gate = behind;
        if self.life != Life::Open {
            return Action::Pause;
        }
        let has_come = self.request_body.has_unseen() || self.request_body.has_ended();
        if has_come && matches!(self.request, Request::Undecided) && host::enter(self.id).is_ok() {
            let piece = self.request_body.take_paused();
            let step = self.show(piece, self.request_body.has_ended());
            self.apply_request(step, At::Gate);
            let _ = host::enter(gate);
        }
        self.release_to_gate()
    }

    /// What `handshake::wake_later` asked for. Any context of this VM may be in effect.
    pub(crate) fn on_wake(&mut self) {
        if self.life != Life::Open || host::enter(self.id).is_err() {
            return;
        }
        if matches!(self.request, Request::Decided(_)) {
            self.release(At::Outside);
        }
        if matches!(self.response, Response::Decided(_)) {
            self.let_decided_go();
        }
    }

    /// The gate's context is gone: it must not be touched.
    pub(crate) fn on_gate_done(&mut self) {
        self.gate = None;
    }

    /// The end of a call. Any context of this VM may be in effect.
    pub(crate) fn on_call(&mut self, token: CallToken, outcome: CallOutcome) {
        if self.life != Life::Open || host::enter(self.id).is_err() {
            return;
        }
        let step = self.ask(|exchange, context| exchange.on_call(token, outcome, context));
        let later = self.settle();
        match if later == CallStep::Nothing {
            step
        } else {
            later
        } {
            CallStep::Request(step) => {
                self.apply_request(step, At::Outside);
            }
            CallStep::Response(step) => {
                self.apply_response_head(step, At::Outside);
            }
            CallStep::Nothing => {}
        }
    }

    /// The plugin's context is in effect, or that of another stream.
    pub(crate) fn on_tick(&mut self) {
        if self.life != Life::Open || host::enter(self.id).is_err() {
            return;
        }
        let step = self.ask(Exchange::on_tick);
        self.settle_other();
        match step {
            TickStep::Wait => {}
            TickStep::Respond(response) => self.respond(&response),
            TickStep::Reset => self.cut(Direction::Response),
        }
    }

    /// The host has ended the stream. Nothing is left to be done but calls that nobody waits for.
    pub(crate) fn on_done(&mut self) {
        let life = std::mem::replace(&mut self.life, Life::Over);
        handshake::close(self.id);
        if self.ticking {
            self.shared.stop_ticking(self.id);
        }
        if life == Life::Passed {
            return;
        }
        self.count(life);
        self.exchange.on_done();
        for call in self.exchange.take_calls() {
            let _ = self
                .shared
                .calls
                .dispatch(&call, &self.this, &self.shared.metrics);
        }
    }

    /// Calls an entry point of the exchange.
    pub(crate) fn ask<T>(&mut self, entry: impl FnOnce(&mut Exchange, &mut Context<'_>) -> T) -> T {
        let mut random = random::fill;
        let mut slots = HostSlots;
        let mut context = Context {
            now_ms: self.shared.clock.now_ms(),
            random: &mut random,
            claims: &mut token::claims,
            slots: &mut slots,
        };
        let answer = entry(&mut self.exchange, &mut context);
        let wants_ticks = self.exchange.wants_ticks();
        if wants_ticks != self.ticking {
            self.ticking = wants_ticks;
            if wants_ticks {
                self.shared.tick(self.id, self.this.clone());
            } else {
                self.shared.stop_ticking(self.id);
            }
        }
        answer
    }

    /// Sends the calls that the last entry point wants made. A call that the host refuses has ended already; gives
    /// what the last of those ends led to.
    pub(crate) fn settle(&mut self) -> CallStep {
        let mut last = CallStep::Nothing;
        for _ in 0..ROUNDS_OF_CALLS {
            let calls = self.exchange.take_calls();
            if calls.is_empty() {
                break;
            }
            for call in calls {
                let sent = self
                    .shared
                    .calls
                    .dispatch(&call, &self.this, &self.shared.metrics);
                if let Err(Some(token)) = sent {
                    match self.ask(|exchange, context| {
                        exchange.on_call(token, CallOutcome::Failed, context)
                    }) {
                        CallStep::Nothing => {}
                        step => last = step,
                    }
                }
            }
        }
        last
    }

    fn settle_request(&mut self, step: RequestStep) -> RequestStep {
        match (self.settle(), step) {
            (CallStep::Request(RequestStep::Release(later)), RequestStep::Settle(body)) => {
                RequestStep::Release(Release { body, ..later })
            }
            (CallStep::Request(later), _) => later,
            (CallStep::Response(_) | CallStep::Nothing, step) => step,
        }
    }

    /// After an entry point that waits for no call.
    pub(crate) fn settle_other(&mut self) {
        self.settle();
    }
}

impl Life {
    /// What request callbacks answer without asking the exchange. A local response is never followed by Continue.
    fn request_action(self) -> Option<Action> {
        match self {
            Self::Open => None,
            Self::Passed => Some(Action::Continue),
            Self::Answered | Self::Cut | Self::Over => Some(Action::Pause),
        }
    }

    /// The same of response callbacks: the local response goes through them, too.
    pub(crate) fn response_action(self) -> Option<Action> {
        match self {
            Self::Open => None,
            Self::Passed | Self::Answered | Self::Over => Some(Action::Continue),
            Self::Cut => Some(Action::Pause),
        }
    }
}

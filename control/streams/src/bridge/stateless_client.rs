//! The edge of [`super::asked`]: a client that cannot be asked calls a server that asks.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::StreamExt as _;
use http::StatusCode;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::asked::{Asked, Step, Turn};
use super::body::Call;
use super::failure::{self, INTERNAL_ERROR};
use super::membership::Membership;
use super::outlet::{Gone, Outlet};
use super::parked::Claim;
use super::{claim, message, new_name};
use crate::events::{EventReader, StreamEnd};
use crate::gateway::Reply;
use crate::metrics::Counted;
use crate::refusal::{Refusal, json};
use crate::request::Outer;
use crate::room::Permit;
use crate::serve::ended;
use crate::share::Share;
use crate::state::State;

/// Questions that come so soon after the first one are asked together with it.
const TOGETHER: Duration = Duration::from_millis(20);
/// Answers that a server has not taken yet. What else it says waits while there are more.
const UNTAKEN: usize = 8;

/// A client that has come back.
#[derive(Debug)]
pub(super) struct Retry {
    request: Box<Outer>,
    client: Outlet,
}

/// Answers a call, or goes on with one.
pub(super) async fn call(request: &Outer, state: &Arc<State>) -> Result<Response, Refusal> {
    let call = Call::parse(&request.body).ok_or(Refusal::NotAMessage)?;
    match call.request_state() {
        Some(name) => go_on(request, &call, (state, name.get())),
        None => begin(request, &call, state).await,
    }
}

/// MCP 2026-07-28, basic/patterns/mrtr: whatever a client says is its state, it may have invented.
fn go_on(
    request: &Outer,
    call: &Call<'_>,
    (state, name): (&Arc<State>, &str),
) -> Result<Response, Refusal> {
    let unknown = Refusal::InvalidParams("requestState is unknown, was used before or has expired");
    let name: String = serde_json::from_str(name).map_err(|_| unknown.clone())?;
    let waiting = state
        .conversations
        .parked()
        .take(&name, &claim(request, call));
    let (client, response) = Outlet::open();
    let request = Box::new(request.clone());
    let sent = waiting.map(|waiting| waiting.send(Retry { request, client }));
    match sent {
        Some(Ok(())) => Ok(response),
        _ => Err(unknown),
    }
}

async fn begin(request: &Outer, call: &Call<'_>, state: &Arc<State>) -> Result<Response, Refusal> {
    let permit = state.calls.enter(&request.share)?;
    let opened = Membership::open(state, &request.caller, call.client_capabilities()).await;
    let mut membership = opened.map_err(|error| {
        tracing::warn!(%error, "no session for a call between the eras");
        Refusal::Gateway
    })?;
    let id = call.id.get();
    let reply = tokio::select! {
        reply = membership.call(id, call.in_session(id)) => reply.map_err(|_| Refusal::Gateway)?,
        () = ended(state.ending.clone()) => return Err(Refusal::Gateway),
    };
    let conversation = Conversation {
        state: Arc::clone(state),
        membership,
        events: None,
        asked: Asked::new(Turn::of(call)),
        claim: claim(request, call),
        body: request.body.clone(),
        untaken: JoinSet::new(),
        share: request.share.clone(),
        _permit: permit,
    };
    conversation.begin(reply).await
}

/// One call, from the client's first request to the server's answer.
struct Conversation {
    state: Arc<State>,
    membership: Membership,
    /// Of the server; none where its answer has come, or comes otherwise.
    events: Option<EventReader>,
    asked: Asked,
    claim: Claim,
    /// The client's request of now.
    body: Bytes,
    /// Answers to the server that were given while the client did not wait.
    untaken: JoinSet<()>,
    share: Share,
    _permit: Permit,
}

/// Why a client that waited does not wait any more.
enum Left {
    /// It has its answer, or is gone.
    Over,
    /// It shall come back.
    Asked(Absence),
}

/// A client that shall come back.
struct Absence {
    /// With what.
    name: String,
    /// Tells that it has.
    retry: oneshot::Receiver<Retry>,
    _kept: (Permit, Counted),
}

/// What has happened while a client waits.
enum Happened {
    Message(Result<Bytes, StreamEnd>),
    /// It is time to ask it.
    Asking,
    Ending,
}

impl Conversation {
    async fn begin(mut self, reply: Reply) -> Result<Response, Refusal> {
        if reply.is_stream() {
            self.events = Some(reply.events());
            return Ok(self.start());
        }
        let status = reply.status();
        let (read, rest) = reply.read_or_rest().await;
        let Some(body) = read else {
            return Ok(self.pass_on(status, rest));
        };
        match self.asked.on_message(body.to_vec()) {
            Some(Step::End(answer)) => {
                self.membership.answered();
                Ok(json(status, answer))
            }
            _ if self.asked.is_asking() => {
                self.membership.answered();
                Ok(self.start())
            }
            _ => Ok(json(status, body)),
        }
    }

    fn start(self) -> Response {
        let (client, response) = Outlet::open();
        let tasks = self.state.tasks.clone();
        tasks.spawn(self.run(client));
        response
    }

    /// An answer that is too large to be looked at.
    fn pass_on(mut self, status: StatusCode, body: Body) -> Response {
        let pieces = body.into_data_stream().map(move |piece| {
            self.membership.answered();
            piece
        });
        json(status, Body::from_stream(pieces))
    }

    /// To the end. Whatever is left of it ends when it is dropped.
    async fn run(mut self, client: Outlet) {
        let mut client = client;
        let mut steps = Vec::new();
        loop {
            match self.attend(&client, steps).await {
                Ok(Left::Asked(absence)) => {
                    drop(client);
                    let Some(retry) = self.wait(absence).await else {
                        return;
                    };
                    client = retry.client;
                    steps = self.go_on(&retry.request);
                }
                Ok(Left::Over) | Err(Gone) => return,
            }
        }
    }

    /// While the client waits.
    async fn attend(&mut self, client: &Outlet, mut steps: Vec<Step>) -> Result<Left, Gone> {
        let mut asks_at = None;
        loop {
            for step in steps {
                if self.follow(client, step).await? {
                    return Ok(Left::Over);
                }
            }
            let silence = self.state.settings.keep_alive;
            // From the first question on: a server that goes on talking does not put it off.
            let soon = || Instant::now() + TOGETHER;
            asks_at = (self.asked.is_asking()).then(|| asks_at.unwrap_or_else(soon));
            steps = match client.meanwhile(silence, self.happened(asks_at)).await? {
                Happened::Message(Ok(data)) => {
                    self.asked.on_message(data.to_vec()).into_iter().collect()
                }
                // Its answer is the question.
                Happened::Message(Err(_)) if self.asked.is_answered() && self.asked.is_asking() => {
                    return self.ask(client).await;
                }
                Happened::Message(Err(end)) => vec![Step::End(self.cut(end))],
                Happened::Asking => return self.ask(client).await,
                Happened::Ending => {
                    client.send(&self.failed(failure::ENDING)).await?;
                    return Ok(Left::Over);
                }
            };
        }
    }

    /// The client is asked at `asks_at`, or as soon as there is too much to keep.
    async fn happened(&mut self, asks_at: Option<Instant>) -> Happened {
        let is_full = self.asked.kept_bytes() >= self.state.settings.bounds.buffered;
        let asking = async {
            match asks_at {
                // A timer may be later than the clock, by which the server could go on.
                Some(then) if is_full || then <= Instant::now() => {}
                Some(then) => sleep_until(then).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = ended(self.state.ending.clone()) => Happened::Ending,
            () = asking => Happened::Asking,
            message = next(&mut self.events) => Happened::Message(message),
        }
    }

    /// Tells whether the client has its answer.
    async fn follow(&mut self, client: &Outlet, step: Step) -> Result<bool, Gone> {
        match step {
            Step::Relay(message) => client.send(&message).await?,
            Step::Answer(response) => {
                self.membership.answer(response).await;
            }
            Step::CallAgain => {
                if let Some(answer) = self.call_again().await {
                    client.send(&answer).await?;
                    return Ok(true);
                }
            }
            Step::End(answer) => {
                self.membership.answered();
                client.send(&answer).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the call once more. Gives its answer, where it comes at once.
    async fn call_again(&mut self) -> Option<String> {
        let body = self.body.clone();
        let call = Call::parse(&body)?;
        let id = call.id.get();
        let Ok(reply) = self.membership.call(id, call.in_session(id)).await else {
            return Some(self.failed("the gateway does not answer"));
        };
        self.events = None;
        if reply.is_stream() {
            self.events = Some(reply.events());
            return None;
        }
        let Some(body) = reply.read().await else {
            return Some(self.cut(StreamEnd::TooLarge));
        };
        self.membership.answered();
        match self.asked.on_message(body.to_vec()) {
            Some(Step::End(answer)) => Some(answer),
            _ if self.asked.is_asking() => None,
            _ => Some(self.failed("the server's answer is no JSON-RPC message")),
        }
    }

    async fn ask(&mut self, client: &Outlet) -> Result<Left, Gone> {
        let absence = match self.park() {
            Ok(absence) => absence,
            Err(refusal) => {
                let id = serde_json::from_str(self.asked.client_id()).ok();
                let message = refusal.message(id);
                client.send(&String::from_utf8_lossy(&message)).await?;
                return Ok(Left::Over);
            }
        };
        let name = &absence.name;
        let question = self.asked.question(name).unwrap_or_default();
        let sent = client.send(&question).await;
        sent.inspect_err(|_| drop(self.state.conversations.parked().forget(name)))?;
        Ok(Left::Asked(absence))
    }

    fn park(&self) -> Result<Absence, Refusal> {
        let permit = self.state.absences.enter(&self.share)?;
        let name = new_name().ok_or(Refusal::Gateway)?;
        let (sender, retry) = oneshot::channel();
        let mut parked = self.state.conversations.parked();
        parked.park(name.clone(), self.claim.clone(), sender);
        Ok(Absence {
            name,
            retry,
            _kept: (permit, Counted::new(&self.state.metrics.waiting_calls)),
        })
    }

    /// Until the client comes back. What the server says meanwhile is kept, and past a bound left with the server.
    async fn wait(&mut self, mut absence: Absence) -> Option<Retry> {
        let retry = &mut absence.retry;
        let until = Instant::now() + self.state.settings.patience;
        let most = self.state.settings.bounds.buffered;
        loop {
            let has_room = self.asked.kept_bytes() < most && self.untaken.len() < UNTAKEN;
            let reads = self.events.is_some() && has_room;
            tokio::select! {
                biased;
                retry = &mut *retry => return retry.ok(),
                () = sleep_until(until) => break,
                () = ended(self.state.ending.clone()) => break,
                Some(_) = self.untaken.join_next() => {}
                message = next(&mut self.events), if reads => self.keep(message).await,
            }
        }
        self.state.conversations.parked().forget(&absence.name);
        absence.retry.try_recv().ok()
    }

    /// A message while the client does not wait.
    async fn keep(&mut self, message: Result<Bytes, StreamEnd>) {
        let data = match message {
            Ok(data) => data.to_vec(),
            Err(_) if self.asked.is_answered() => {
                self.events = None;
                return;
            }
            Err(end) => {
                self.events = None;
                message::error(self.asked.call_id(), INTERNAL_ERROR, failure::text(end))
                    .into_bytes()
            }
        };
        if let Some(Step::Answer(response)) = self.asked.on_message(data) {
            // The client may come back before the server has taken it.
            self.untaken.spawn(self.membership.answer(response));
        }
    }

    fn go_on(&mut self, request: &Outer) -> Vec<Step> {
        self.membership.go_on_as(&request.caller);
        self.body = request.body.clone();
        let Some(call) = Call::parse(&self.body) else {
            return Vec::new();
        };
        self.asked
            .on_retry(Turn::of(&call), &call.input_responses())
    }

    fn cut(&self, end: StreamEnd) -> String {
        self.failed(failure::text(end))
    }

    fn failed(&self, text: &str) -> String {
        message::error(self.asked.client_id(), INTERNAL_ERROR, text)
    }
}

async fn next(events: &mut Option<EventReader>) -> Result<Bytes, StreamEnd> {
    match events {
        Some(events) => events.next().await,
        None => Err(StreamEnd::Complete),
    }
}

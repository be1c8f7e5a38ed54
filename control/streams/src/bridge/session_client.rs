//! The edge of [`super::rounds`]: a client of sessions calls a server that answers with its questions.

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::body::Call;
use super::failure;
use super::message::Message;
use super::outlet::{Gone, Outlet};
use super::parked::Claim;
use super::rounds::{self, Rounds, Step};
use super::{claim, new_name, whose};
use crate::caller::Caller;
use crate::events::{EventReader, StreamEnd};
use crate::gateway::{Purpose, Reply};
use crate::refusal::{Refusal, json};
use crate::request::Outer;
use crate::room::Permit;
use crate::serve::ended;
use crate::state::State;

/// Answers that wait to be read.
const AHEAD: usize = 8;

/// The client's answer to the question with this number.
#[derive(Debug)]
pub(super) struct Given {
    number: u64,
    answer: Outer,
}

/// Answers a call.
pub(super) async fn call(request: &Outer, state: &Arc<State>) -> Result<Response, Refusal> {
    let call = Call::parse(&request.body).ok_or(Refusal::NotAMessage)?;
    let permit = state.calls.enter(&request.share)?;
    let name = new_name().ok_or(Refusal::Gateway)?;
    let body = request.body.clone();
    let reply = post(state, &request.caller, body.clone()).await?;
    let conversation = Conversation {
        state: Arc::clone(state),
        caller: request.caller.clone(),
        rounds: Rounds::new(name.clone(), call.id.get(), &call.method),
        events: None,
        body,
        _permit: permit,
    };
    let claim = claim(request, &call);
    conversation.begin(reply, (name, claim)).await
}

/// Hands an answer to the conversation that waits for it. Tells whether there is one.
pub(super) async fn answer(request: &Outer, state: &State) -> bool {
    let Some(Message::Response { id, .. }) = Message::parse(&request.body) else {
        return false;
    };
    let Some((name, number)) = rounds::read_id(id) else {
        return false;
    };
    let whose = whose(request);
    let found = {
        let conversations = state.conversations.with_sessions();
        let conversation = conversations.find(&name, |claim| claim.caller == whose);
        conversation.cloned()
    };
    match found {
        Some(conversation) => {
            let answer = request.clone();
            conversation.send(Given { number, answer }).await.is_ok()
        }
        None => false,
    }
}

async fn post(state: &State, caller: &Caller, body: Bytes) -> Result<Reply, Refusal> {
    let reply = state.gateway.post(caller, &Purpose::Call, body).await;
    reply.map_err(|_| Refusal::Gateway)
}

/// One call of the client, and as many of the server as it takes.
struct Conversation {
    state: Arc<State>,
    /// The client, as it has shown itself last.
    caller: Caller,
    rounds: Rounds,
    /// Of the server; none while the client is asked.
    events: Option<EventReader>,
    /// The client's call.
    body: Bytes,
    _permit: Permit,
}

/// Takes a conversation's name away at its end.
struct Named(Arc<State>, String);

impl Drop for Named {
    fn drop(&mut self) {
        self.0.conversations.with_sessions().forget(&self.1);
    }
}

/// What has happened.
enum Happened {
    Message(Result<Bytes, StreamEnd>),
    Given(Box<Given>),
    TooLate,
    Ending,
}

impl Conversation {
    async fn begin(
        mut self,
        reply: Reply,
        (name, claim): (String, Claim),
    ) -> Result<Response, Refusal> {
        let mut steps = Vec::new();
        if reply.is_stream() {
            self.events = Some(reply.events());
        } else {
            let status = reply.status();
            let (read, rest) = reply.read_or_rest().await;
            let Some(body) = read else {
                return Ok(json(status, rest));
            };
            steps = self.rounds.on_message(&body);
            match steps.as_slice() {
                [] => return Ok(json(status, body)),
                [Step::End(answer)] => return Ok(json(status, answer.clone())),
                _ => {}
            }
        }
        let (events, receiver) = mpsc::channel(AHEAD);
        (self.state.conversations.with_sessions()).park(name.clone(), claim, events);
        let named = Named(Arc::clone(&self.state), name);
        let (client, response) = Outlet::open();
        tokio::spawn(async move {
            let _named = named;
            // A client that is gone, or whose call the filter has ended since it was cancelled: the server hears of it by
            // the end of its stream (MCP 2026-07-28, basic/patterns/cancellation).
            let _ = self.run(&client, receiver, steps).await;
        });
        Ok(response)
    }

    async fn run(
        mut self,
        client: &Outlet,
        mut receiver: mpsc::Receiver<Given>,
        mut steps: Vec<Step>,
    ) -> Result<(), Gone> {
        loop {
            for step in steps {
                if self.follow(client, step).await? {
                    return Ok(());
                }
            }
            let silence = self.state.settings.keep_alive;
            let happened = self.happened(&mut receiver);
            let happened = client.meanwhile(silence, happened).await?;
            steps = match happened {
                Happened::Message(Ok(data)) => self.on_message(&data),
                Happened::Message(Err(end)) => vec![self.cut(end)],
                Happened::Given(given) => self.on_answer(&given).into_iter().collect(),
                Happened::TooLate => {
                    let text = "The client did not answer what the server asked in time";
                    vec![self.rounds.end_without_input(text)]
                }
                Happened::Ending => vec![self.rounds.end_with_error(failure::ENDING)],
            };
        }
    }

    async fn happened(&mut self, receiver: &mut mpsc::Receiver<Given>) -> Happened {
        let until = Instant::now() + self.state.settings.patience;
        let asks = self.rounds.is_asking();
        let ending = self.state.ending.clone();
        let message = async {
            match &mut self.events {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(given) = receiver.recv() => Happened::Given(Box::new(given)),
            message = message => Happened::Message(message),
            () = sleep_until(until), if asks => Happened::TooLate,
            () = ended(ending) => Happened::Ending,
        }
    }

    /// A message of the server. With its question its stream has said all that it will say.
    fn on_message(&mut self, data: &[u8]) -> Vec<Step> {
        let steps = self.rounds.on_message(data);
        if self.rounds.is_asking() {
            self.events = None;
        }
        steps
    }

    fn on_answer(&mut self, given: &Given) -> Option<Step> {
        // It may show newer credentials than the call did.
        self.caller = given.answer.caller.clone();
        match Message::parse(&given.answer.body)? {
            Message::Response { answer, .. } => self.rounds.on_response(given.number, answer),
            Message::Request { .. } | Message::Notification { .. } => None,
        }
    }

    /// Tells whether the client has its answer.
    async fn follow(&mut self, client: &Outlet, step: Step) -> Result<bool, Gone> {
        let mut steps = vec![step];
        while let Some(step) = steps.pop() {
            match step {
                Step::Relay(message) => client.send(&message).await?,
                Step::End(answer) => {
                    client.send(&answer).await?;
                    return Ok(true);
                }
                Step::Call {
                    id,
                    responses,
                    state,
                } => {
                    let silence = self.state.settings.keep_alive;
                    let again = self.call_again((&id, &responses, state.as_deref()));
                    steps = client.meanwhile(silence, again).await?;
                    // The next one is the last.
                    steps.reverse();
                }
            }
        }
        Ok(false)
    }

    async fn call_again(
        &mut self,
        (id, responses, state): (&str, &str, Option<&str>),
    ) -> Vec<Step> {
        let Some(body) = Call::parse(&self.body).map(|call| call.again(id, responses, state))
        else {
            return Vec::new();
        };
        let Ok(reply) = post(&self.state, &self.caller, body.into()).await else {
            return vec![self.rounds.end_with_error("the gateway does not answer")];
        };
        self.events = None;
        if reply.is_stream() {
            self.events = Some(reply.events());
            return Vec::new();
        }
        let Some(body) = reply.read().await else {
            return vec![self.cut(StreamEnd::TooLarge)];
        };
        let steps = self.rounds.on_message(&body);
        if steps.is_empty() {
            let text = "the server's answer is no JSON-RPC message";
            return vec![self.rounds.end_with_error(text)];
        }
        steps
    }

    fn cut(&self, end: StreamEnd) -> Step {
        self.rounds.end_with_error(failure::text(end))
    }
}

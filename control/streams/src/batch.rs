//! Batches of clients of 2025-03-26, the only revision that has them (basic, Batching): each member is a request of its
//! own to the gateway, and what comes of all of them one answer to the client.
//!
//! On a stream, where the client takes one, everything goes on as it comes, questions of servers included. Else an array
//! has the answers alone.

use std::future::pending;
use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use http::StatusCode;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::bridge::Outlet;
use crate::gateway::{Purpose, Reply};
use crate::message::Message;
use crate::refusal::{Refusal, json};
use crate::request::{Asked, Outer};
use crate::room::Permit;
use crate::serve::ended;
use crate::state::State;
use crate::subscribe;

/// Most messages of a batch, as the filter has it.
const MOST_MEMBERS: usize = 32;
/// Messages of members that wait for a client that reads slowly.
const AHEAD: usize = 8;
/// Requests of one batch that wait for their answers.
const AT_ONCE: usize = 4;

/// Answers a batch.
pub(crate) async fn answer(request: Outer, takes_events: bool, state: Arc<State>) -> Response {
    let era = request.era;
    let began = Batch::begin(request, &state);
    match began {
        Ok(batch) if takes_events => batch.stream(),
        Ok(batch) => batch.array().await,
        Err(refusal) => refusal.respond(None, era),
    }
}

struct Batch {
    request: Outer,
    members: Vec<Bytes>,
    state: Arc<State>,
    _permit: Permit,
}

impl Batch {
    fn begin(request: Outer, state: &Arc<State>) -> Result<Self, Refusal> {
        let members: Vec<&RawValue> =
            serde_json::from_slice(&request.body).map_err(|_| Refusal::NotAMessage)?;
        if members.len() > MOST_MEMBERS {
            return Err(Refusal::NotAMessage);
        }
        let members = members.iter();
        let members = members.map(|member| Bytes::copy_from_slice(member.get().as_bytes()));
        Ok(Self {
            members: members.collect(),
            state: Arc::clone(state),
            _permit: state.calls.enter(&request.share)?,
            request,
        })
    }

    /// Each message as it comes.
    fn stream(self) -> Response {
        let (outlet, response) = Outlet::open();
        let tasks = self.state.tasks.clone();
        tasks.spawn(async move {
            let (teller, mut told) = mpsc::channel::<Bytes>(AHEAD);
            let silence = self.state.settings.keep_alive;
            let passed = async {
                while let Ok(Some(message)) = outlet.meanwhile(silence, told.recv()).await {
                    let text = String::from_utf8_lossy(&message);
                    if outlet.send(&text).await.is_err() {
                        break;
                    }
                }
            };
            let asked = async {
                self.ask(teller).await;
                pending::<()>().await;
            };
            // Who is gone ends the requests; so does the end of the program, and the client sees a stream without its answers.
            tokio::select! {
                () = passed => {}
                () = asked => {}
                () = ended(self.state.ending.clone()) => {}
            }
        });
        response
    }

    /// The answers, once all have come.
    async fn array(self) -> Response {
        let (teller, mut told) = mpsc::channel::<Bytes>(AHEAD);
        let mut answers: Vec<u8> = Vec::new();
        let most = self.state.settings.bounds.event;
        let gathered = async {
            while let Some(message) = told.recv().await {
                let is_answer = Message::read(&message).is_some_and(|message| message.is_answer());
                if is_answer && answers.len() + message.len() <= most {
                    answers.push(if answers.is_empty() { b'[' } else { b',' });
                    answers.extend_from_slice(&message);
                } else if is_answer {
                    return false;
                }
            }
            true
        };
        let asked = async {
            self.ask(teller).await;
            pending::<()>().await;
        };
        // Whichever it is, the rest is dropped with its requests.
        let gathered = tokio::select! {
            is_whole = gathered => match is_whole {
                true => Ok(()),
                false => Err(Refusal::AnswersTooLarge(most)),
            },
            () = asked => Ok(()),
            () = ended(self.state.ending.clone()) => Err(Refusal::Ending),
        };
        if let Err(refusal) = gathered {
            return refusal.respond(None, self.request.era);
        }
        if answers.is_empty() {
            answers.push(b'[');
        }
        answers.push(b']');
        json(StatusCode::OK, answers)
    }

    /// What is no request goes first, in order; then the requests, some at once. What is no message either the gateway refuses
    /// as it would alone, and its refusal has its place among the answers.
    async fn ask(&self, teller: mpsc::Sender<Bytes>) {
        let is_request = |member: &&Bytes| {
            Message::read(member)
                .is_some_and(|message| !message.method().is_empty() && message.id.is_some())
        };
        let (requests, others): (Vec<&Bytes>, Vec<&Bytes>) =
            self.members.iter().partition(is_request);
        for other in others {
            if let Ok(reply) = self.post(other).await {
                pass(reply, &teller).await;
            }
        }
        let asked = requests.into_iter();
        let asked: Vec<_> = asked.map(|one| self.ask_one(one, &teller)).collect();
        let mut asked = stream::iter(asked).buffer_unordered(AT_ONCE);
        while asked.next().await.is_some() {}
    }

    async fn post(&self, member: &Bytes) -> Result<Reply, Refusal> {
        let caller = &self.request.caller;
        let posted = self
            .state
            .gateway
            .post(caller, &Purpose::Member, member.clone());
        posted.await.map_err(|error| {
            tracing::warn!(%error, "a member of a batch was not passed on");
            Refusal::Gateway
        })
    }

    /// Each request has one answer at least.
    async fn ask_one(&self, request: &Bytes, teller: &mpsc::Sender<Bytes>) {
        let Some(message) = Message::read(request) else {
            return;
        };
        let is_answered = match message.method() {
            "resources/subscribe" => self.subscribe(request, Asked::Subscribe, teller).await,
            "resources/unsubscribe" => self.subscribe(request, Asked::Unsubscribe, teller).await,
            _ => match self.post(request).await {
                Ok(reply) => pass(reply, teller).await,
                Err(_) => false,
            },
        };
        if !is_answered {
            let error = Refusal::Gateway.message(message.id);
            let _ = teller.send(error.into()).await;
        }
    }

    /// What is subscribed to is remembered here, as outside of batches.
    async fn subscribe(&self, request: &Bytes, asked: Asked, teller: &mpsc::Sender<Bytes>) -> bool {
        let outer = Outer {
            asked,
            body: request.clone(),
            ..self.request.clone()
        };
        let response = subscribe::pass(outer, Arc::clone(&self.state)).await;
        let most = self.state.settings.bounds.event;
        let reply = Reply::new(response, most);
        pass(reply, teller).await
    }
}

/// Tells what comes of a request; whether an answer was among it.
async fn pass(reply: Reply, teller: &mpsc::Sender<Bytes>) -> bool {
    let is_answer = |data: &Bytes| Message::read(data).is_some_and(|message| message.is_answer());
    if !reply.is_stream() {
        let Some(body) = reply.read().await.filter(is_answer) else {
            return false;
        };
        let _ = teller.send(body).await;
        return true;
    }
    let mut events = reply.events();
    while let Ok(data) = events.next().await {
        let is_last = is_answer(&data);
        let is_gone = teller.send(data).await.is_err();
        if is_last || is_gone {
            return true;
        }
    }
    false
}

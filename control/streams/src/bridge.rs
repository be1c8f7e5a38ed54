//! Conversations between a client of one era and a server of the other.
//!
//! A server of sessions asks its client in the middle of a call, by requests on the call's stream; a stateless one
//! answers that it needs input, and is called again with it. Here either becomes the other: [`stateless_client`] and
//! [`session_client`] hold what one of the two cannot, `asked` and `rounds` decide what becomes of each message.

mod asked;
mod body;
mod declared;
mod failure;
mod input_required;
mod members;
mod membership;
mod message;
mod outlet;
mod parked;
mod rounds;
mod session_client;
mod stateless_client;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use mcp_filter_core::Era;
use tokio::sync::{mpsc, oneshot};

use crate::message::Message;
use crate::refusal::{Refusal, json};
use crate::request::Outer;
use crate::state::State;
use body::Call;
pub(crate) use outlet::Outlet;
use parked::{Claim, NAME_BYTES, Parked};
use session_client::Given;
use stateless_client::Retry;

/// The conversations of now.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    /// Those whose client shall come back, by what it comes back with.
    parked: Mutex<Parked<oneshot::Sender<Retry>>>,
    /// Those with clients of sessions, by their names.
    with_sessions: Mutex<Parked<mpsc::Sender<Given>>>,
}

impl Conversations {
    fn parked(&self) -> MutexGuard<'_, Parked<oneshot::Sender<Retry>>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_sessions(&self) -> MutexGuard<'_, Parked<mpsc::Sender<Given>>> {
        let with_sessions = self.with_sessions.lock();
        with_sessions.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers `tools/call`, `prompts/get` or `resources/read`.
pub(crate) async fn call(request: Outer, state: Arc<State>) -> Response {
    let answered = match (Call::parse(&request.body), request.era) {
        (None, _) => Err(Refusal::NotAMessage),
        (Some(_), Era::Stateless) => stateless_client::call(&request, &state).await,
        (Some(_), Era::Sessions) => session_client::call(&request, &state).await,
    };
    answered.unwrap_or_else(|refusal| {
        let id = Message::read(&request.body).and_then(|message| message.id);
        refusal.respond(id, request.era)
    })
}

/// Takes the client's answer to a request that was put to it here.
pub(crate) async fn answer(request: Outer, state: Arc<State>) -> Response {
    match session_client::answer(&request, &state).await {
        // MCP 2025-11-25, basic/transports, Sending Messages: accepted.
        true => accepted(),
        false => json(
            StatusCode::BAD_REQUEST,
            Refusal::InvalidParams("nothing waits for this answer").message(None),
        ),
    }
}

fn accepted() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Whose conversation a request begins or goes on with, and about what.
fn claim(request: &Outer, call: &Call<'_>) -> Claim {
    Claim {
        caller: whose(request),
        method: call.method.clone(),
        name: call.name(),
    }
}

/// The digest of the caller, at one endpoint.
fn whose(request: &Outer) -> String {
    let caller = &request.caller;
    let parts = [
        request.digest.as_bytes(),
        caller.authority().as_bytes(),
        caller.path().as_str().as_bytes(),
    ];
    String::from_utf8_lossy(&parts.join(&b' ')).into_owned()
}

/// A name that nobody can guess; `None` where there is no randomness.
fn new_name() -> Option<String> {
    let mut random = [0; NAME_BYTES];
    getrandom::fill(&mut random).ok()?;
    Some(parked::name(random))
}

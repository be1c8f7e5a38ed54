//! The body of a response that is held open.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::Voice;
use crate::room::Permit;
use crate::state::State;
use crate::watch::{Place, Standing};

/// How many messages of servers wait for a client that reads slowly. Who sends more waits too.
const WAITING: usize = 2;

/// Where servers' messages for a stream go in.
pub(crate) type Inbox = mpsc::Sender<Bytes>;

/// Both ends of an inbox.
pub(crate) fn inbox() -> (Inbox, mpsc::Receiver<Bytes>) {
    mpsc::channel(WAITING)
}

/// A stream: no task is behind it, it is asked when its connection has room.
pub(crate) struct Held<V, G> {
    voice: V,
    place: Place,
    /// `None` once nobody can send any more.
    messages: Option<mpsc::Receiver<Bytes>>,
    ending: watch::Receiver<bool>,
    keep_alive: Interval,
    ready: VecDeque<Bytes>,
    phase: Phase,
    /// Dropped with the stream, and with it what was kept for it.
    _kept: (G, Permit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Open,
    Closed,
}

enum Next {
    Standing,
    Message(Option<Bytes>),
    Silence,
    Ending,
}

impl<V: Voice, G: Send + 'static> Held<V, G> {
    /// A stream of this voice in its place. `kept` is dropped with it.
    pub(crate) fn new(
        voice: V,
        (place, messages): (Place, mpsc::Receiver<Bytes>),
        kept: (G, Permit),
        state: &State,
    ) -> Self {
        let period = state.settings.keep_alive;
        let mut keep_alive = interval_at(Instant::now() + period, period);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            voice,
            place,
            messages: Some(messages),
            ending: state.ending.clone(),
            keep_alive,
            ready: VecDeque::new(),
            phase: Phase::New,
            _kept: kept,
        }
    }

    /// The response.
    pub(crate) fn respond(self) -> Response {
        let events = stream::unfold(self, |mut held| async move {
            let event = held.next().await?;
            Some((Ok::<Bytes, Infallible>(event), held))
        });
        let mut response = Response::new(Body::from_stream(events));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // MCP 2026-07-28, basic/transports, asks for it; proxies of a client may hold events back otherwise.
        let unbuffered = HeaderName::from_static("x-accel-buffering");
        headers.insert(unbuffered, HeaderValue::from_static("no"));
        response
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.keep_alive.reset();
                return Some(event);
            }
            match self.phase {
                Phase::New => self.open(),
                Phase::Open => self.wait().await,
                Phase::Closed => return None,
            }
        }
    }

    fn open(&mut self) {
        self.phase = Phase::Open;
        let first = self.voice.open();
        self.ready.push_back(first);
        self.read_standing();
    }

    async fn wait(&mut self) {
        let next = tokio::select! {
            biased;
            _ = self.ending.wait_for(|ends| *ends) => Next::Ending,
            () = self.place.changed() => Next::Standing,
            message = receive(&mut self.messages) => Next::Message(message),
            _ = self.keep_alive.tick() => Next::Silence,
        };
        match next {
            Next::Standing => self.read_standing(),
            Next::Message(Some(message)) => self.ready.extend(self.voice.relay(&message)),
            Next::Message(None) => self.messages = None,
            Next::Silence => self.ready.push_back(crate::event::KEEP_ALIVE),
            Next::Ending => self.close(),
        }
    }

    fn read_standing(&mut self) {
        match self.place.standing() {
            Standing::Good(catalog) => self.ready.extend(self.voice.tell(&catalog)),
            Standing::Ended => self.close(),
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.ready.extend(self.voice.close());
    }
}

async fn receive(messages: &mut Option<mpsc::Receiver<Bytes>>) -> Option<Bytes> {
    match messages {
        Some(messages) => messages.recv().await,
        None => pending().await,
    }
}

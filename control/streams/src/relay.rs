//! Relays what a server says, unasked, to a stream of a client.

mod message;
mod pace;
mod promise;
mod wanted;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use mcp_filter_core::Era;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::value::RawValue;
use tokio::task::AbortHandle;

use crate::caller::Caller;
use crate::doubt::Doubt;
use crate::events::{EventReader, StreamEnd};
use crate::gateway::{Gateway, Purpose, Reply};
use crate::held::Inbox;
use crate::metrics::{Counted, Metrics};
use crate::settings::Settings;
use crate::subscribe::taken;
use crate::uris::{Uri, Uris};
use crate::watch::Member;
pub(crate) use message::subscribe;
use pace::Pace;
use promise::Promise;
pub(crate) use promise::{Heard, may_be_heard};
use wanted::{Wanted, wanted};

/// Which server, on whose behalf, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Of the stream; in a session where the server speaks so.
    pub(crate) caller: Caller,
    /// `namespace/name`
    pub(crate) server: HeaderValue,
    /// How the server speaks.
    pub(crate) era: Era,
    /// What it tells of: it may have to be told again.
    pub(crate) uris: Arc<Mutex<Uris>>,
    /// The client's `_meta`, where it has sent one.
    pub(crate) meta: Option<Box<RawValue>>,
    /// Who hears.
    pub(crate) audience: Audience,
}

/// Who hears what a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A session: all that a server says in it, but for changes of its lists, which are told by what the gateway makes of
    /// them.
    Session,
    /// A subscription: what it is subscribed to.
    Subscription,
}

/// A server's messages on their way to a stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Relay(AbortHandle);

impl Relay {
    /// Whether there still is, or may be, something to hear.
    pub(crate) fn goes_on(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

enum Outcome {
    /// There is nothing to hear.
    Refused(StatusCode),
    /// Nobody hears any more.
    Unheard,
    /// The server has lost the session, and with it what it was subscribed to.
    Lost,
    /// It may go better later.
    Broken,
}

impl Outcome {
    /// What the server has said against being heard.
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(status) => *status,
            Self::Unheard | Self::Lost | Self::Broken => StatusCode::NOT_FOUND,
        }
    }
}

/// What has come of subscribing once more.
enum Again {
    /// There is no session to subscribe in.
    Gone,
    /// The server has taken one subscription at least.
    Taken,
    /// It has taken none, for now.
    Broken,
}

/// What all relays share.
#[derive(Clone, Debug)]
pub(crate) struct Relays {
    gateway: Gateway,
    /// Between the first attempts to hear a server.
    pause: Duration,
    /// What is said against a server counts when it is said again so much later.
    second_look: Duration,
    /// Of relays.
    count: Gauge,
    /// Of messages.
    relayed: Counter,
}

struct Line {
    relays: Relays,
    source: Source,
    inbox: Inbox,
    member: Arc<Member>,
    promise: Promise,
    doubt: Doubt<StatusCode>,
    _counted: Counted,
}

impl Relays {
    /// None yet.
    pub(crate) fn new(gateway: Gateway, settings: &Settings, metrics: &Metrics) -> Self {
        Self {
            gateway,
            pause: settings.retry,
            second_look: settings.second_look,
            count: metrics.relays.clone(),
            relayed: metrics.messages.clone(),
        }
    }

    /// Begins to relay to `inbox`, which is that of `member`.
    pub(crate) fn start(
        &self,
        source: Source,
        (inbox, member): (Inbox, Arc<Member>),
    ) -> (Relay, Heard) {
        let (promise, heard) = Promise::new();
        let line = Line {
            relays: self.clone(),
            source,
            inbox,
            member,
            promise,
            doubt: Doubt::default(),
            _counted: Counted::new(&self.count),
        };
        let task = tokio::spawn(line.run());
        (Relay(task.abort_handle()), heard)
    }
}

impl Line {
    async fn run(mut self) {
        let mut pace = Pace::new(self.relays.pause);
        let (mut was_heard, mut told_again) = (false, false);
        loop {
            let outcome = match self.open().await {
                Ok(mut events) => {
                    (was_heard, told_again) = (true, false);
                    self.promise.give();
                    self.doubt.clear();
                    let begun = Instant::now();
                    let outcome = self.relay(&mut events).await;
                    pace.has_ended(begun.elapsed(), events.retry());
                    outcome
                }
                Err(outcome) => outcome,
            };
            let is_in_doubt = match outcome {
                Outcome::Unheard => return,
                Outcome::Broken => false,
                Outcome::Refused(status) if self.is_for_subscription() || !was_heard => {
                    if self.gives_up(status) {
                        return;
                    }
                    true
                }
                // It takes subscriptions, and knows no session in which it could tell, or not here and now. Where that
                // stays so, it would be told again for ever.
                Outcome::Refused(_) | Outcome::Lost if told_again => {
                    told_again = false;
                    if self.gives_up(outcome.status()) {
                        return;
                    }
                    true
                }
                Outcome::Refused(_) | Outcome::Lost => match self.subscribe_again().await {
                    Again::Gone if self.gives_up(StatusCode::GONE) => {
                        // There is no session any more whose stream could go on.
                        if !self.is_for_subscription() {
                            self.member.end();
                        }
                        return;
                    }
                    Again::Taken => {
                        told_again = true;
                        continue;
                    }
                    Again::Gone => true,
                    Again::Broken => false,
                },
            };
            let pause = if is_in_doubt {
                self.relays.second_look
            } else {
                pace.pause()
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// The server is not to be heard. Tells whether it is not asked any more: where it was promised, its client is told by
    /// the end of its stream, so that it asks anew and is told what is.
    fn gives_up(&mut self, status: StatusCode) -> bool {
        let is_for_subscription = self.is_for_subscription();
        let is_promised = self.promise.is_broken();
        if is_for_subscription && !is_promised {
            return true;
        }
        let least = self.relays.second_look;
        let holds = self.doubt.holds(status, Instant::now(), least);
        if holds && is_for_subscription {
            self.member.end();
        }
        holds
    }

    /// A session has more to hear than this server: without it, its stream goes on.
    fn is_for_subscription(&self) -> bool {
        self.source.audience == Audience::Subscription
    }

    async fn open(&self) -> Result<EventReader, Outcome> {
        let reply = self.ask().await?;
        let (status, era) = (reply.status(), self.source.era);
        match status {
            StatusCode::OK if reply.is_stream() => self.accept(reply),
            StatusCode::NOT_FOUND if era == Era::Sessions => Err(Outcome::Lost),
            StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED => Err(self.refused(status)),
            StatusCode::OK if era == Era::Stateless => Err(self.refused(status)),
            // Some servers let a session have one stream, and do not see at once that the former is gone.
            _ => Err(Outcome::Broken),
        }
    }

    /// The stream that was asked for; one of anybody else is not this server's to speak on.
    fn accept(&self, reply: Reply) -> Result<EventReader, Outcome> {
        if reply.server() == Some(&self.source.server) {
            return Ok(reply.events());
        }
        tracing::warn!(server = ?self.source.server, "a stream of somebody else is not heard");
        Err(Outcome::Broken)
    }

    fn refused(&self, status: StatusCode) -> Outcome {
        tracing::info!(%status, server = ?self.source.server, "a server cannot be heard");
        Outcome::Refused(status)
    }

    async fn ask(&self) -> Result<Reply, Outcome> {
        let Source {
            caller,
            server,
            era,
            ..
        } = &self.source;
        let purpose = Purpose::Server(server.clone());
        let answered = match era {
            Era::Sessions => self.relays.gateway.get(caller, &purpose).await,
            Era::Stateless => {
                let body = message::listen(&self.uris(), self.source.meta.as_deref());
                let caller = caller.stateless(message::LISTEN);
                self.relays.gateway.post(&caller, &purpose, body).await
            }
        };
        answered.map_err(|error| {
            tracing::debug!(%error, "a server is not heard");
            Outcome::Broken
        })
    }

    async fn relay(&self, events: &mut EventReader) -> Outcome {
        loop {
            let message = match events.next().await {
                Ok(message) => message,
                Err(StreamEnd::TooLarge) => {
                    tracing::warn!(server = ?self.source.server, "a server's event is too large");
                    return Outcome::Broken;
                }
                Err(StreamEnd::Complete | StreamEnd::Cut) => return Outcome::Broken,
            };
            match wanted((self.source.audience, self.source.era), message) {
                Wanted::Message(message) => {
                    if self.inbox.send(message).await.is_err() {
                        return Outcome::Unheard;
                    }
                    self.relays.relayed.inc();
                }
                Wanted::Answer(answer) => self.answer(answer).await,
                Wanted::Nothing => {}
            }
        }
    }

    /// Answers a request that a server has sent into a session that was opened here.
    async fn answer(&self, answer: Bytes) {
        let sent = self
            .relays
            .gateway
            .post(&self.source.caller, &Purpose::Call, answer)
            .await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a server's request was not answered");
        }
    }

    /// Subscribes to everything once more, and learns how the server speaks now.
    async fn subscribe_again(&mut self) -> Again {
        let mut again = Again::Broken;
        for uri in self.uris().iter() {
            match self.tell_again(uri).await {
                Ok(true) => again = Again::Taken,
                Ok(false) => {}
                Err(failed) => return failed,
            }
        }
        again
    }

    /// Subscribes to one resource, and tells whether that was taken. The client may have taken it back since, or do so before
    /// the server has answered: it is undone then.
    async fn tell_again(&mut self, uri: &Uri) -> Result<bool, Again> {
        let (mut is_told, mut is_taken) = (false, false);
        while self.uris().contains(uri) != is_told {
            is_told = !is_told;
            let body = if is_told {
                message::subscribe(uri)
            } else {
                message::unsubscribe(uri)
            };
            let gateway = &self.relays.gateway;
            let asked = gateway.post(&self.source.caller, &Purpose::Call, body);
            let reply = asked.await.map_err(|_| Again::Broken)?;
            if reply.status() == StatusCode::NOT_FOUND {
                return Err(Again::Gone);
            }
            if let Some((_, Some((server, era)))) = taken(reply).await {
                is_taken = true;
                if server == self.source.server {
                    self.source.era = era;
                }
            }
        }
        Ok(is_taken)
    }

    fn uris(&self) -> Uris {
        let uris = self.source.uris.lock();
        uris.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

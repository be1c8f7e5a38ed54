//! One server as the schedule sees it: passes, and a stream of its own words.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::watch;

use crate::gateway_client::GatewayClient;
use crate::offer::Offer;

use super::absence::Absence;
use super::connection::Connection;
use super::deadline::Deadline;
use super::eras::{with_sessions, without_sessions};
use super::event_stream::EventStream;
use super::handshake::{Handshake, initialize};
use super::listener::Listener;
use super::lists::{Lists, read_all};
use super::message::messages;
use super::refusal::{INITIALIZE, protocol};
use super::side::{Beside, Memory, alone};
use super::tells::Tells;
use super::{DiscoveryError, ProtocolFault, PublicEndpoint, Subject};

/// What a schedule needs of a server. Dropping a future half-way loses nothing but its result.
pub(super) trait Server: Send + 'static {
    /// Reads all lists.
    fn pass(&mut self) -> impl Future<Output = Result<Offer, DiscoveryError>> + Send;

    /// Whether there is a stream, since the last pass, on which the server may tell that a list has changed.
    fn can_listen(&self) -> bool;

    /// Waits for the server's next word, opening its stream where it is not open yet.
    fn listen(&mut self) -> impl Future<Output = Heard> + Send;

    /// Ends the session.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What became of a server's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// These lists have changed.
    Changed(Tells),
    /// The stream is open after it was not, so changes may not have been told.
    Reopened,
    /// The stream ended, or could not be opened; it may be opened again.
    Closed,
    /// The server has answered with something else than a stream; it may answer otherwise another time.
    Refused,
    /// The server has no such stream (MCP 2025-11-25, basic/transports, Listening for Messages; MCP 2026-07-28,
    /// basic/patterns/subscriptions).
    NotOffered,
    /// The session is gone, so it takes a pass to get another.
    SessionLost,
}

/// The real one.
#[derive(Debug)]
pub(super) struct GatewayServer {
    client: GatewayClient,
    subject: Subject,
    endpoint: watch::Receiver<Option<PublicEndpoint>>,
    time: Duration,
    session: Option<Session>,
    /// Where it speaks the stateless revision, and tells changes there.
    listener: Option<Listener>,
    /// Of streams in sessions.
    no_stream: Absence,
    /// Of subscriptions in the stateless revision.
    no_subscription: Absence,
    /// Of what it speaks beside sessions.
    memory: Memory,
}

#[derive(Debug)]
struct Session {
    connection: Connection,
    handshake: Option<Handshake>,
    stream: Option<EventStream>,
}

impl GatewayServer {
    pub(super) fn new(
        client: GatewayClient,
        subject: Subject,
        endpoint: watch::Receiver<Option<PublicEndpoint>>,
        time: Duration,
    ) -> Self {
        Self {
            client,
            subject,
            endpoint,
            time,
            session: None,
            listener: None,
            no_stream: Absence::default(),
            no_subscription: Absence::default(),
            memory: Memory::default(),
        }
    }

    /// Reads the lists in each era that the server speaks: in a session first, for that is what most servers have.
    async fn lists(&mut self) -> Result<Offer, DiscoveryError> {
        let deadline = Deadline::after(self.time);
        let connection = Connection::stateless(self.client.clone(), self.subject.clone());
        match self.lists_of_session(deadline).await {
            Ok((handshake, lists)) => {
                let beside = self.memory.beside_sessions(connection, deadline).await;
                self.may_subscribe(match &beside {
                    Beside::Side(side) => side.capabilities.tells,
                    Beside::None | Beside::Unreadable(_) => Tells::default(),
                });
                Ok(with_sessions(&handshake, lists, beside))
            }
            Err(
                refused @ DiscoveryError::ProtocolError {
                    step: INITIALIZE, ..
                },
            ) => {
                let side = alone(connection, deadline, refused).await?;
                self.may_subscribe(side.capabilities.tells);
                Ok(without_sessions(side))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the lists in the session whose stream is open, if there is one, else in a new one.
    async fn lists_of_session(
        &mut self,
        deadline: Deadline,
    ) -> Result<(Handshake, Lists), DiscoveryError> {
        if let Some(session) = self
            .session
            .as_mut()
            .filter(|session| session.stream.is_some())
        {
            match session.lists(deadline).await {
                Err(DiscoveryError::ProtocolError { .. }) => {}
                outcome => return outcome,
            }
        }
        self.end_session();
        let connection = Connection::new(self.client.clone(), self.subject.clone());
        // Kept at once, so that it is ended even where the pass is given up half-way.
        let session = self.session.insert(Session {
            connection,
            handshake: None,
            stream: None,
        });
        session.handshake = Some(initialize(&mut session.connection, deadline).await?);
        session.lists(deadline).await
    }

    /// What the server tells in the stateless revision. A subscription to just that goes on.
    fn may_subscribe(&mut self, tells: Tells) {
        self.no_subscription.passed(tells);
        let is_one_wanted = tells.any() && !self.no_subscription.is_believed();
        let before = self.listener.take();
        self.listener = is_one_wanted.then(|| {
            before
                .filter(|listener| listener.tells() == tells)
                .unwrap_or_else(|| {
                    let (client, subject) = (self.client.clone(), self.subject.clone());
                    Listener::new(Connection::stateless(client, subject), tells)
                })
        });
    }

    /// What the server tells in its session.
    fn told_in_session(&self) -> Tells {
        let session = self.session.as_ref();
        let handshake = session.and_then(|session| session.handshake.as_ref());
        handshake.map_or_else(Tells::default, |handshake| handshake.capabilities.tells)
    }

    /// Whether the server may tell in its session that a list has changed.
    fn hears_session(&self) -> bool {
        self.told_in_session().any() && !self.no_stream.is_believed()
    }

    async fn listen_in_session(&mut self) -> Heard {
        let Some(session) = &mut self.session else {
            return Heard::SessionLost;
        };
        let heard = session.listen().await;
        match heard {
            Heard::Changed(_) | Heard::Reopened | Heard::Refused => {}
            Heard::Closed => session.stream = None,
            Heard::NotOffered => {
                self.no_stream = Absence::of(self.told_in_session());
                self.end_session();
            }
            Heard::SessionLost => self.end_session(),
        }
        heard
    }

    /// The server's fault, unless the gateway turns out to be at fault.
    async fn blame(&self, error: DiscoveryError) -> DiscoveryError {
        let endpoint = self.endpoint.borrow().clone();
        let Some(PublicEndpoint { host, path }) = endpoint.filter(|_| error.is_of_the_network())
        else {
            return error;
        };
        match self.client.generation(&host, &path).await {
            Ok(_) => error,
            Err(not_live) => DiscoveryError::GatewayUnreachable {
                cause: not_live.to_string(),
            },
        }
    }

    fn end_session(&mut self) {
        if let Some(session) = self.session.take() {
            tokio::spawn(session.connection.end());
        }
    }
}

impl Server for GatewayServer {
    async fn pass(&mut self) -> Result<Offer, DiscoveryError> {
        let outcome = self.lists().await;
        if outcome.is_err() {
            self.no_stream = Absence::default();
            self.no_subscription = Absence::default();
            self.listener = None;
            self.memory.ask_again();
        } else {
            self.no_stream.passed(self.told_in_session());
        }
        if outcome.is_err() || !self.hears_session() {
            self.end_session();
        }
        match outcome {
            Ok(offer) => Ok(offer),
            Err(error) => Err(self.blame(error).await),
        }
    }

    fn can_listen(&self) -> bool {
        self.hears_session() || self.listener.is_some()
    }

    /// One stream at a time: that of the session where there is one, for that is the era in which lists are read first.
    async fn listen(&mut self) -> Heard {
        if self.hears_session() {
            let heard = self.listen_in_session().await;
            let is_without = matches!(heard, Heard::NotOffered | Heard::Refused);
            if !is_without || self.listener.is_none() {
                return heard;
            }
        }
        let Some(listener) = &mut self.listener else {
            return Heard::SessionLost;
        };
        let heard = listener.listen(self.time).await;
        if heard == Heard::NotOffered {
            self.no_subscription = Absence::of(listener.tells());
            self.listener = None;
        }
        heard
    }

    async fn close(&mut self) {
        self.listener = None;
        if let Some(session) = self.session.take() {
            session.connection.end().await;
        }
    }
}

impl Session {
    async fn lists(&mut self, deadline: Deadline) -> Result<(Handshake, Lists), DiscoveryError> {
        let Some(handshake) = self.handshake.clone() else {
            return Err(protocol(INITIALIZE, ProtocolFault::SessionLost));
        };
        let lists = read_all(&mut self.connection, handshake.capabilities, deadline).await?;
        Ok((handshake, lists))
    }

    async fn listen(&mut self) -> Heard {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => match open_stream(&self.connection).await {
                Ok(stream) => self.stream.insert(stream),
                Err(heard) => return heard,
            },
        };
        while let Some(data) = stream.next().await {
            let told = told(&self.connection, &data).await;
            if told.any() {
                return Heard::Changed(told);
            }
        }
        Heard::Closed
    }
}

async fn open_stream(connection: &Connection) -> Result<EventStream, Heard> {
    let Ok(reply) = connection.open_stream().await else {
        return Err(Heard::Closed);
    };
    if reply.status() == StatusCode::NOT_FOUND && connection.has_session_id() {
        return Err(Heard::SessionLost);
    }
    EventStream::of(reply, connection.quote()).await
}

/// What an event tells (MCP 2025-11-25, server/tools, server/prompts, server/resources). Requests among its messages
/// are answered.
async fn told(connection: &Connection, data: &[u8]) -> Tells {
    let mut told = Tells::default();
    for message in messages(data, connection.quote()).unwrap_or_default() {
        told = told.and(message.method.as_deref().map(Tells::by).unwrap_or_default());
        connection.answer(&message).await;
    }
    told
}

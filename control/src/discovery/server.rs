//! One server as the schedule sees it: passes, and a stream of its own words.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

use crate::gateway_client::{GatewayClient, Reply};
use crate::offer::Offer;

use super::connection::Connection;
use super::deadline::Deadline;
use super::eras::{with_sessions, without_sessions};
use super::event_decoder::EventDecoder;
use super::handshake::{Handshake, initialize};
use super::lists::{Lists, read_all};
use super::message::messages;
use super::refusal::{INITIALIZE, protocol};
use super::side::{Memory, alone};
use super::{DiscoveryError, ProtocolFault, PublicEndpoint, Subject};

/// MCP 2025-11-25, server/tools, server/prompts, server/resources.
const LIST_CHANGED: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
];

/// What a schedule needs of a server. Dropping a future half-way loses nothing but its result.
pub(super) trait Server: Send + 'static {
    /// Reads all lists.
    fn pass(&mut self) -> impl Future<Output = Result<Offer, DiscoveryError>> + Send;

    /// Whether the last pass left a session in which the server may tell that a list has changed.
    fn can_listen(&self) -> bool;

    /// Waits for the server's next word, opening its stream where it is not open yet.
    fn listen(&mut self) -> impl Future<Output = Heard> + Send;

    /// Ends the session.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What became of a server's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A list has changed.
    Changed,
    /// The stream ended, or could not be opened; it may be opened again.
    Closed,
    /// The server has no such stream (MCP 2025-11-25, basic/transports, Listening for Messages).
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
    offers_no_stream: bool,
    /// Of what it speaks beside sessions.
    memory: Memory,
}

#[derive(Debug)]
struct Session {
    connection: Connection,
    handshake: Option<Handshake>,
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    reply: Reply,
    decoder: EventDecoder,
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
            offers_no_stream: false,
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
                Ok(with_sessions(&handshake, lists, beside))
            }
            Err(
                refused @ DiscoveryError::ProtocolError {
                    step: INITIALIZE, ..
                },
            ) => {
                let side = alone(connection, deadline, refused).await?;
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
            self.offers_no_stream = false;
            self.memory.ask_again();
        }
        if outcome.is_err() || !self.can_listen() {
            self.end_session();
        }
        match outcome {
            Ok(offer) => Ok(offer),
            Err(error) => Err(self.blame(error).await),
        }
    }

    fn can_listen(&self) -> bool {
        let handshake = self
            .session
            .as_ref()
            .and_then(|session| session.handshake.as_ref());
        !self.offers_no_stream
            && handshake.is_some_and(|handshake| handshake.capabilities.tells_changes)
    }

    async fn listen(&mut self) -> Heard {
        let Some(session) = &mut self.session else {
            return Heard::SessionLost;
        };
        let heard = session.listen().await;
        match heard {
            Heard::Changed => {}
            Heard::Closed => session.stream = None,
            Heard::NotOffered => {
                self.offers_no_stream = true;
                self.end_session();
            }
            Heard::SessionLost => self.end_session(),
        }
        heard
    }

    async fn close(&mut self) {
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
        loop {
            while let Some(data) = stream.decoder.next() {
                if tells_change(&self.connection, &data).await {
                    return Heard::Changed;
                }
            }
            match stream.reply.chunk().await {
                Ok(Some(piece)) => stream.decoder.push(piece.as_ref()),
                Ok(None) | Err(_) => return Heard::Closed,
            }
        }
    }
}

async fn open_stream(connection: &Connection) -> Result<Stream, Heard> {
    let Ok(reply) = connection.open_stream().await else {
        return Err(Heard::Closed);
    };
    match reply.status().as_u16() {
        200 if reply.media_type() == "text/event-stream" => Ok(Stream {
            reply,
            decoder: EventDecoder::new(),
        }),
        404 if connection.has_session_id() => Err(Heard::SessionLost),
        408 | 409 | 425 | 429 | 500.. => Err(Heard::Closed),
        _ => Err(Heard::NotOffered),
    }
}

/// Whether an event says that a list has changed. Requests among the messages are answered.
async fn tells_change(connection: &Connection, data: &[u8]) -> bool {
    let mut tells = false;
    for message in messages(data, connection.quote()).unwrap_or_default() {
        let method = message.method.as_deref();
        tells |= method.is_some_and(|method| LIST_CHANGED.contains(&method));
        connection.answer(&message).await;
    }
    tells
}

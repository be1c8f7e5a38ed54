//! Messages to and from one server: in one session (MCP 2025-11-25, basic/transports, Streamable HTTP), or each for
//! itself (MCP 2026-07-28, basic/transports/streamable-http).

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use mcp_filter_core::version::ProtocolVersion;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::gateway_client::{Call, GatewayClient, ReadError, Reply, SendError};

use super::deadline::Deadline;
use super::event_decoder::EventDecoder;
use super::message::{Message, Response, messages};
use super::quote::Quote;
use super::refusal::{INITIALIZE, METHOD_NOT_FOUND, Refusal, not_mcp, protocol, rpc_fault};
use super::subscription::LISTEN;
use super::{DiscoveryError, ProtocolFault, Subject, stateless};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What the gateway's own side calls wait for, see `Limits::side_call_ms`.
const STREAM_END: Duration = Duration::from_secs(5);

/// For messages whose fate changes nothing.
pub(super) const COURTESY: Duration = Duration::from_secs(2);

/// Bytes of a refusal that are read.
const REFUSAL_BYTES: usize = 64 * 1024;

/// A server, and in the era of sessions the one that it opened.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    client: GatewayClient,
    subject: Subject,
    is_stateless: bool,
    session_id: Option<HeaderValue>,
    revision: Option<ProtocolVersion>,
    next_id: u64,
}

/// How a request was answered: a result, or a JSON-RPC error.
#[derive(Debug)]
pub(super) enum Answer {
    Result(Box<RawValue>),
    /// The method is unknown to the server.
    MethodNotFound,
}

impl Connection {
    pub(super) fn new(client: GatewayClient, subject: Subject) -> Self {
        Self {
            client,
            subject,
            is_stateless: false,
            session_id: None,
            revision: None,
            next_id: 1,
        }
    }

    /// One in the stateless revision.
    pub(super) fn stateless(client: GatewayClient, subject: Subject) -> Self {
        Self {
            is_stateless: true,
            ..Self::new(client, subject)
        }
    }

    pub(super) fn is_stateless(&self) -> bool {
        self.is_stateless
    }

    /// Whether the server gave this session an id.
    pub(super) fn has_session_id(&self) -> bool {
        self.session_id.is_some()
    }

    /// From now on requests tell the negotiated revision.
    pub(super) fn negotiated(&mut self, revision: ProtocolVersion) {
        self.revision = Some(revision);
    }

    pub(super) fn quote(&self) -> Quote<'_> {
        Quote(self.subject.credential.as_ref())
    }

    /// Sends a request and waits for its response.
    pub(super) async fn request(
        &mut self,
        step: &'static str,
        params: Value,
        deadline: Deadline,
    ) -> Result<Answer, DiscoveryError> {
        if !self.is_stateless {
            return self.exchange(step, params, deadline).await;
        }
        let params = stateless::with_meta(params);
        stateless::judged(step, self.exchange(step, params, deadline).await)
    }

    async fn exchange(
        &mut self,
        step: &'static str,
        params: Value,
        deadline: Deadline,
    ) -> Result<Answer, DiscoveryError> {
        let id = self.next_id;
        self.next_id += 1;
        let body = json!({"jsonrpc": "2.0", "id": id, "method": step, "params": params});
        let sent = self.post(step, body.to_string());
        let mut reply = deadline.bound(step, sent).await??;
        if !reply.status().is_success() {
            return Err(self.refusal(step, reply, deadline).await);
        }
        if step == INITIALIZE {
            self.take_session_id(&reply)?;
        }
        match (reply.status(), reply.media_type().as_str()) {
            (StatusCode::OK, "application/json") => {
                let body = deadline.bound(step, reply.bytes()).await?;
                let body = body.map_err(|error| protocol(step, error.into()))?;
                self.in_body(step, id, &body)
            }
            (StatusCode::OK, "text/event-stream") => {
                self.in_stream(step, id, reply, deadline).await
            }
            (status, media_type) => {
                let excerpt = self.quote().of(&head(&mut reply, deadline).await);
                Err(protocol(
                    step,
                    not_mcp(status, media_type.to_owned(), excerpt),
                ))
            }
        }
    }

    /// Sends a notification and waits until it is accepted.
    pub(super) async fn notify(
        &self,
        step: &'static str,
        deadline: Deadline,
    ) -> Result<(), DiscoveryError> {
        let body = json!({"jsonrpc": "2.0", "method": step});
        let sent = self.post(step, body.to_string());
        let reply = deadline.bound(step, sent).await??;
        if reply.status().is_success() {
            return Ok(());
        }
        Err(self.refusal(step, reply, deadline).await)
    }

    /// Answers a server's request; tells whether the message was one. Ping is answered, and that there are no
    /// roots; everything else is refused, since nobody sits here. In the stateless revision servers may not ask, and
    /// there is nowhere to answer.
    pub(super) async fn answer(&self, message: &Message<'_>) -> bool {
        let (Some(method), Some(id)) = (&message.method, message.id) else {
            return false;
        };
        if self.is_stateless {
            return true;
        }
        let outcome = match method.as_ref() {
            "ping" => r#""result":{}"#.to_owned(),
            "roots/list" => r#""result":{"roots":[]}"#.to_owned(),
            _ => format!(r#""error":{{"code":{METHOD_NOT_FOUND},"message":"nobody to ask"}}"#),
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{},{outcome}}}"#, id.get());
        // The server asked; if it does not take the answer, its own request suffers.
        let _ = timeout(COURTESY, self.post("", body)).await;
        true
    }

    /// Sends the request whose answer is the stream on which a server without sessions speaks first.
    pub(super) async fn subscribe(&self, message: String) -> Result<Reply, SendError> {
        self.post(LISTEN, message).await
    }

    /// Asks for the stream on which the server speaks first in a session.
    pub(super) async fn open_stream(&self) -> Result<Reply, SendError> {
        let mut headers = self.session_headers();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.send(Method::GET, headers, Vec::new()).await
    }

    /// Ends the session. Servers may refuse that with 405, or be gone.
    pub(super) async fn end(self) {
        if self.session_id.is_some() {
            let ended = self.send(Method::DELETE, self.session_headers(), Vec::new());
            let _ = timeout(COURTESY, ended).await;
        }
    }

    /// `method` is that of the message, if it has one.
    async fn post(&self, method: &'static str, body: String) -> Result<Reply, SendError> {
        let mut headers = if self.is_stateless {
            stateless::headers(method)
        } else {
            self.session_headers()
        };
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(Method::POST, headers, body.into_bytes()).await
    }

    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, SendError> {
        let Subject {
            host,
            path,
            credential,
            ..
        } = &self.subject;
        let credential = credential.as_ref();
        self.client
            .send(Call {
                method,
                host,
                path,
                headers,
                credential,
                body,
            })
            .await
    }

    /// Session and revision. Revision 2025-03-26 has no header for itself.
    fn session_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(id) = &self.session_id {
            headers.insert(SESSION_ID, id.clone());
        }
        if let Some(revision) = self
            .revision
            .filter(|it| *it > ProtocolVersion::V2025_03_26)
        {
            headers.insert(
                PROTOCOL_VERSION,
                HeaderValue::from_static(revision.as_str()),
            );
        }
        headers
    }

    fn take_session_id(&mut self, reply: &Reply) -> Result<(), DiscoveryError> {
        let Some(id) = reply.headers().get(SESSION_ID) else {
            return Ok(());
        };
        if id.is_empty() || !id.as_bytes().iter().all(u8::is_ascii_graphic) {
            return Err(protocol(INITIALIZE, ProtocolFault::SessionId));
        }
        self.session_id = Some(id.clone());
        Ok(())
    }

    fn in_body(&self, step: &'static str, id: u64, body: &[u8]) -> Result<Answer, DiscoveryError> {
        let quote = self.quote();
        for message in messages(body, quote).map_err(|fault| protocol(step, fault))? {
            if let Some(answer) = outcome(step, message, id, quote)? {
                return Ok(answer);
            }
        }
        Err(protocol(step, ProtocolFault::NoResponse))
    }

    async fn in_stream(
        &self,
        step: &'static str,
        id: u64,
        mut reply: Reply,
        deadline: Deadline,
    ) -> Result<Answer, DiscoveryError> {
        let mut decoder = EventDecoder::new();
        loop {
            let piece = deadline.bound(step, reply.chunk()).await?;
            let Some(piece) = piece.map_err(|error| protocol(step, error.into()))? else {
                return Err(protocol(step, ProtocolFault::NoResponse));
            };
            decoder.push(piece.as_ref());
            while let Some(data) = decoder.next() {
                if let Some(answer) = self.in_event(step, id, &data, deadline).await? {
                    if step == INITIALIZE {
                        read_to_end(&mut reply, deadline).await?;
                    }
                    return Ok(answer);
                }
            }
        }
    }

    async fn in_event(
        &self,
        step: &'static str,
        id: u64,
        data: &[u8],
        deadline: Deadline,
    ) -> Result<Option<Answer>, DiscoveryError> {
        let quote = self.quote();
        for message in messages(data, quote).map_err(|fault| protocol(step, fault))? {
            if deadline.bound(step, self.answer(&message)).await? {
                continue;
            }
            if let Some(answer) = outcome(step, message, id, quote)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    async fn refusal(
        &self,
        step: &'static str,
        mut reply: Reply,
        deadline: Deadline,
    ) -> DiscoveryError {
        let body = head(&mut reply, deadline).await;
        let refusal = Refusal {
            step,
            status: reply.status(),
            headers: reply.headers(),
            media_type: reply.media_type(),
            body: &body,
        };
        refusal.error(self.quote(), self.session_id.is_some())
    }
}

impl From<ReadError> for ProtocolFault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Cut(cause) => Self::Cut(cause),
            ReadError::TooLarge => Self::TooLarge,
        }
    }
}

fn outcome(
    step: &'static str,
    message: Message<'_>,
    id: u64,
    quote: Quote<'_>,
) -> Result<Option<Answer>, DiscoveryError> {
    match message
        .response_to(id, quote)
        .map_err(|fault| protocol(step, fault))?
    {
        None => Ok(None),
        Some(Response::Result(result)) => Ok(Some(Answer::Result(result.to_owned()))),
        Some(Response::Error(error)) if error.code == METHOD_NOT_FOUND && step != INITIALIZE => {
            Ok(Some(Answer::MethodNotFound))
        }
        Some(Response::Error(error)) => Err(protocol(step, rpc_fault(step, error, quote))),
    }
}

/// As much of a body as a message about it needs, without waiting long for it.
pub(super) async fn head(reply: &mut Reply, deadline: Deadline) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(piece)) = reply.chunk().await {
            body.extend_from_slice(piece.as_ref());
            if body.len() >= REFUSAL_BYTES {
                break;
            }
        }
    };
    let _ = deadline.within(COURTESY).bound("", read).await;
    body
}

/// The gateway's side calls are buffered, so a stream that stays open would hold them up.
async fn read_to_end(reply: &mut Reply, deadline: Deadline) -> Result<(), DiscoveryError> {
    let rest = deadline
        .within(STREAM_END)
        .bound(INITIALIZE, reply.bytes())
        .await;
    match rest {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(protocol(INITIALIZE, error.into())),
        Err(_) => Err(protocol(INITIALIZE, ProtocolFault::StreamStaysOpen)),
    }
}

//! `resources/subscribe` and `resources/unsubscribe` of a client with a session (MCP 2025-11-25, server/resources,
//! "Subscriptions").

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::response::Response;
use http::StatusCode;
use http::header::HeaderValue;
use mcp_filter_core::Era;
use mcp_filter_core::sse::events;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::gateway::{Purpose, Reply};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::relay::Heard;
use crate::request::{Asked, Outer};
use crate::state::State;
use crate::uris::Uri;

/// How long an answer waits for what it promises: that updates are heard.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    uri: &'a RawValue,
}

/// Passes the request on to its server, and remembers what has come of it.
pub(crate) async fn pass(outer: Outer, state: Arc<State>) -> Response {
    let Some(message) = Message::read(&outer.body) else {
        return Refusal::NotAMessage.respond(None, outer.era);
    };
    let passed = pass_on(&outer, &message, &state).await;
    passed.unwrap_or_else(|refusal| refusal.respond(message.id, outer.era))
}

async fn pass_on(outer: &Outer, message: &Message<'_>, state: &State) -> Result<Response, Refusal> {
    let uri = uri(message).ok_or(Refusal::InvalidParams(
        "params.uri is missing, no string, or longer than 8 KiB",
    ))?;
    let session = outer
        .caller
        .session()
        .ok_or(Refusal::NotRouted("mcp-session-id"))?;
    let subscribes = outer.asked == Asked::Subscribe;
    if subscribes {
        state.sessions.room((session, &outer.share), &uri)?;
    }
    let asked = state
        .gateway
        .post(&outer.caller, &Purpose::Call, outer.body.clone());
    let reply = asked.await.map_err(|error| {
        tracing::warn!(%error, "a subscription was not passed on");
        Refusal::Gateway
    })?;
    let (reply, server) = taken(reply).await.ok_or(Refusal::Gateway)?;
    match server {
        Some((server, era)) if subscribes => {
            let one = (session, &outer.share);
            wait(state.sessions.subscribed(one, (server, era), uri)?).await;
        }
        Some((server, _)) => state.sessions.unsubscribed(session, &server, &uri),
        None => {}
    }
    Ok(reply.pass_on())
}

fn uri(message: &Message<'_>) -> Option<Uri> {
    let params: Params<'_> = serde_json::from_str(message.params?.get()).ok()?;
    Uri::read(params.uri)
}

/// A server, and how it speaks.
pub(crate) type Spoken = (HeaderValue, Era);

/// The answer, and the server that has taken the subscription; `None` when the answer was cut.
pub(crate) async fn taken(reply: Reply) -> Option<(Reply, Option<Spoken>)> {
    let server = reply.server().cloned().zip(reply.era());
    if reply.status() != StatusCode::OK {
        return Some((reply, None));
    }
    let (reply, body) = reply.whole().await?;
    let has_result = has_result(&body, reply.is_stream());
    if has_result && server.is_none() {
        tracing::warn!("the gateway does not say which server has taken a subscription");
    }
    Some((reply, server.filter(|_| has_result)))
}

fn has_result(body: &Bytes, is_stream: bool) -> bool {
    let is_result =
        |data: &[u8]| Message::read(data).is_some_and(|message| message.result.is_some());
    if is_stream {
        events(body).any(|event| event.is_message() && is_result(&event.data))
    } else {
        is_result(body)
    }
}

async fn wait(heard: Option<Heard>) {
    if let Some(heard) = heard {
        // Late or never: the client is subscribed in any case.
        let _ = timeout(PATIENCE, heard).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_found_in_either_form() {
        let result = Bytes::from(r#"{"id":1,"result":{}}"#);
        let error = Bytes::from(r#"{"id":1,"error":{}}"#);
        assert!(has_result(&result, false) && !has_result(&error, false));
        let stream = Bytes::from("data: {\"method\":\"a\"}\n\ndata: {\"id\":1,\"result\":{}}\n\n");
        assert!(has_result(&stream, true) && !has_result(&stream, false));
    }
}

//! A stream on which a server speaks first, event by event.

use crate::gateway_client::Reply;

use super::connection::{COURTESY, head};
use super::deadline::Deadline;
use super::event_decoder::EventDecoder;
use super::message::messages;
use super::quote::Quote;
use super::refusal::{METHOD_NOT_FOUND, is_the_gateways};
use super::server::Heard;

/// Bytes of one event; news are short. What a server asks on its stream is answered, so it has room, too.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// See the module. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct EventStream {
    reply: Reply,
    decoder: EventDecoder,
}

impl EventStream {
    /// The stream that a server has answered with; else whether it may do so another time. What says that there is none
    /// is lasting; everything else may be a fault that passes.
    pub(super) async fn of(reply: Reply, quote: Quote<'_>) -> Result<Self, Heard> {
        match reply.status().as_u16() {
            200 if reply.media_type() == "text/event-stream" => Ok(Self {
                reply,
                decoder: EventDecoder::new(),
            }),
            _ if is_the_gateways(reply.headers()) => Err(Heard::Closed),
            404 | 405 => Err(Heard::NotOffered),
            _ => Err(refused(reply, quote).await),
        }
    }

    /// The data of the next event; `None` where the stream has ended, was cut, or has an event past all bounds. Nothing
    /// is lost when this future is dropped.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(data) = self.decoder.next() {
                return Some(data);
            }
            if self.decoder.waiting() > MAX_EVENT_BYTES {
                return None;
            }
            let piece = self.reply.chunk().await.ok()??;
            self.decoder.push(piece.as_ref());
        }
    }
}

/// What an answer means that is no stream.
async fn refused(mut reply: Reply, quote: Quote<'_>) -> Heard {
    let body = head(&mut reply, Deadline::after(COURTESY)).await;
    let messages = messages(&body, quote).unwrap_or_default();
    let mut errors = messages.iter().filter_map(|message| message.error.as_ref());
    if errors.any(|error| error.code == METHOD_NOT_FOUND) {
        return Heard::NotOffered;
    }
    match reply.status().as_u16() {
        408 | 409 | 425 | 429 | 500.. => Heard::Closed,
        _ => Heard::Refused,
    }
}

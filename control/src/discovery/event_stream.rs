//! A stream on which a server speaks first, event by event.

use crate::gateway_client::Reply;

use super::event_decoder::EventDecoder;
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
    /// The stream that a server has answered with; else whether it may do so another time.
    pub(super) fn of(reply: Reply) -> Result<Self, Heard> {
        match reply.status().as_u16() {
            200 if reply.media_type() == "text/event-stream" => Ok(Self {
                reply,
                decoder: EventDecoder::new(),
            }),
            408 | 409 | 425 | 429 | 500.. => Err(Heard::Closed),
            _ => Err(Heard::NotOffered),
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

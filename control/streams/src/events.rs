//! Events as they come, cut anywhere.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures::StreamExt as _;
use mcp_filter_core::sse::events;

/// The messages of a stream of events, as they come.
#[derive(Debug)]
pub(crate) struct EventReader {
    body: BodyDataStream,
    decoder: EventDecoder,
}

/// Why there is no next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// It has ended in order.
    Complete,
    /// It was cut.
    Cut,
    /// An event is larger than any that is passed on.
    TooLarge,
}

impl EventReader {
    /// Reads this body. An event of more than `most` bytes ends it.
    pub(crate) fn new(body: Body, most: usize) -> Self {
        Self {
            body: body.into_data_stream(),
            decoder: EventDecoder::new(most),
        }
    }

    /// How long the server wants to be left alone when it is over, where it has said so (WHATWG HTML, Server-sent events).
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.decoder.retry
    }

    /// The data of the next message. May be dropped and asked again.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn next(&mut self) -> Result<Bytes, StreamEnd> {
        loop {
            if let Some(data) = self.decoder.next() {
                return Ok(data);
            }
            if self.decoder.is_full() {
                return Err(StreamEnd::TooLarge);
            }
            match self.body.next().await {
                Some(Ok(piece)) => self.decoder.push(&piece),
                Some(Err(_)) => return Err(StreamEnd::Cut),
                None => return Err(StreamEnd::Complete),
            }
        }
    }
}

/// Finds where an event ends, and lets the core read it.
#[derive(Debug)]
struct EventDecoder {
    pending: Vec<u8>,
    most: usize,
    at_line_start: bool,
    /// A line feed that follows belongs to the line end before it.
    after_return: bool,
    ready: VecDeque<Bytes>,
    retry: Option<Duration>,
}

impl EventDecoder {
    fn new(most: usize) -> Self {
        Self {
            pending: Vec::new(),
            most,
            at_line_start: true,
            after_return: false,
            ready: VecDeque::new(),
            retry: None,
        }
    }

    fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| self.ends_event(*byte)) {
            let (event, after) = rest.split_at(end + 1);
            self.pending.extend_from_slice(event);
            self.read_pending();
            rest = after;
        }
        self.pending.extend_from_slice(rest);
    }

    fn next(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    fn is_full(&self) -> bool {
        self.pending.len() > self.most
    }

    /// Whether this byte ends an empty line.
    fn ends_event(&mut self, byte: u8) -> bool {
        let is_second_half = std::mem::take(&mut self.after_return) && byte == b'\n';
        let ends_line = matches!(byte, b'\n' | b'\r') && !is_second_half;
        let ends_event = ends_line && self.at_line_start;
        self.after_return = byte == b'\r';
        self.at_line_start = ends_line || is_second_half;
        ends_event
    }

    fn read_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.retry = retry(&pending).or(self.retry);
        // One without data says from where the stream can be read anew, which nobody does here.
        let messages =
            events(&pending).filter(|event| event.is_message() && !event.data.is_empty());
        self.ready
            .extend(messages.map(|event| Bytes::from(event.data.into_owned())));
    }
}

fn retry(event: &[u8]) -> Option<Duration> {
    let mut lines = event.split(|byte| matches!(byte, b'\n' | b'\r'));
    let value = lines.find_map(|line| line.strip_prefix(b"retry:"))?;
    let value = str::from_utf8(value.strip_prefix(b" ").unwrap_or(value)).ok()?;
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b": hello\r\n\r\nid: 1\r\ndata:\r\n\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n\
        event: other\ndata: /x\n\nevent: message\rdata:{}\r\rretry: 5\ndata: 7\n\ndata: cut";

    fn decode(pieces: &[&[u8]]) -> Vec<Bytes> {
        let mut decoder = EventDecoder::new(1 << 10);
        pieces.iter().for_each(|piece| decoder.push(piece));
        std::iter::from_fn(|| decoder.next()).collect()
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let expected: [&[u8]; 3] = [b"{\"a\":\n1}", b"{}", b"7"];
        assert_eq!(decode(&[STREAM]), expected);
        for cut in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(cut);
            assert_eq!(decode(&[head, tail]), expected, "cut at {cut}");
        }
        assert_eq!(decode(&STREAM.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_pause_that_the_server_wants_is_read() {
        for (event, millis) in [
            ("retry: 10\ndata: {}\n\n", Some(10)),
            ("id: 1\r\nretry:7\r\n\r\n", Some(7)),
            ("retry: 1\n\ndata: {}\n\n", Some(1)),
            ("retry: 1s\n\n", None),
            ("retry:\n\n", None),
            ("data: retry: 3\n\n", None),
        ] {
            let mut decoder = EventDecoder::new(64);
            decoder.push(event.as_bytes());
            assert_eq!(decoder.retry, millis.map(Duration::from_millis), "{event}");
        }
        assert_eq!(
            retry(b"retry: 99999999999999999999"),
            Some(Duration::from_millis(u64::MAX))
        );
    }

    #[tokio::test]
    async fn a_stream_tells_how_it_has_ended() {
        let mut reader = EventReader::new(Body::from("data: 1\n\ndata: 2"), 64);
        assert_eq!(reader.next().await, Ok(Bytes::from("1")));
        assert_eq!(reader.next().await, Err(StreamEnd::Complete));
        let mut reader = EventReader::new(Body::from("data: 1\n\ndata: 234567"), 8);
        assert_eq!(reader.next().await, Ok(Bytes::from("1")));
        assert_eq!(reader.next().await, Err(StreamEnd::TooLarge));
    }
}

//! Server-sent events as they come.

use std::collections::VecDeque;

use mcp_filter_core::sse::events;

/// Turns pieces of an event stream into the data of its `message` events: finds where an event ends, and lets the core
/// read it.
#[derive(Debug)]
pub(super) struct EventDecoder {
    pending: Vec<u8>,
    at_line_start: bool,
    /// An LF that follows belongs to the line end before it.
    after_cr: bool,
    ready: VecDeque<Vec<u8>>,
}

impl EventDecoder {
    pub(super) fn new() -> Self {
        Self {
            pending: Vec::new(),
            at_line_start: true,
            after_cr: false,
            ready: VecDeque::new(),
        }
    }

    /// Takes the next piece, cut anywhere.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| self.ends_event(*byte)) {
            let (head, tail) = rest.split_at(end + 1);
            self.pending.extend_from_slice(head);
            self.read_pending();
            rest = tail;
        }
        self.pending.extend_from_slice(rest);
    }

    /// The data of the next complete event, its lines joined by a line feed.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// Bytes of an event that is not complete yet.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whether this byte ends an empty line.
    fn ends_event(&mut self, byte: u8) -> bool {
        let is_second_half = std::mem::take(&mut self.after_cr) && byte == b'\n';
        let ends_line = matches!(byte, b'\n' | b'\r') && !is_second_half;
        let ends_event = ends_line && self.at_line_start;
        self.after_cr = byte == b'\r';
        self.at_line_start = ends_line || is_second_half;
        ends_event
    }

    fn read_pending(&mut self) {
        let messages = events(&self.pending).filter(|event| event.is_message());
        let data = messages.map(|event| event.data.into_owned());
        // A server may open its stream with an event that has an id alone (MCP 2025-11-25, basic/transports).
        self.ready.extend(data.filter(|data| !data.is_empty()));
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = EventDecoder::new();
        pieces.iter().for_each(|piece| decoder.push(piece));
        std::iter::from_fn(|| decoder.next())
            .map(|data| String::from_utf8(data).unwrap())
            .collect()
    }

    const STREAM: &[u8] = b"\xEF\xBB\xBF: hello\r\nid: 1\r\ndata:\r\n\r\n\
        data: {\"a\":\r\ndata: 1}\r\n\r\nevent: endpoint\ndata: /x\n\n\
        event: message\rdata:{}\r\rretry: 5\ndata: \"\xC3\xA9\"\n\ndata: cut";

    #[test]
    fn lines_are_joined_and_what_is_no_message_is_passed_over() {
        assert_eq!(decode(&[STREAM]), ["{\"a\":\n1}", "{}", "\"\u{e9}\""]);
    }

    #[test]
    fn any_cut_gives_the_same_events() {
        for cut in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(cut);
            assert_eq!(decode(&[head, tail]), decode(&[STREAM]), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(decode(&bytes), decode(&[STREAM]));
    }
}

//! Server-sent events, as they come (HTML Living Standard, 9.2.6).

use std::collections::VecDeque;

/// Turns pieces of an event stream into the data of its `message` events.
#[derive(Debug, Default)]
pub(super) struct EventDecoder {
    line: Vec<u8>,
    /// The last line ended in CR, so an LF that follows belongs to it.
    after_cr: bool,
    started: bool,
    data: Option<Vec<u8>>,
    is_other_type: bool,
    events: VecDeque<Vec<u8>>,
}

impl EventDecoder {
    /// Takes the next piece, cut anywhere.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, rest) = piece.split_at(end);
            let terminator = rest.first();
            if !(self.after_cr
                && head.is_empty()
                && self.line.is_empty()
                && terminator == Some(&b'\n'))
            {
                self.line.extend_from_slice(head);
                self.end_line();
            }
            self.after_cr = terminator == Some(&b'\r');
            piece = rest.get(1..).unwrap_or_default();
        }
        self.after_cr &= piece.is_empty();
        self.line.extend_from_slice(piece);
    }

    /// The data of the next complete event, its lines joined by a line feed.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.started, true) && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.is_other_type = !matches!(value, b"" | b"message"),
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let is_other_type = std::mem::take(&mut self.is_other_type);
        let data = self
            .data
            .take()
            .filter(|data| !data.is_empty() && !is_other_type);
        self.events.extend(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = EventDecoder::default();
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

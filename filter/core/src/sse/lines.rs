//! The lines of an event stream (WHATWG HTML, Server-sent events, "Parsing an event stream"), cut anywhere.

/// The field of a line. Names are lower case and compared as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineField {
    Comment,
    Data,
    Event,
    Id,
    Retry,
    /// Ignored by every reader.
    Other,
}

/// A part of a line. All bytes of the stream come out once and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Of the byte order mark.
    Mark(&'a [u8]),
    /// Of a field's name, while the field is not known: at most five bytes of a line.
    Lead(&'a [u8]),
    /// Which field the line has. No byte; once in each line that is not empty.
    Field(LineField),
    /// The colon, the space behind it, or what is left of a name that nobody knows.
    Separator(&'a [u8]),
    /// Of the value.
    Value(&'a [u8]),
    /// The CR or LF that ends a line with a field.
    End(&'a [u8]),
    /// The CR or LF of an empty line, which ends an event.
    Blank(&'a [u8]),
    /// The LF of a CRLF whose CR has ended the line.
    LineFeed(&'a [u8]),
}

/// Where in a line the stream stands.
#[derive(Debug)]
pub(super) struct Lines {
    state: State,
    /// The first bytes of the field's name.
    name: [u8; 5],
    /// `<= 5`
    name_length: usize,
    after_cr: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the start of the stream: so many bytes of the byte order mark were read.
    Start(usize),
    Name,
    /// Behind the name, before a colon or the end of the line.
    Named,
    /// Behind the colon, where one space may stand.
    Space,
    Value,
}

const MARK: &[u8] = "\u{feff}".as_bytes();

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            state: State::Start(0),
            name: [0; 5],
            name_length: 0,
            after_cr: false,
        }
    }

    /// Takes the next part from the start of `rest`. `None`: no byte is left.
    pub(super) fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Part<'a>> {
        let byte = *rest.first()?;
        if std::mem::take(&mut self.after_cr) && byte == b'\n' {
            return Some(Part::LineFeed(take(rest, 1)));
        }
        if let State::Start(read) = self.state
            && let Some(part) = self.mark(read, byte, rest)
        {
            return Some(part);
        }
        let line_ends = matches!(byte, b'\r' | b'\n');
        Some(match self.state {
            State::Start(_) | State::Name => self.name(byte, line_ends, rest),
            _ if line_ends => Part::End(self.end_line(byte, rest)),
            State::Named if byte == b':' => {
                self.state = State::Space;
                Part::Separator(take(rest, 1))
            }
            State::Named => {
                let length = memchr::memchr3(b':', b'\r', b'\n', rest);
                Part::Separator(take(rest, length.unwrap_or(rest.len())))
            }
            State::Space if byte == b' ' => {
                self.state = State::Value;
                Part::Separator(take(rest, 1))
            }
            State::Space | State::Value => {
                self.state = State::Value;
                let length = memchr::memchr2(b'\r', b'\n', rest);
                Part::Value(take(rest, length.unwrap_or(rest.len())))
            }
        })
    }

    /// The byte order mark, or what looked like one and is a name that nobody knows.
    fn mark<'a>(&mut self, read: usize, byte: u8, rest: &mut &'a [u8]) -> Option<Part<'a>> {
        if MARK.get(read) == Some(&byte) {
            let read = read + 1;
            self.state = if read == MARK.len() {
                State::Name
            } else {
                State::Start(read)
            };
            return Some(Part::Mark(take(rest, 1)));
        }
        if read > 0 {
            self.state = State::Named;
            return Some(Part::Field(LineField::Other));
        }
        self.state = State::Name;
        None
    }

    fn name<'a>(&mut self, byte: u8, line_ends: bool, rest: &mut &'a [u8]) -> Part<'a> {
        if line_ends && self.name_length == 0 {
            return Part::Blank(self.end_line(byte, rest));
        }
        let room = self.name.get_mut(self.name_length..).unwrap_or_default();
        if line_ends || byte == b':' || room.is_empty() {
            let field = self.field(line_ends || byte == b':');
            self.state = State::Named;
            return Part::Field(field);
        }
        let is_name = |byte: &u8| !matches!(byte, b':' | b'\r' | b'\n');
        let mut length = 0;
        for (place, &byte) in room
            .iter_mut()
            .zip(rest.iter().take_while(|byte| is_name(byte)))
        {
            *place = byte;
            length += 1;
        }
        self.name_length += length;
        Part::Lead(take(rest, length))
    }

    /// The field of the line. `complete`: its whole name was read.
    fn field(&self, complete: bool) -> LineField {
        match self.name.get(..self.name_length) {
            Some(b"") => LineField::Comment,
            Some(b"data") => LineField::Data,
            Some(b"event") if complete => LineField::Event,
            Some(b"id") => LineField::Id,
            Some(b"retry") if complete => LineField::Retry,
            _ => LineField::Other,
        }
    }

    fn end_line<'a>(&mut self, byte: u8, rest: &mut &'a [u8]) -> &'a [u8] {
        self.state = State::Name;
        self.name_length = 0;
        self.after_cr = byte == b'\r';
        take(rest, 1)
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    rest.split_off(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LineField, Lines, Part};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn parts(mut stream: &[u8]) -> Vec<Part<'_>> {
        let mut lines = Lines::new();
        std::iter::from_fn(|| lines.next(&mut stream)).collect()
    }

    fn fields(stream: &[u8]) -> Vec<LineField> {
        let field = |part| match part {
            Part::Field(field) => Some(field),
            _ => None,
        };
        parts(stream).into_iter().filter_map(field).collect()
    }

    #[test]
    fn a_line_comes_in_parts() {
        let expected = [
            Part::Lead(b"data"),
            Part::Field(LineField::Data),
            Part::Separator(b":"),
            Part::Separator(b" "),
            Part::Value(b" x: y"),
            Part::End(b"\r"),
            Part::LineFeed(b"\n"),
            Part::Blank(b"\n"),
        ];
        assert_eq!(parts(b"data:  x: y\r\n\n"), expected);
    }

    #[test]
    fn lines_end_with_cr_or_lf_or_both() {
        let blanks = |stream: &[u8]| {
            parts(stream)
                .iter()
                .filter(|part| matches!(part, Part::Blank(_)))
                .count()
        };
        assert_eq!(blanks(b"id\n\n\r\r\n\n"), 4);
        assert_eq!(blanks(b"\r\n"), 1);
        assert_eq!(blanks(b"\n\r"), 2);
    }

    #[test]
    fn only_exact_names_are_known() {
        use LineField::{Comment, Data, Event, Id, Other, Retry};
        let stream =
            b"data\nevent:\nid:1\nretry: 5\n:c\n: \nDATA:\ndata :\ndat\nevents\nretry1:\n id:\n";
        let expected = [
            Data, Event, Id, Retry, Comment, Comment, Other, Other, Other, Other, Other, Other,
        ];
        assert_eq!(fields(stream), expected);
    }

    #[test]
    fn one_byte_order_mark_at_the_start_is_no_part_of_a_name() {
        assert_eq!(fields("\u{feff}data: x\n".as_bytes()), [LineField::Data]);
        assert_eq!(
            fields("\u{feff}\u{feff}data: x\n".as_bytes()),
            [LineField::Other]
        );
        assert_eq!(fields(b"\xef\xbbdata: x\n"), [LineField::Other]);
        assert_eq!(fields("\n\u{feff}data: x\n".as_bytes()), [LineField::Other]);
    }

    #[test]
    fn every_byte_comes_out_once() {
        let stream = "\u{feff}: hi\r\revent:a\r\nunknown field\n\n\ndata\nid: \n".as_bytes();
        let bytes = |part: Part<'_>| match part {
            Part::Field(_) => Vec::new(),
            Part::Mark(bytes)
            | Part::Lead(bytes)
            | Part::Separator(bytes)
            | Part::Value(bytes)
            | Part::End(bytes)
            | Part::Blank(bytes)
            | Part::LineFeed(bytes) => bytes.to_vec(),
        };
        assert_eq!(
            parts(stream)
                .into_iter()
                .flat_map(bytes)
                .collect::<Vec<_>>(),
            stream
        );
    }
}

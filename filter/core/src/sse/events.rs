//! The events of a stream that is complete.

use std::borrow::Cow;

use super::lines::{LineField, Lines, Part};

/// One event that has data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// The value of its last `event` field. Without one, or with an empty one, it is a `message`.
    pub kind: Option<&'a [u8]>,
    /// The value of its own last `id` field.
    pub id: Option<&'a [u8]>,
    /// The values of its `data` fields, joined by line feeds.
    pub data: Cow<'a, [u8]>,
}

impl Event<'_> {
    /// Whether its data is a message; clients of MCP ignore all others
    /// (MCP 2025-11-25, basic/transports; WHATWG HTML, "Interpreting an event stream").
    pub fn is_message(&self) -> bool {
        self.kind.is_none_or(is_message_kind)
    }
}

/// Whether events of this kind are messages.
pub(super) fn is_message_kind(kind: &[u8]) -> bool {
    matches!(kind, b"" | b"message")
}

/// The events of a complete body. One without the empty line that ends it does not count, as the standard has it.
pub fn events(body: &[u8]) -> Events<'_> {
    Events {
        lines: Lines::new(),
        rest: body,
    }
}

/// See [`events`].
#[derive(Debug)]
pub struct Events<'a> {
    lines: Lines,
    rest: &'a [u8],
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let mut event = Event::default();
        let mut data: Option<Cow<'a, [u8]>> = None;
        let mut field = LineField::Other;
        let mut value: &[u8] = b"";
        while let Some(part) = self.lines.next(&mut self.rest) {
            match part {
                Part::Field(name) => (field, value) = (name, b""),
                Part::Value(bytes) => value = bytes,
                Part::End(_) => match field {
                    LineField::Data => data = Some(join(data, value)),
                    LineField::Event => event.kind = Some(value),
                    LineField::Id => event.id = Some(value),
                    LineField::Comment | LineField::Retry | LineField::Other => {}
                },
                Part::Blank(_) => match data.take() {
                    Some(data) => return Some(Event { data, ..event }),
                    None => event = Event::default(),
                },
                Part::Mark(_) | Part::Lead(_) | Part::Separator(_) | Part::LineFeed(_) => {}
            }
        }
        None
    }
}

fn join<'a>(data: Option<Cow<'a, [u8]>>, line: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(data) = data else {
        return Cow::Borrowed(line);
    };
    let mut data = data.into_owned();
    data.push(b'\n');
    data.extend_from_slice(line);
    Cow::Owned(data)
}

#[cfg(test)]
mod tests {
    use super::{Event, events};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn data(body: &[u8]) -> Vec<String> {
        events(body)
            .map(|event| String::from_utf8(event.data.into_owned()).unwrap())
            .collect()
    }

    #[test]
    fn an_event_has_kind_id_and_data() {
        let body = b"event: message\nid: 7\nretry: 10\ndata: {}\n\n";
        let expected = Event {
            kind: Some(b"message"),
            id: Some(b"7"),
            data: b"{}".into(),
        };
        assert_eq!(events(body).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn lines_of_data_are_joined() {
        assert_eq!(data(b"data: a\ndata:b\ndata\ndata:  c\n\n"), ["a\nb\n\n c"]);
    }

    #[test]
    fn an_event_ends_with_an_empty_line_only() {
        assert_eq!(
            data(b"data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\n"),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn events_without_data_are_none() {
        assert_eq!(data(b": hello\n\nevent: x\n\nid: 1\ndata:\n\n"), [""]);
    }

    #[test]
    fn kinds_do_not_stay_for_the_next_event() {
        let kinds: Vec<_> = events(b"event: ping\n\ndata: a\n\nevent: ping\ndata: b\n\n")
            .map(|event| event.is_message())
            .collect();
        assert_eq!(kinds, [true, false]);
    }
}

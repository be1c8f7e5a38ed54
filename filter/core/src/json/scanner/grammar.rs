//! The grammar of JSON (RFC 8259), as a state machine that stops where the scanner wants to look.

use super::{
    InvalidJson, ValueKind, cursor::Cursor, levels::Levels, number::Number, string::StringBody,
};

/// Where the grammar stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The piece is used up.
    Starved,
    /// A key on the watched level has ended; it began at this byte of the document.
    Key(u64),
    /// The first byte of a value on the watched level was read.
    Begin(ValueKind),
    /// A value on the watched level has ended, or the object around that level.
    End(ValueKind),
}

#[derive(Debug)]
pub(super) struct Grammar {
    state: State,
    levels: Levels,
    /// How many levels are around the keys and values that are reported. Deeper ones are only checked.
    pub(super) watched: u32,
    string: StringBody,
    /// Where the key in progress began.
    key_start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value.
    Value,
    /// A value or `]`.
    FirstItem,
    /// A key or `}`.
    FirstKey,
    /// A key.
    Key,
    /// `:`
    Colon,
    /// `,` or the end of the container.
    Next,
    /// White space.
    Over,
    /// The rest of a key.
    InKey,
    /// The rest of a string that is a value.
    InString,
    InNumber(Number),
    /// These bytes, of a literal of this kind.
    InLiteral(&'static [u8], ValueKind),
}

impl Grammar {
    pub(super) fn new() -> Self {
        Self {
            state: State::Value,
            levels: Levels::default(),
            watched: 0,
            string: StringBody::default(),
            key_start: 0,
        }
    }

    pub(super) fn depth(&self) -> u32 {
        self.levels.depth()
    }

    /// Where a key on the watched level begins that has not ended.
    pub(super) fn watched_key(&self) -> Option<u64> {
        (self.state == State::InKey && self.depth() == self.watched).then_some(self.key_start)
    }

    /// Whether the document may end here; ends a number that is the whole of it.
    pub(super) fn finish(&mut self) -> bool {
        if let State::InNumber(number) = self.state
            && number.kind().is_some()
            && self.depth() == 0
        {
            self.state = State::Over;
        }
        self.state == State::Over
    }

    /// Whether only white space may still come.
    pub(super) fn over(&self) -> bool {
        self.state == State::Over
    }

    /// Reads on to the next event.
    pub(super) fn run(&mut self, cursor: &mut Cursor<'_>) -> Result<Event, InvalidJson> {
        loop {
            let event = match self.state {
                State::InKey => self.in_key(cursor)?,
                State::InString => self.in_string(cursor)?,
                State::InNumber(number) => self.in_number(number, cursor)?,
                State::InLiteral(rest, kind) => self.in_literal(rest, kind, cursor)?,
                state => self.structure(state, cursor)?,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn structure(
        &mut self,
        state: State,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Event>, InvalidJson> {
        let byte = loop {
            match cursor.bump() {
                None => return Ok(Some(Event::Starved)),
                Some(b' ' | b'\t' | b'\n' | b'\r') => {}
                Some(byte) => break byte,
            }
        };
        match (state, byte) {
            (State::FirstKey | State::Key, b'"') => {
                self.key_start = cursor.position() - 1;
                self.state = State::InKey;
                Ok(None)
            }
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(None)
            }
            (State::Next, b',') => {
                self.state = if self.levels.in_object() {
                    State::Key
                } else {
                    State::Value
                };
                Ok(None)
            }
            (State::Next, b'}') if self.levels.in_object() => Ok(self.close(ValueKind::Object)),
            (State::Next, b']') if !self.levels.in_object() => Ok(self.close(ValueKind::Array)),
            (State::FirstKey, b'}') => Ok(self.close(ValueKind::Object)),
            (State::FirstItem, b']') => Ok(self.close(ValueKind::Array)),
            (State::Value | State::FirstItem, _) => self.begin(byte, cursor),
            _ => Err(cursor.unexpected()),
        }
    }

    fn begin(&mut self, byte: u8, cursor: &Cursor<'_>) -> Result<Option<Event>, InvalidJson> {
        let depth = self.depth();
        let (state, kind) = match byte {
            b'"' => (State::InString, ValueKind::String),
            b'{' => (State::FirstKey, ValueKind::Object),
            b'[' => (State::FirstItem, ValueKind::Array),
            b't' => (
                State::InLiteral(b"rue", ValueKind::Boolean),
                ValueKind::Boolean,
            ),
            b'f' => (
                State::InLiteral(b"alse", ValueKind::Boolean),
                ValueKind::Boolean,
            ),
            b'n' => (State::InLiteral(b"ull", ValueKind::Null), ValueKind::Null),
            _ => match Number::begin(byte) {
                Some(number) => (State::InNumber(number), ValueKind::Integer),
                None => return Err(cursor.unexpected()),
            },
        };
        if matches!(kind, ValueKind::Object | ValueKind::Array)
            && !self.levels.push(kind == ValueKind::Object)
        {
            return Err(InvalidJson::TooDeep(cursor.position() - 1));
        }
        self.state = state;
        Ok((depth == self.watched).then_some(Event::Begin(kind)))
    }

    fn close(&mut self, kind: ValueKind) -> Option<Event> {
        self.levels.pop();
        self.end(kind)
    }

    fn end(&mut self, kind: ValueKind) -> Option<Event> {
        let depth = self.depth();
        self.state = if depth == 0 { State::Over } else { State::Next };
        (depth <= self.watched).then_some(Event::End(kind))
    }

    fn in_key(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Event>, InvalidJson> {
        if !self.string.run(cursor)? {
            return Ok(Some(Event::Starved));
        }
        self.state = State::Colon;
        Ok((self.depth() == self.watched).then_some(Event::Key(self.key_start)))
    }

    fn in_string(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Event>, InvalidJson> {
        if !self.string.run(cursor)? {
            return Ok(Some(Event::Starved));
        }
        Ok(self.end(ValueKind::String))
    }

    fn in_number(
        &mut self,
        mut number: Number,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Event>, InvalidJson> {
        let ended = number.run(cursor);
        self.state = State::InNumber(number);
        if ended.is_none() {
            return Ok(Some(Event::Starved));
        }
        match number.kind() {
            Some(kind) => Ok(self.end(kind)),
            None => Err(InvalidJson::Syntax(cursor.position())),
        }
    }

    fn in_literal(
        &mut self,
        rest: &'static [u8],
        kind: ValueKind,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Event>, InvalidJson> {
        let Some((&expected, rest)) = rest.split_first() else {
            return Ok(self.end(kind));
        };
        match cursor.bump() {
            None => Ok(Some(Event::Starved)),
            Some(byte) if byte == expected => {
                self.state = State::InLiteral(rest, kind);
                Ok(None)
            }
            Some(_) => Err(cursor.unexpected()),
        }
    }
}

//! The grammar of JSON (RFC 8259), as a state machine that stops where the scanner wants to look.

use super::{
    InvalidJson, ValueKind,
    cursor::Cursor,
    levels::Levels,
    number::{self, Number},
    string::{self, StringBody},
};

/// Where the grammar stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The piece is used up.
    Starved,
    /// A key on the watched level has ended.
    Key {
        /// Where it begins in the document.
        start: u64,
        /// Whether it is known to spell itself: no escapes.
        plain: bool,
    },
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
    number: Number,
    /// What is still to come of a literal.
    literal: &'static [u8],
    /// Where the key in progress began.
    key_start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The rest of a key. From here on: inside a token.
    InKey,
    /// The rest of a string that is a value.
    InString,
    InNumber,
    /// The rest of `null`.
    InNull,
    /// The rest of `true` or `false`.
    InBoolean,
}

/// What a byte leads to.
enum Step {
    /// Nothing that anybody wants to look at.
    Go(State),
    Stop(State, Event),
    Refuse(InvalidJson),
}

impl Grammar {
    pub(super) fn new() -> Self {
        Self {
            state: State::Value,
            levels: Levels::default(),
            watched: 0,
            string: StringBody::default(),
            number: Number::Zero,
            literal: b"",
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
        if self.state == State::InNumber && self.number.kind().is_some() && self.depth() == 0 {
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
        if self.depth() > self.watched {
            self.read::<false>(cursor)
        } else {
            self.read::<true>(cursor)
        }
    }

    /// `WATCHING`: on the watched level; else below it, up to where that is left.
    fn read<const WATCHING: bool>(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<Event, InvalidJson> {
        // Both live in registers.
        let mut here = *cursor;
        let mut state = self.state;
        let outcome = loop {
            match self.step::<WATCHING>(state, &mut here) {
                Step::Go(next) => state = next,
                Step::Stop(next, event) => {
                    state = next;
                    break Ok(event);
                }
                Step::Refuse(error) => break Err(error),
            }
        };
        self.state = state;
        *cursor = here;
        outcome
    }

    #[inline(always)]
    fn step<const WATCHING: bool>(&mut self, state: State, cursor: &mut Cursor<'_>) -> Step {
        let Some(byte) = cursor.peek() else {
            return Step::Stop(state, Event::Starved);
        };
        if state >= State::InKey {
            return self.resume::<WATCHING>(state, cursor);
        }
        cursor.at += 1;
        match (state, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => {
                cursor.skip_white_space();
                Step::Go(state)
            }
            (State::Next, b',') if self.levels.in_object() => Step::Go(State::Key),
            (State::Next, b',') => Step::Go(State::Value),
            (State::Next, b'}') if self.levels.in_object() => {
                self.close::<WATCHING>(ValueKind::Object)
            }
            (State::Next, b']') if !self.levels.in_object() => {
                self.close::<WATCHING>(ValueKind::Array)
            }
            (State::Colon, b':') => Step::Go(State::Value),
            (State::Key | State::FirstKey, b'"') => self.key::<WATCHING>(cursor),
            (State::FirstKey, b'}') => self.close::<WATCHING>(ValueKind::Object),
            (State::FirstItem, b']') => self.close::<WATCHING>(ValueKind::Array),
            (State::Value | State::FirstItem, _) => self.value::<WATCHING>(byte, cursor),
            _ => Step::Refuse(cursor.unexpected()),
        }
    }

    #[inline(always)]
    fn value<const WATCHING: bool>(&mut self, byte: u8, cursor: &mut Cursor<'_>) -> Step {
        match byte {
            b'"' if WATCHING => Step::Stop(State::InString, Event::Begin(ValueKind::String)),
            b'"' if string::skip(cursor) => Step::Go(State::Next),
            b'"' => Step::Go(State::InString),
            b'{' => self.open::<WATCHING>(ValueKind::Object, cursor),
            b'[' => self.open::<WATCHING>(ValueKind::Array, cursor),
            b't' => self.literal::<WATCHING>(b"rue", State::InBoolean, cursor),
            b'f' => self.literal::<WATCHING>(b"alse", State::InBoolean, cursor),
            b'n' => self.literal::<WATCHING>(b"ull", State::InNull, cursor),
            _ if !WATCHING && number::skip(byte, cursor) => Step::Go(State::Next),
            _ => match Number::begin(byte) {
                Some(number) => {
                    self.number = number;
                    begin::<WATCHING>(State::InNumber, ValueKind::Integer)
                }
                None => Step::Refuse(cursor.unexpected()),
            },
        }
    }

    #[inline(always)]
    fn key<const WATCHING: bool>(&mut self, cursor: &mut Cursor<'_>) -> Step {
        self.key_start = cursor.position() - 1;
        match string::skip(cursor) {
            false => Step::Go(State::InKey),
            true if WATCHING => Step::Stop(
                State::Colon,
                Event::Key {
                    start: self.key_start,
                    plain: true,
                },
            ),
            true => Step::Go(State::Colon),
        }
    }

    #[inline(always)]
    fn literal<const WATCHING: bool>(
        &mut self,
        rest: &'static [u8],
        state: State,
        cursor: &mut Cursor<'_>,
    ) -> Step {
        if !WATCHING && cursor.rest().starts_with(rest) {
            cursor.at += rest.len();
            return Step::Go(State::Next);
        }
        self.literal = rest;
        let kind = if state == State::InNull {
            ValueKind::Null
        } else {
            ValueKind::Boolean
        };
        begin::<WATCHING>(state, kind)
    }

    #[inline(always)]
    fn open<const WATCHING: bool>(&mut self, kind: ValueKind, cursor: &Cursor<'_>) -> Step {
        let object = kind == ValueKind::Object;
        if !self.levels.push(object) {
            return Step::Refuse(InvalidJson::TooDeep(cursor.position() - 1));
        }
        begin::<WATCHING>(
            if object {
                State::FirstKey
            } else {
                State::FirstItem
            },
            kind,
        )
    }

    #[inline(always)]
    fn close<const WATCHING: bool>(&mut self, kind: ValueKind) -> Step {
        self.levels.pop();
        if WATCHING || self.depth() == self.watched {
            self.end(kind)
        } else {
            Step::Go(State::Next)
        }
    }

    /// A value on the watched level has ended, or the object around it.
    fn end(&self, kind: ValueKind) -> Step {
        let state = if self.depth() == 0 {
            State::Over
        } else {
            State::Next
        };
        Step::Stop(state, Event::End(kind))
    }

    /// Reads on in a key, a string, a number or a literal that was not read at once.
    fn resume<const WATCHING: bool>(&mut self, state: State, cursor: &mut Cursor<'_>) -> Step {
        let kind = match self.rest_of(state, cursor) {
            Err(error) => return Step::Refuse(error),
            Ok(None) => return Step::Stop(state, Event::Starved),
            Ok(Some(kind)) => kind,
        };
        match (state, WATCHING) {
            (State::InKey, true) => Step::Stop(
                State::Colon,
                Event::Key {
                    start: self.key_start,
                    plain: false,
                },
            ),
            (State::InKey, false) => Step::Go(State::Colon),
            (_, true) => self.end(kind),
            (_, false) => Step::Go(State::Next),
        }
    }

    /// Reads to the end of a key or scalar in progress. `None`: the piece ends first.
    fn rest_of(
        &mut self,
        state: State,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<ValueKind>, InvalidJson> {
        let (ended, kind) = match state {
            State::InNumber => (self.number.run(cursor)?, self.number.kind()),
            State::InNull => (self.rest_of_literal(cursor)?, Some(ValueKind::Null)),
            State::InBoolean => (self.rest_of_literal(cursor)?, Some(ValueKind::Boolean)),
            _ => (self.string.run(cursor)?, Some(ValueKind::String)),
        };
        Ok(kind.filter(|_| ended))
    }

    fn rest_of_literal(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, InvalidJson> {
        while let Some((&expected, rest)) = self.literal.split_first() {
            match cursor.bump() {
                None => return Ok(false),
                Some(byte) if byte == expected => self.literal = rest,
                Some(_) => return Err(cursor.unexpected()),
            }
        }
        Ok(true)
    }
}

#[inline(always)]
fn begin<const WATCHING: bool>(state: State, kind: ValueKind) -> Step {
    if WATCHING {
        Step::Stop(state, Event::Begin(kind))
    } else {
        Step::Go(state)
    }
}

//! An incremental JSON scanner that finds the few values an MCP gateway looks at, in any chunking.
//!
//! It checks the whole document (RFC 8259 grammar, UTF-8, valid escapes, no lone surrogate in a captured string),
//! builds no tree, tolerates any depth with bounded memory (one bit a level, a million levels), and refuses a second
//! occurrence of any key that leads to a captured value: another parser could take the other one.
//!
//! Invariant: the verdict, its position and all captures depend on the bytes alone, never on how they were cut.

mod capture;
mod cursor;
mod field;
mod grammar;
mod levels;
mod number;
mod plain;
mod string;
mod value;

use std::borrow::Cow;

use self::{
    capture::Captures,
    cursor::Cursor,
    field::Key,
    grammar::{Event, Grammar},
};
use super::text;

pub use self::field::{Field, Plan};
pub use self::value::{Capture, InvalidJson, ValueKind};

/// See the module.
#[derive(Debug)]
pub struct Scanner {
    grammar: Grammar,
    captures: Captures,
    position: u64,
    root: Option<ValueKind>,
    /// The bytes so far of a compared key that a piece cut; at most one more than any spelling of one has.
    cut_key: Vec<u8>,
    failed: Option<InvalidJson>,
}

impl Scanner {
    /// Starts a document. Captured values longer than `keep` bytes, capabilities longer than 16 times
    /// that, are [`InvalidJson::TooLong`].
    pub fn new(plan: Plan, keep: usize) -> Self {
        Self {
            grammar: Grammar::new(),
            captures: Captures::new(plan, keep),
            position: 0,
            root: None,
            cut_key: Vec::new(),
            failed: None,
        }
    }

    /// Scans the next piece. After an error every further call returns the same error.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), InvalidJson> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.scan(piece)
            .inspect_err(|&error| self.failed = Some(error))
    }

    /// The document is over.
    pub fn finish(&mut self) -> Result<(), InvalidJson> {
        if self.failed.is_none() && !self.grammar.finish() {
            self.failed = Some(InvalidJson::Truncated);
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// The kind of the document itself, once its first byte was seen. A number is an
    /// [`Integer`](ValueKind::Integer) until another byte than its own was seen.
    pub fn root(&self) -> Option<ValueKind> {
        self.root
    }

    /// Bytes scanned so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where `field` stands, once it has begun (objects and arrays) or ended (all others).
    pub fn capture(&self, field: Field) -> Option<Capture> {
        self.captures.capture(field)
    }

    /// One past the key of `field`, once that was seen.
    pub fn key_end(&self, field: Field) -> Option<u64> {
        self.captures.key_end(field)
    }

    /// The field whose second key was [`InvalidJson::DuplicateKey`]. Its first value still is what
    /// [`Scanner::raw`] gives.
    pub fn repeated(&self) -> Option<Field> {
        self.captures.repeated()
    }

    /// Which field's value is being kept, has begun and not ended, and where it begins.
    pub fn unfinished(&self) -> Option<(Field, u64)> {
        let (field, length) = self.captures.unfinished()?;
        Some((field, self.position - length as u64))
    }

    /// The bytes of a captured value that has ended, as they were written. `None` for [`Field::Result`],
    /// [`Field::Error`], [`Field::Params`] and [`Field::Meta`], and for an object or array at any field but [`Field::Capabilities`].
    pub fn raw(&self, field: Field) -> Option<&[u8]> {
        self.captures.raw(field)
    }

    /// The decoded text of a captured string that has ended.
    pub fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        text::decode(self.raw(field)?)
    }

    /// Whether the object at [`Field::Params`], [`Field::Meta`], [`Field::Result`] or [`Field::Error`] has a member, as
    /// far as it has come.
    pub fn has_members(&self, field: Field) -> bool {
        self.captures.has_members(field)
    }

    /// Whether `params` has ended, or the document, so that no field in it can still come.
    pub fn params_ended(&self) -> bool {
        let ended = |params: Capture| params.end > params.start;
        self.grammar.over() || self.capture(Field::Params).is_some_and(ended)
    }

    fn scan(&mut self, piece: &[u8]) -> Result<(), InvalidJson> {
        let mut cursor = Cursor {
            piece,
            at: 0,
            base: self.position,
        };
        loop {
            cursor.piece = piece.get(..self.captures.limit()).unwrap_or(piece);
            match self.grammar.run(&mut cursor)? {
                Event::Key { start, plain: true } => {
                    let token = cursor.since(start.saturating_sub(cursor.base) as usize);
                    self.captures
                        .end_plain_key(token, start, cursor.position())?;
                }
                Event::Key {
                    start,
                    plain: false,
                } => self.end_key(start, &cursor)?,
                Event::Begin(kind) => {
                    self.root.get_or_insert(kind);
                    self.captures.begin_value(kind, &cursor);
                    self.grammar.watched = self.captures.depth();
                }
                Event::End(kind) => {
                    self.end_value(kind, &cursor)?;
                    self.grammar.watched = self.captures.depth();
                }
                Event::Starved => {
                    self.captures.keep_piece(&cursor)?;
                    if cursor.at == piece.len() {
                        break;
                    }
                }
            }
        }
        self.end_piece(&cursor);
        Ok(())
    }

    fn end_key(&mut self, start: u64, cursor: &Cursor<'_>) -> Result<(), InvalidJson> {
        let end = cursor.position();
        if let Some(start_here) = start.checked_sub(cursor.base) {
            return self
                .captures
                .end_key(cursor.since(start_here as usize), start, end);
        }
        self.cut_key(cursor, start);
        let token = std::mem::take(&mut self.cut_key);
        self.captures.end_key(&token, start, end)
    }

    fn end_value(&mut self, kind: ValueKind, cursor: &Cursor<'_>) -> Result<(), InvalidJson> {
        let depth = self.grammar.depth();
        if depth == 0 {
            self.root = Some(kind);
        }
        self.captures.end_value(kind, depth, cursor)
    }

    fn end_piece(&mut self, cursor: &Cursor<'_>) {
        self.position = cursor.position();
        self.captures.end_piece();
        if let Some(start) = self.grammar.watched_key() {
            self.cut_key(cursor, start);
        }
    }

    /// Keeps what the current piece has of a key that began at `start`.
    fn cut_key(&mut self, cursor: &Cursor<'_>, start: u64) {
        let here = cursor.since(start.saturating_sub(cursor.base) as usize);
        let room = Key::MAX_TOKEN + 1 - self.cut_key.len();
        self.cut_key
            .extend_from_slice(here.get(..room).unwrap_or(here));
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;

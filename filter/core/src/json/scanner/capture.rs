//! The captured values: where they stand, and their bytes.

use super::{
    Capture, Field, InvalidJson, Plan, ValueKind,
    cursor::Cursor,
    field::{Key, Watched},
};
use crate::json::text;

/// What the kept values of an ordinary message take, in bytes.
const USUALLY_KEPT: usize = 128;

#[derive(Debug)]
pub(super) struct Captures {
    plan: Plan,
    /// The most bytes of a value that are kept. See [`Field::most`].
    keep: usize,
    /// The object whose keys are compared now.
    watched: Watched,
    /// What the key before the value in progress leads to.
    key: Option<Key>,
    /// Where that value begins.
    start: u64,
    /// Bits of [`Key`] for the keys seen.
    seen: u64,
    /// Bits of [`Watched`] for the objects that have members.
    filled: u16,
    /// The key that was refused because it stands twice.
    repeated: Option<Key>,
    /// One past the key of each field; 0 before it was seen.
    key_ends: [u64; Field::COUNT],
    found: [Option<Capture>; Field::COUNT],
    /// The bytes of all kept values, one behind the other.
    kept: Vec<u8>,
    /// Where in `kept` each of them stands.
    ranges: [(usize, usize); Field::COUNT],
    /// The value that is being kept.
    keeping: Option<Keeping>,
}

#[derive(Clone, Copy, Debug)]
struct Keeping {
    field: Field,
    /// Where it begins in `Captures::kept`.
    start: usize,
    /// Where its next bytes are in the current piece.
    from: usize,
    /// The most bytes of it that are kept.
    most: usize,
}

impl Captures {
    pub(super) fn new(plan: Plan, keep: usize) -> Self {
        Self {
            plan,
            keep,
            watched: Watched::Nothing,
            key: None,
            start: 0,
            seen: 0,
            filled: 0,
            repeated: None,
            key_ends: [0; Field::COUNT],
            found: [None; Field::COUNT],
            kept: Vec::new(),
            ranges: [(0, 0); Field::COUNT],
            keeping: None,
        }
    }

    pub(super) fn capture(&self, field: Field) -> Option<Capture> {
        self.found.get(field as usize).copied().flatten()
    }

    pub(super) fn key_end(&self, field: Field) -> Option<u64> {
        self.key_ends
            .get(field as usize)
            .copied()
            .filter(|&end| end > 0)
    }

    pub(super) fn raw(&self, field: Field) -> Option<&[u8]> {
        let &(start, end) = self.ranges.get(field as usize)?;
        self.kept.get(start..end).filter(|bytes| !bytes.is_empty())
    }

    /// The kept value that has not ended, and how many bytes of it were kept.
    pub(super) fn unfinished(&self) -> Option<(Field, usize)> {
        self.keeping
            .map(|keeping| (keeping.field, self.kept.len() - keeping.start))
    }

    /// The field whose key was refused because it stands twice.
    pub(super) fn repeated(&self) -> Option<Field> {
        self.repeated.and_then(Key::field)
    }

    /// Whether the object at `field` has a member, as far as it has come.
    pub(super) fn has_members(&self, field: Field) -> bool {
        let object = Key::Field(field).object(self.plan);
        object.is_some_and(|object| self.filled & object.bit() != 0)
    }

    /// How many levels are around the keys that are compared.
    pub(super) fn depth(&self) -> u32 {
        self.watched.depth()
    }

    /// How far a piece may be read before [`Captures::keep_piece`] must see what was read.
    pub(super) fn limit(&self) -> usize {
        self.keeping.map_or(usize::MAX, |keeping| {
            let room = keeping.most.saturating_sub(self.kept.len() - keeping.start);
            keeping.from.saturating_add(room).saturating_add(1)
        })
    }

    /// A key of the watched object has ended, which stands at `start..end` and has no escapes.
    pub(super) fn end_plain_key(
        &mut self,
        token: &[u8],
        start: u64,
        end: u64,
    ) -> Result<(), InvalidJson> {
        match text::content(token) {
            Some(key) => self.enter_key(key, start, end),
            None => self.enter(None, 0, (start, end)),
        }
    }

    /// The same for any key. A token longer than any spelling of a compared key may be cut.
    pub(super) fn end_key(
        &mut self,
        token: &[u8],
        start: u64,
        end: u64,
    ) -> Result<(), InvalidJson> {
        match text::decode(token) {
            Some(key) => self.enter_key(key.as_bytes(), start, end),
            None => self.enter(None, 0, (start, end)),
        }
    }

    fn enter_key(&mut self, key: &[u8], start: u64, end: u64) -> Result<(), InvalidJson> {
        let exact = self.watched.key(self.plan, key);
        // Readers that fold case take the other spelling for the same key, and the last of two.
        let meant = exact.or_else(|| self.watched.key_in_other_case(self.plan, key));
        self.enter(exact, meant.map_or(0, Key::bit), (start, end))
    }

    fn enter(
        &mut self,
        key: Option<Key>,
        bit: u64,
        (start, end): (u64, u64),
    ) -> Result<(), InvalidJson> {
        self.key = key;
        self.filled |= self.watched.bit();
        if self.seen & bit != 0 {
            self.repeated = key;
            return Err(InvalidJson::DuplicateKey(start));
        }
        self.seen |= bit;
        let field = self.key.and_then(Key::field);
        if let Some(place) = field.and_then(|field| self.key_ends.get_mut(field as usize)) {
            *place = end;
        }
        Ok(())
    }

    /// A value of the watched object, or the document, begins at the byte before the cursor.
    pub(super) fn begin_value(&mut self, kind: ValueKind, cursor: &Cursor<'_>) {
        if self.watched == Watched::Nothing {
            if kind == ValueKind::Object {
                self.watched = Watched::Message;
            }
            return;
        }
        let Some(key) = self.key else { return };
        self.start = cursor.position() - 1;
        if let Some(field) = key.field() {
            if matches!(kind, ValueKind::Object | ValueKind::Array) {
                self.place(
                    field,
                    Capture {
                        kind,
                        start: self.start,
                        end: self.start,
                    },
                );
            }
            if field.keeps(kind) {
                self.keeping = Some(Keeping {
                    field,
                    start: self.kept.len(),
                    from: cursor.at - 1,
                    most: field.most(self.keep),
                });
            }
        }
        if kind == ValueKind::Object
            && let Some(object) = key.object(self.plan)
        {
            self.watched = object;
        }
    }

    /// A value of the watched object has ended before the cursor, or that object itself: then fewer levels than
    /// [`Captures::depth`] are open.
    pub(super) fn end_value(
        &mut self,
        kind: ValueKind,
        depth: u32,
        cursor: &Cursor<'_>,
    ) -> Result<(), InvalidJson> {
        let end = cursor.position();
        let key = self.key.take();
        if depth < self.depth() {
            let field = self.watched.field();
            self.watched = self.watched.parent();
            if let Some(object) =
                field.and_then(|field| self.found.get_mut(field as usize)?.as_mut())
            {
                object.end = end;
            }
        } else if let Some(field) = key.and_then(Key::field) {
            self.place(
                field,
                Capture {
                    kind,
                    start: self.start,
                    end,
                },
            );
            return self.end_kept(kind, cursor);
        }
        Ok(())
    }

    /// Keeps what the cursor has read of a value in progress.
    pub(super) fn keep_piece(&mut self, cursor: &Cursor<'_>) -> Result<(), InvalidJson> {
        if let Some(keeping) = &mut self.keeping {
            if self.kept.capacity() == 0 {
                self.kept.reserve(USUALLY_KEPT);
            }
            self.kept.extend_from_slice(cursor.since(keeping.from));
            keeping.from = cursor.at;
            if self.kept.len() - keeping.start > keeping.most {
                return Err(InvalidJson::TooLong(self.start));
            }
        }
        Ok(())
    }

    /// The current piece was scanned to its end.
    pub(super) fn end_piece(&mut self) {
        if let Some(keeping) = &mut self.keeping {
            keeping.from = 0;
        }
    }

    fn end_kept(&mut self, kind: ValueKind, cursor: &Cursor<'_>) -> Result<(), InvalidJson> {
        self.keep_piece(cursor)?;
        let Some(keeping) = self.keeping.take() else {
            return Ok(());
        };
        if let Some(range) = self.ranges.get_mut(keeping.field as usize) {
            *range = (keeping.start, self.kept.len());
        }
        let token = self.kept.get(keeping.start..).unwrap_or_default();
        if kind == ValueKind::String && token.contains(&b'\\') && text::decode(token).is_none() {
            return Err(InvalidJson::Syntax(self.start));
        }
        Ok(())
    }

    fn place(&mut self, field: Field, capture: Capture) {
        if let Some(place) = self.found.get_mut(field as usize) {
            *place = Some(capture);
        }
    }
}

//! Bytes on their way out, of which the last ones may still change.

use std::borrow::Cow;

/// Positions count the bytes that go out, from the start of the stream.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    /// What has not gone out.
    pending: Vec<u8>,
    /// Where `pending` begins.
    base: u64,
    /// Whether `pending` may differ from the piece that is being read.
    touched: bool,
}

impl Outlet {
    /// One past the last byte.
    pub(crate) fn position(&self) -> u64 {
        self.base + self.pending.len() as u64
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Some bytes of the piece do not go out.
    pub(crate) fn skip(&mut self) {
        self.touched = true;
    }

    /// Adds bytes that the piece does not have.
    pub(crate) fn insert(&mut self, bytes: &[u8]) {
        self.touched = true;
        self.push(bytes);
    }

    /// Takes back everything from `start` on that has not gone out.
    pub(crate) fn truncate(&mut self, start: u64) {
        self.touched = true;
        self.pending
            .truncate(start.saturating_sub(self.base) as usize);
    }

    /// Puts `with` in the place of `start..end`, which must not have gone out.
    pub(crate) fn replace(&mut self, start: u64, end: u64, with: &[u8]) {
        self.touched = true;
        let start = start.saturating_sub(self.base) as usize;
        let end = end.saturating_sub(self.base) as usize;
        if start <= end && end <= self.pending.len() {
            self.pending.splice(start..end, with.iter().copied());
        }
    }

    /// Lets everything before `held` go out, after `piece` was read; borrowed when nothing was changed or held.
    pub(crate) fn pass<'a>(&mut self, piece: &'a [u8], held: Option<u64>) -> Cow<'a, [u8]> {
        let length = held.map_or(self.pending.len(), |held| {
            held.saturating_sub(self.base) as usize
        });
        let length = length.min(self.pending.len());
        self.base += length as u64;
        let untouched = !self.touched && length == piece.len();
        let passed = if untouched {
            self.pending.clear();
            Cow::Borrowed(piece)
        } else {
            Cow::Owned(self.pending.drain(..length).collect())
        };
        self.touched = !self.pending.is_empty();
        passed
    }
}

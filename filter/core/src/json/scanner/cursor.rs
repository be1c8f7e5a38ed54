//! A place in the piece that is being scanned.

use super::InvalidJson;

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    /// The piece, or the part of it that may be read now.
    pub(super) piece: &'a [u8],
    /// `<= piece.len()`
    pub(super) at: usize,
    /// Where the piece begins in the document.
    pub(super) base: u64,
}

impl<'a> Cursor<'a> {
    /// Bytes of the document before the cursor.
    pub(super) fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.piece.get(self.at).copied()
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The bytes from `start` to the cursor.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.piece.get(start..self.at).unwrap_or_default()
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.piece.get(self.at..).unwrap_or_default()
    }

    /// The byte that was read last does not belong there.
    pub(super) fn unexpected(&self) -> InvalidJson {
        InvalidJson::Syntax(self.position().saturating_sub(1))
    }
}

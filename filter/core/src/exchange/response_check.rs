//! A JSON response that is held until it is known to be the answer.

use crate::json::{Field, Plan, Scanner, same_id};
use crate::table::Table;

use super::routed::Routed;

/// See the module.
#[derive(Debug)]
pub(crate) struct ResponseCheck {
    scanner: Scanner,
    /// Of the response.
    status: u16,
    /// Bytes that may still be held.
    room: usize,
    valid: bool,
}

/// What is known of a response by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Too little.
    Undecided,
    /// It is the answer, or too large to be held until that is known.
    Answer,
    /// It is none.
    NoAnswer,
}

impl ResponseCheck {
    /// Of a response with this status. Where that is no success, only an error may pass.
    pub(crate) fn new(table: &Table, status: u16) -> Self {
        Self {
            scanner: Scanner::new(Plan::FromServer, table.limits().id_bytes as usize),
            status,
            room: table.limits().checked_response_bytes as usize,
            valid: true,
        }
    }

    /// Of the response.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The next piece. `id` is the request's, where it is known by now. An answer too large to be held passes from
    /// there on, unless it is known to be none.
    pub(crate) fn feed(&mut self, piece: &[u8], end_of_stream: bool, id: Option<&[u8]>) -> Checked {
        self.valid &= self.scanner.feed(piece).is_ok();
        self.room = self.room.saturating_sub(piece.len());
        let is_full = self.room == 0;
        if !self.valid && (end_of_stream || is_full) {
            return Checked::NoAnswer;
        }
        if end_of_stream {
            return match self.scanner.finish().is_ok() && self.is_answer(id) {
                true => Checked::Answer,
                false => Checked::NoAnswer,
            };
        }
        match is_full {
            true if self.only_error() => Checked::NoAnswer,
            true => Checked::Answer,
            false => Checked::Undecided,
        }
    }

    /// Whether `body` as a whole is the answer to `routed`, of whatever size.
    pub(crate) fn accepts(mut self, body: &[u8], routed: &Routed) -> bool {
        self.scanner.feed(body).is_ok()
            && self.scanner.finish().is_ok()
            && self.is_answer(routed.id.as_deref())
    }

    fn only_error(&self) -> bool {
        !(200..=299).contains(&self.status)
    }

    fn is_answer(&self, id: Option<&[u8]>) -> bool {
        let has_error = self.scanner.capture(Field::Error).is_some();
        let has_result = self.scanner.capture(Field::Result).is_some();
        let fits = has_error || has_result && !self.only_error();
        fits && id.is_none_or(|id| {
            self.scanner
                .raw(Field::Id)
                .is_some_and(|own| same_id(own, id))
        })
    }
}

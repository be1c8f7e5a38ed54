//! A JSON response that is held until it is known to be the answer.

use super::response::refusal;
use super::routed::Routed;
use crate::Table;
use crate::json::{Field, Plan, Scanner, same_id};
use crate::step::BodyStep;

/// See the module.
#[derive(Debug)]
pub(crate) struct ResponseCheck {
    scanner: Scanner,
    /// The request's id, where it is known by now.
    id: Option<Vec<u8>>,
    /// Only an error may pass.
    only_error: bool,
    /// Bytes that may still be held.
    room: usize,
    valid: bool,
    /// What goes on where the body is no answer.
    instead: Vec<u8>,
}

impl ResponseCheck {
    /// Of a response with status 200.
    pub(crate) fn of_answer(table: &Table, routed: &Routed) -> Self {
        Self::new(table, routed, 200)
    }

    /// Of a response with another status.
    pub(crate) fn of_error(table: &Table, routed: &Routed, status: u16) -> Self {
        Self {
            only_error: true,
            ..Self::new(table, routed, status)
        }
    }

    fn new(table: &Table, routed: &Routed, status: u16) -> Self {
        Self {
            scanner: Scanner::new(Plan::FromServer, table.limits().id_bytes as usize),
            id: routed.id.clone(),
            only_error: false,
            room: table.limits().checked_response_bytes as usize,
            valid: true,
            instead: refusal(table, routed, status).body(routed.id.as_deref()),
        }
    }

    /// The next piece. An answer too large to be held passes from there on, unless it is known to be none.
    pub(crate) fn feed(&mut self, piece: &[u8], end_of_stream: bool) -> BodyStep {
        self.valid &= self.scanner.feed(piece).is_ok();
        self.room = self.room.saturating_sub(piece.len());
        if !self.valid && (end_of_stream || self.room == 0) {
            return BodyStep::Replace(std::mem::take(&mut self.instead));
        }
        if end_of_stream {
            return match self.scanner.finish().is_ok() && self.is_answer() {
                true => BodyStep::Forward,
                false => BodyStep::Replace(std::mem::take(&mut self.instead)),
            };
        }
        match self.room {
            0 if self.only_error => BodyStep::Replace(std::mem::take(&mut self.instead)),
            0 => BodyStep::Forward,
            _ => BodyStep::Hold,
        }
    }

    /// Whether `body` as a whole is the answer, of whatever size.
    pub(crate) fn accepts(mut self, body: &[u8]) -> bool {
        self.scanner.feed(body).is_ok() && self.scanner.finish().is_ok() && self.is_answer()
    }

    fn is_answer(&self) -> bool {
        let has_error = self.scanner.capture(Field::Error).is_some();
        let has_result = self.scanner.capture(Field::Result).is_some();
        let fits = if self.only_error {
            has_error
        } else {
            has_error || has_result
        };
        fits && self.id.as_deref().is_none_or(|id| {
            self.scanner
                .raw(Field::Id)
                .is_some_and(|own| same_id(own, id))
        })
    }
}

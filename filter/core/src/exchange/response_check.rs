//! A JSON response that is looked at on its way: held until it is known to be the answer or too large to be held.

use crate::json::{
    Field, Plan, ResultMembers, Scanner, is_response, may_be_response, same_id, tells_error,
};
use crate::table::Table;

use super::request_id::AnswerEditor;
use super::routed::Routed;
use super::told::Outcome;

/// How much is held at most of a response that is known to be large, in bytes: an id that comes first is within it.
/// Not more, for a host adds what comes to what is held, and breaks the response off where both outgrow its buffer.
const FIRST_LOOK_BYTES: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct ResponseCheck {
    reader: Reader,
    /// Of the response.
    status: u16,
    /// Bytes that may still be held.
    room: usize,
    /// It will outgrow `room`: there is no use in holding more than it takes to know the id.
    is_large: bool,
    /// Some of it has gone on.
    begun: bool,
    valid: bool,
    /// Whether the client could make nothing of a question.
    refuses_input: bool,
}

/// What reads a response.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the larger one is the usual one, and all of it is boxed"
)]
enum Reader {
    /// It goes on as it is.
    Plain(Scanner),
    /// Something on it changes.
    Editing(Box<AnswerEditor>),
}

impl Reader {
    /// The next piece. Tells whether it can be read.
    fn feed(&mut self, piece: &[u8], table: &Table) -> bool {
        match self {
            Self::Plain(scanner) => scanner.feed(piece).is_ok(),
            Self::Editing(editor) => editor.feed(piece, table),
        }
    }

    /// The response is over. Tells whether it could be read.
    fn finish(&mut self) -> bool {
        match self {
            Self::Plain(scanner) => scanner.finish().is_ok(),
            Self::Editing(editor) => editor.finish(),
        }
    }

    fn scanner(&self) -> &Scanner {
        match self {
            Self::Plain(scanner) => scanner,
            Self::Editing(editor) => editor.scanner(),
        }
    }
}

/// What is done with a response, by what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Too little is known.
    Undecided,
    /// It is the answer, or may be and is too large to be held: what has come goes on.
    Pass,
    /// It is no answer, and nothing of it has gone on.
    NoAnswer,
    /// It asks for input that the client cannot give, and nothing of it has gone on.
    AsksForInput,
    /// It is no answer, and a part of it has gone on.
    Broken,
}

impl ResponseCheck {
    /// Of a response to `routed` with this status and announced length. Where the status is no success, only an error
    /// may pass.
    pub(crate) fn new(
        table: &Table,
        routed: &Routed,
        (status, length): (u16, Option<u64>),
    ) -> Self {
        let limits = table.limits();
        let most = limits.checked_response_bytes;
        let is_large = length.is_some_and(|length| length > u64::from(most));
        let most = most as usize;
        let reader = match AnswerEditor::of(routed) {
            Some(editor) => Reader::Editing(Box::new(editor)),
            None => Reader::Plain(Scanner::new(Plan::FromServer, limits.id_bytes as usize)),
        };
        Self {
            reader,
            status,
            room: if is_large {
                most.min(FIRST_LOOK_BYTES)
            } else {
                most
            },
            is_large,
            begun: false,
            valid: true,
            refuses_input: routed.translation.refuses_input(),
        }
    }

    /// Of the response.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The next piece. `id` is the request's, as the server knows it, where it is known by now.
    pub(crate) fn feed(
        &mut self,
        table: &Table,
        piece: &[u8],
        end_of_stream: bool,
        id: Option<&[u8]>,
    ) -> Checked {
        self.valid &= self.reader.feed(piece, table);
        self.room = self.room.saturating_sub(piece.len());
        if end_of_stream {
            let is_answer = self.valid && self.reader.finish() && self.is_answer(id);
            return match self.decided(is_answer && !self.asks_for_input()) {
                Checked::NoAnswer if is_answer => Checked::AsksForInput,
                decided => decided,
            };
        }
        let is_full = self.room == 0;
        if self.begun || is_full || self.is_large && self.knows_both_ids(id) {
            return self.decided(self.valid && self.may_be_answer(id));
        }
        Checked::Undecided
    }

    /// Of an answer that has passed to its end.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::of_answer(tells_error(self.scanner()))
    }

    /// What goes on of all that came since it was asked last; `None` where that is what came.
    pub(crate) fn take_edited(&mut self) -> Option<Vec<u8>> {
        match &mut self.reader {
            Reader::Plain(_) => None,
            Reader::Editing(editor) => Some(editor.take()),
        }
    }

    fn decided(&mut self, passes: bool) -> Checked {
        match (passes, self.begun) {
            (true, _) => {
                self.begun = true;
                Checked::Pass
            }
            (false, false) => Checked::NoAnswer,
            (false, true) => Checked::Broken,
        }
    }

    fn asks_for_input(&self) -> bool {
        self.refuses_input && ResultMembers::of(self.scanner()).input_required
    }

    fn knows_both_ids(&self, id: Option<&[u8]>) -> bool {
        id.is_some() && self.scanner().capture(Field::Id).is_some()
    }

    /// Of a document that has ended.
    fn is_answer(&self, id: Option<&[u8]>) -> bool {
        let names_request = id.is_none_or(|id| self.names(id));
        let fits = self.scanner().capture(Field::Error).is_some() || !self.only_error();
        is_response(self.scanner()) && names_request && fits
    }

    /// Of one that goes on.
    fn may_be_answer(&self, id: Option<&[u8]>) -> bool {
        let names_other = |id| self.scanner().capture(Field::Id).is_some() && !self.names(id);
        may_be_response(self.scanner()) && !id.is_some_and(names_other) && !self.only_error()
    }

    fn scanner(&self) -> &Scanner {
        self.reader.scanner()
    }

    fn only_error(&self) -> bool {
        !(200..=299).contains(&self.status)
    }

    fn names(&self, id: &[u8]) -> bool {
        let own = self.scanner().raw(Field::Id);
        own.is_some_and(|own| same_id(own, id))
    }
}

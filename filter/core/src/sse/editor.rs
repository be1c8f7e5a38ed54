//! A stream of JSON-RPC messages that is edited while it passes.

use std::borrow::Cow;

use super::{
    events::is_message_kind,
    lines::{LineField, Lines, Part},
};
use crate::json::{InvalidMessage, MessageRules, Plan, message::PassingMessage, outlet::Outlet};

/// Passes an event stream of an upstream server on, piece by piece, edited as [`MessageRules`] say.
///
/// * Each event of kind `message` holds one JSON-RPC message. Its ids are replaced, or the whole event is left out,
///   and its end is told. Events of other kinds, and those without data, pass without a look into them. One whose
///   kind changes behind its data from the one sort to the other is [`InvalidMessage::LateKind`].
/// * All other bytes pass as they are: comments, field names, line ends, the cut into lines of data.
/// * A comment between events passes at once. An event is held from its first line until its message has told its
///   `method`, `result` or `error`, then streams. An event that has not told after `hold` bytes can no longer be left
///   out; an id that is still not understood `hold` bytes behind it is [`InvalidMessage::HeldTooLong`].
///   So at most `hold` bytes, and the piece just fed, are in memory, however large an event is.
/// * What goes on in the end, and whether, does not depend on how the stream was cut into pieces.
///
/// ```
/// use mcp_filter_core::json::{IdRewriter, MessageRules, Site};
/// use mcp_filter_core::sse::{EventStreamEditor, StreamEnd};
///
/// struct Restore;
/// impl MessageRules for Restore {
///     fn passes(&mut self, method: &str) -> bool {
///         method != "notifications/tools/list_changed"
///     }
///     fn rewrite(&mut self, site: Site, _raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
///         (site == Site::Id && method.is_none()).then(|| b"\"client-1\"".to_vec())
///     }
/// }
///
/// let mut editor = EventStreamEditor::new(IdRewriter::HOLD);
/// let out = editor.feed(b"data: {\"id\":17,\"result\":{}}\n\n", &mut Restore).unwrap();
/// assert_eq!(&*out, b"data: {\"id\":\"client-1\",\"result\":{}}\n\n");
/// assert_eq!(editor.finish(), StreamEnd::Complete);
/// ```
#[derive(Debug)]
pub struct EventStreamEditor {
    lines: Lines,
    outlet: Outlet,
    hold: usize,
    strips_ids: bool,
    plan: Plan,
    line: Line,
    event: Event,
    /// The line feed of a CRLF does not go on when the line that its CR has ended did not.
    drops_line_feed: bool,
    /// The last line that went on ends with a CR, behind which an LF would be no line end of its own.
    after_cr: bool,
    /// Something was left out.
    has_gap: bool,
}

/// A line that says nothing.
const COMMENT: &[u8] = b":\n";

/// The line in progress.
#[derive(Debug, Default)]
struct Line {
    /// Where it begins in the outlet, once its first byte was read.
    start: Option<u64>,
    field: Option<LineField>,
    dropped: bool,
}

/// The event in progress.
#[derive(Debug, Default)]
struct Event {
    /// It has a line that is no comment.
    begun: bool,
    /// Where it begins in the outlet, while no data has come and it still may be left out.
    droppable_from: Option<u64>,
    /// The first bytes of the value of its `event` field; one more than `message` has.
    kind: Vec<u8>,
    /// The message, from the first line of data on.
    message: Option<PassingMessage>,
    /// Its data is no message.
    foreign: bool,
}

/// How a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// Between two events.
    Complete,
    /// Inside an event, which no client takes into account. Bytes of it that were held do not go on.
    Cut,
}

impl EventStreamEditor {
    /// Holds at most `hold` bytes; ids and methods longer than that are refused as well.
    /// [`IdRewriter::HOLD`](crate::json::IdRewriter::HOLD) is the normal bound.
    pub fn new(hold: usize) -> Self {
        Self {
            lines: Lines::new(),
            outlet: Outlet::default(),
            hold,
            strips_ids: false,
            plan: Plan::FromServer,
            line: Line::default(),
            event: Event::default(),
            drops_line_feed: false,
            after_cr: false,
            has_gap: false,
        }
    }

    /// Leaves the lines with the field `id` out, so that no client tries to resume the stream.
    pub fn strip_ids(mut self) -> Self {
        self.strips_ids = true;
        self
    }

    /// Looks at the places, too, at which messages name tasks.
    pub fn with_tasks(mut self) -> Self {
        self.plan = Plan::FromServerWithTasks;
        self
    }

    /// Takes the next piece and gives what goes on now: borrowed when it is the piece unchanged.
    /// After an error nothing more may go on, and nothing does behind what the rules end the stream with.
    pub fn feed<'a>(
        &mut self,
        piece: &'a [u8],
        rules: &mut dyn MessageRules,
    ) -> Result<Cow<'a, [u8]>, InvalidMessage> {
        let mut rest = piece;
        while let Some(part) = self.lines.next(&mut rest) {
            self.part(part, rules)?;
            if rules.ends_stream() {
                self.outlet.skip();
                break;
            }
        }
        Ok(self.outlet.pass(piece, self.held_from()))
    }

    /// The stream is over.
    pub fn finish(&mut self) -> StreamEnd {
        let between = !self.event.begun && self.line.start.is_none();
        if between {
            StreamEnd::Complete
        } else {
            StreamEnd::Cut
        }
    }

    /// From where on the outlet may still change.
    fn held_from(&self) -> Option<u64> {
        let line = self.line.start.filter(|_| self.line.field.is_none());
        let message = self
            .event
            .message
            .as_ref()
            .and_then(PassingMessage::held_from);
        [line, self.event.droppable_from, message]
            .into_iter()
            .flatten()
            .min()
    }

    fn part(&mut self, part: Part<'_>, rules: &mut dyn MessageRules) -> Result<(), InvalidMessage> {
        match part {
            Part::Mark(bytes) => self.outlet.push(bytes),
            Part::Lead(bytes) => {
                self.line.start.get_or_insert(self.outlet.position());
                self.put(bytes);
            }
            Part::Field(field) => self.begin_field(field)?,
            Part::Separator(bytes) => self.put_and_check(bytes)?,
            Part::Value(bytes) => self.value(bytes, rules)?,
            Part::End(bytes) => {
                self.event.check_kind()?;
                self.put_and_check(bytes)?;
                self.drops_line_feed = self.silent();
                if !self.drops_line_feed {
                    self.after_cr = bytes == b"\r";
                }
                self.line = Line::default();
            }
            Part::Blank(bytes) => {
                self.drops_line_feed = self.silent();
                self.has_gap |= self.silent();
                if self.after_cr && bytes == b"\n" && !self.drops_line_feed {
                    self.outlet.insert(bytes);
                }
                self.put(bytes);
                self.after_cr = false;
                self.end_event(rules)?;
            }
            Part::LineFeed(_) if self.drops_line_feed => self.outlet.skip(),
            Part::LineFeed(bytes) => {
                self.after_cr = false;
                self.outlet.push(bytes);
            }
        }
        Ok(())
    }

    /// The field of the line is known.
    fn begin_field(&mut self, field: LineField) -> Result<(), InvalidMessage> {
        let mut start = *self.line.start.get_or_insert(self.outlet.position());
        self.line.field = Some(field);
        // A byte order mark in its name would be the stream's, and be taken away, if nothing stood before it.
        if field == LineField::Other && start == 0 && self.has_gap {
            self.outlet.replace(0, 0, COMMENT);
            start = COMMENT.len() as u64;
            self.line.start = Some(start);
        }
        if field == LineField::Comment {
            return Ok(());
        }
        if !self.event.begun {
            self.event.begun = true;
            self.event.droppable_from = Some(start);
        }
        match field {
            LineField::Data => self.event.begin_data(self.plan, self.hold)?,
            LineField::Event => self.event.kind.clear(),
            LineField::Id if self.strips_ids && !self.silent() => {
                self.line.dropped = true;
                self.has_gap = true;
                self.outlet.truncate(start);
            }
            _ => {}
        }
        Ok(())
    }

    fn value(&mut self, bytes: &[u8], rules: &mut dyn MessageRules) -> Result<(), InvalidMessage> {
        match (self.line.field, &mut self.event.message) {
            (Some(LineField::Data), Some(message)) => {
                return message.content(bytes, &mut self.outlet, rules);
            }
            (Some(LineField::Event), _) => self.event.extend_kind(bytes),
            _ => {}
        }
        self.put_and_check(bytes)
    }

    fn end_event(&mut self, rules: &mut dyn MessageRules) -> Result<(), InvalidMessage> {
        let event = std::mem::take(&mut self.event);
        let Some(mut message) = event.message else {
            return Ok(());
        };
        if let Some(message) = message.finish()? {
            rules.ended(message);
        }
        Ok(())
    }

    /// Whether the bytes that come do not go on.
    fn silent(&self) -> bool {
        self.line.dropped
            || self
                .event
                .message
                .as_ref()
                .is_some_and(PassingMessage::dropped)
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.silent() {
            self.outlet.skip();
        } else {
            self.outlet.push(bytes);
        }
    }

    fn put_and_check(&mut self, bytes: &[u8]) -> Result<(), InvalidMessage> {
        self.put(bytes);
        let held = |from: u64| self.outlet.position().saturating_sub(from);
        let hold = self.hold as u64;
        self.event.droppable_from = self.event.droppable_from.filter(|&from| held(from) <= hold);
        match &mut self.event.message {
            Some(message) => message.check_hold(&self.outlet),
            None => Ok(()),
        }
    }
}

impl Event {
    fn begin_data(&mut self, plan: Plan, hold: usize) -> Result<(), InvalidMessage> {
        let droppable_from = self.droppable_from.take();
        match &mut self.message {
            Some(message) => message.join_line(),
            None if !self.foreign && is_message_kind(&self.kind) => {
                let message = PassingMessage::new(plan, hold).droppable(droppable_from);
                self.message = Some(message);
                Ok(())
            }
            None => {
                self.foreign = true;
                Ok(())
            }
        }
    }

    /// The last `event` field counts, also one behind the data (WHATWG HTML, "Interpreting an event stream"): then
    /// a reader could see a message where none was edited.
    fn check_kind(&self) -> Result<(), InvalidMessage> {
        let late = if is_message_kind(&self.kind) {
            self.foreign
        } else {
            self.message.is_some()
        };
        if late {
            return Err(InvalidMessage::LateKind);
        }
        Ok(())
    }

    fn extend_kind(&mut self, bytes: &[u8]) {
        let room = ("message".len() + 1).saturating_sub(self.kind.len());
        self.kind
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;

//! One message on its way through an [`Outlet`].

use std::borrow::Cow;

use super::{
    InvalidMessage, Message, MessageKind, MessageRules, ResultMembers, Site, is_response,
    tells_error,
};
use crate::json::{Capture, Field, Plan, Scanner, ValueKind, outlet::Outlet};

#[derive(Debug)]
pub(crate) struct PassingMessage {
    scanner: Scanner,
    /// How many bytes may be held until the message has told what it is.
    hold: u64,
    places: [Place; Site::ALL.len()],
    /// From here on the outlet is held until it is known whether the message is dropped.
    droppable_from: Option<u64>,
    dropped: bool,
    /// Whether the rules let its method pass, and there is more to ask.
    is_method_let_pass: bool,
    /// Whether its result has ended.
    is_completed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    site: Site,
    state: PlaceState,
}

#[derive(Clone, Copy, Debug)]
enum PlaceState {
    /// It has not come.
    Awaited,
    /// It begins at `start` in the message and at `at` in the outlet, and may change.
    Held { start: u64, at: u64 },
    /// Nothing more happens to it.
    Done,
}

/// A change of the outlet.
#[derive(Debug)]
struct Edit {
    start: u64,
    end: u64,
    with: Vec<u8>,
}

impl PassingMessage {
    /// What `plan` looks at may change. Nothing of the message is held so far.
    pub(crate) fn new(plan: Plan, hold: usize) -> Self {
        Self {
            scanner: Scanner::new(plan, hold),
            hold: hold as u64,
            places: Site::ALL.map(|site| Place {
                site,
                state: PlaceState::Awaited,
            }),
            is_completed: false,
            droppable_from: None,
            dropped: false,
            is_method_let_pass: false,
        }
    }

    /// What is known of it by now.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// `from`: where in the outlet the event begins that is dropped if the rules say so.
    pub(crate) fn droppable(self, from: Option<u64>) -> Self {
        Self {
            droppable_from: from,
            ..self
        }
    }

    /// Whether nothing of it goes out.
    pub(crate) fn dropped(&self) -> bool {
        self.dropped
    }

    /// From where on the outlet may still change.
    pub(crate) fn held_from(&self) -> Option<u64> {
        self.droppable_from
            .or_else(|| self.places.iter().filter_map(Place::held_from).min())
    }

    /// The next bytes of the message, which go to the outlet.
    pub(crate) fn content(
        &mut self,
        bytes: &[u8],
        outlet: &mut Outlet,
        rules: &mut dyn MessageRules,
    ) -> Result<(), InvalidMessage> {
        let slice = Slice {
            scanned: self.scanner.position(),
            passed: outlet.position(),
        };
        self.scanner.feed(bytes)?;
        if self.dropped {
            outlet.skip();
            return Head::of(&self.scanner).map(drop);
        }
        outlet.push(bytes);
        for place in &mut self.places {
            place.find(&self.scanner, slice);
        }
        self.settle(slice, outlet, rules)?;
        self.check_hold(outlet)
    }

    /// Two lines of data are joined by a line feed that is no byte of the outlet
    /// (WHATWG HTML, Server-sent events, "Interpreting an event stream").
    pub(crate) fn join_line(&mut self) -> Result<(), InvalidMessage> {
        Ok(self.scanner.feed(b"\n")?)
    }

    /// The outlet has grown: not more of it may be held than is allowed.
    pub(crate) fn check_hold(&mut self, outlet: &Outlet) -> Result<(), InvalidMessage> {
        let hold = self.hold;
        let too_long = |from: &u64| outlet.position().saturating_sub(*from) > hold;
        self.droppable_from = self.droppable_from.filter(|from| !too_long(from));
        match self.held_from() {
            Some(from) if too_long(&from) => Err(InvalidMessage::HeldTooLong),
            _ => Ok(()),
        }
    }

    /// The message is over. `None`: there was none, only white space.
    pub(crate) fn finish(&mut self) -> Result<Option<Message>, InvalidMessage> {
        let Some(root) = self.scanner.root() else {
            return Ok(None);
        };
        self.scanner.finish()?;
        let head = Head::of(&self.scanner)?.filter(|_| root == ValueKind::Object);
        let Some(Head { method, .. }) = head else {
            return Err(InvalidMessage::NotAMessage);
        };
        let kind = match (&method, self.scanner.capture(Field::Id)) {
            (None, _) => MessageKind::Response,
            (Some(_), Some(_)) => MessageKind::Request,
            (Some(_), None) => MessageKind::Notification,
        };
        Ok(Some(Message {
            kind,
            method: method.map(Cow::into_owned),
            id: self.scanner.raw(Field::Id).map(<[u8]>::to_vec),
            dropped: self.dropped,
            is_sound_response: is_response(&self.scanner),
            tells_error: tells_error(&self.scanner),
        }))
    }

    /// Decides what can be decided now.
    fn settle(
        &mut self,
        slice: Slice,
        outlet: &mut Outlet,
        rules: &mut dyn MessageRules,
    ) -> Result<(), InvalidMessage> {
        let Some(head) = Head::of(&self.scanner)? else {
            return Ok(());
        };
        if let Some(from) = self.droppable_from.take() {
            let in_time = |known_at| slice.outlet(known_at).saturating_sub(from) <= self.hold;
            match self.fate(&head, in_time, rules) {
                Fate::Passes => {}
                Fate::Awaited => {
                    self.droppable_from = Some(from);
                    self.is_method_let_pass = head.method.is_some();
                }
                Fate::Dropped => {
                    outlet.truncate(from);
                    self.dropped = true;
                    self.places
                        .iter_mut()
                        .for_each(|place| place.state = PlaceState::Done);
                    return Ok(());
                }
            }
        }
        let mut edits = Vec::new();
        for place in &mut self.places {
            let Some(decided_at) = place.decided_at(&self.scanner, &head) else {
                continue;
            };
            if place
                .held_from()
                .is_some_and(|at| slice.outlet(decided_at).saturating_sub(at) > self.hold)
            {
                return Err(InvalidMessage::HeldTooLong);
            }
            edits.extend(place.edit(&self.scanner, &head, rules));
        }
        edits.extend(self.complete(slice, rules));
        // From the last to the first: an edit moves what stands behind it.
        edits.sort_unstable_by_key(|edit| std::cmp::Reverse(edit.start));
        for edit in &edits {
            outlet.replace(edit.start, edit.end, &edit.with);
            self.places.iter_mut().for_each(|place| place.shift(edit));
        }
        Ok(())
    }
}

impl PassingMessage {
    /// What is added to the result, once that has ended: with these bytes, since its end is not waited for.
    fn complete(&mut self, slice: Slice, rules: &mut dyn MessageRules) -> Option<Edit> {
        let result = self.scanner.capture(Field::Result)?;
        let has_ended = result.kind == ValueKind::Object && result.end > result.start;
        if !has_ended || std::mem::replace(&mut self.is_completed, true) {
            return None;
        }
        let mut with = rules.complete(ResultMembers::of(&self.scanner));
        if with.is_empty() {
            return None;
        }
        if self.scanner.has_members(Field::Result) {
            with.insert(0, b',');
        }
        let at = slice.outlet(result.end - 1);
        Some(Edit {
            start: at,
            end: at,
            with,
        })
    }
}

/// What becomes of a message that can be left out.
enum Fate {
    Passes,
    Dropped,
    /// What decides it may still come.
    Awaited,
}

/// What is known of a text that decides it.
enum Told<'a> {
    /// It may still come.
    Awaited,
    /// It is this, and has ended at this byte of the message.
    Known { text: Cow<'a, str>, at: u64 },
    /// There is none.
    Nothing,
}

impl PassingMessage {
    /// `in_time`: whether what is known at a byte of the message was known while all of it was held.
    fn fate(
        &self,
        head: &Head<'_>,
        in_time: impl Fn(u64) -> bool,
        rules: &mut dyn MessageRules,
    ) -> Fate {
        let (told, is_level) = match &head.method {
            Some(_) if !in_time(head.known_at) => return Fate::Passes,
            Some(method) if !self.is_method_let_pass && !rules.passes(method) => {
                return Fate::Dropped;
            }
            Some(method) if rules.awaits_level(method) => (self.level(), true),
            None if rules.awaits_result_type() => (self.result_type(), false),
            _ => return Fate::Passes,
        };
        let passes = match told {
            Told::Awaited => return Fate::Awaited,
            Told::Known { text, at } if in_time(at) && is_level => rules.passes_level(&text),
            Told::Known { text, at } if in_time(at) => rules.passes_result(&text),
            Told::Known { .. } | Told::Nothing => true,
        };
        if passes { Fate::Passes } else { Fate::Dropped }
    }

    /// `result.resultType`
    fn result_type(&self) -> Told<'_> {
        match self.scanner.capture(Field::Result) {
            _ if self.scanner.capture(Field::ResultType).is_some() => self.told(Field::ResultType),
            Some(result) if result.kind == ValueKind::Object && result.end == result.start => {
                Told::Awaited
            }
            None if self.scanner.key_end(Field::Result).is_some() => Told::Awaited,
            _ => Told::Nothing,
        }
    }

    /// `params.level`
    fn level(&self) -> Told<'_> {
        let has_come = self.scanner.capture(Field::Level).is_some();
        if has_come || self.scanner.params_ended() {
            self.told(Field::Level)
        } else {
            Told::Awaited
        }
    }

    fn told(&self, field: Field) -> Told<'_> {
        match (self.scanner.capture(field), self.scanner.text(field)) {
            (Some(Capture { end: at, .. }), Some(text)) => Told::Known { text, at },
            _ => Told::Nothing,
        }
    }
}

/// A stretch of the message that stands in the outlet without a gap.
#[derive(Clone, Copy, Debug)]
struct Slice {
    /// Where it begins in the message.
    scanned: u64,
    /// Where it begins in the outlet.
    passed: u64,
}

impl Slice {
    /// Where a byte of the message stands in the outlet.
    fn outlet(self, position: u64) -> u64 {
        self.passed + position.saturating_sub(self.scanned)
    }
}

/// What a message is, as far as that shows before its end.
#[derive(Debug)]
struct Head<'a> {
    /// `None`: a response.
    method: Option<Cow<'a, str>>,
    /// How many bytes of the message it took to know.
    known_at: u64,
}

impl<'a> Head<'a> {
    fn of(scanner: &'a Scanner) -> Result<Option<Self>, InvalidMessage> {
        let result = scanner.key_end(Field::Result);
        let error = scanner.key_end(Field::Error);
        let answered_at = match (result, error) {
            (Some(result), Some(error)) => Some(result.min(error)),
            (result, error) => result.or(error),
        };
        match (scanner.key_end(Field::Method), answered_at) {
            (Some(_), Some(_)) => Err(InvalidMessage::NotAMessage),
            (None, Some(known_at)) => Ok(Some(Self {
                method: None,
                known_at,
            })),
            (None, None) => Ok(None),
            (Some(_), None) => match scanner.capture(Field::Method) {
                None => Ok(None),
                Some(capture) => {
                    let method = scanner
                        .text(Field::Method)
                        .ok_or(InvalidMessage::NotAMessage)?;
                    Ok(Some(Self {
                        method: Some(method),
                        known_at: capture.end,
                    }))
                }
            },
        }
    }
}

impl Place {
    fn field(&self) -> Field {
        self.site.field()
    }

    fn held_from(&self) -> Option<u64> {
        match self.state {
            PlaceState::Held { at, .. } => Some(at),
            PlaceState::Awaited | PlaceState::Done => None,
        }
    }

    /// Looks whether it has come with this slice.
    fn find(&mut self, scanner: &Scanner, slice: Slice) {
        if !matches!(self.state, PlaceState::Awaited) {
            return;
        }
        let field = self.field();
        let unfinished = scanner
            .unfinished()
            .filter(|&(unfinished, _)| unfinished == field);
        let start = match (scanner.capture(field), unfinished) {
            (Some(capture), _) if matches!(capture.kind, ValueKind::Object | ValueKind::Array) => {
                self.state = PlaceState::Done;
                return;
            }
            (Some(capture), _) => capture.start,
            (None, Some((_, start))) => start,
            (None, None) => return,
        };
        self.state = PlaceState::Held {
            start,
            at: slice.outlet(start),
        };
    }

    /// How much of the message it took to know all that decides about it.
    fn decided_at(&self, scanner: &Scanner, head: &Head<'_>) -> Option<u64> {
        self.held_from()?;
        Some(scanner.capture(self.field())?.end.max(head.known_at))
    }

    /// Settles it, once it is decided.
    fn edit(
        &mut self,
        scanner: &Scanner,
        head: &Head<'_>,
        rules: &mut dyn MessageRules,
    ) -> Option<Edit> {
        let PlaceState::Held { start, at } = self.state else {
            return None;
        };
        self.state = PlaceState::Done;
        let capture = scanner.capture(self.field())?;
        let names_something = self.site.is_of(head.method.is_none());
        let kinds = [ValueKind::String, ValueKind::Integer, ValueKind::Number];
        if !names_something || !kinds.contains(&capture.kind) {
            return None;
        }
        let with = rules.rewrite(
            self.site,
            scanner.raw(self.field())?,
            head.method.as_deref(),
        )?;
        Some(Edit {
            start: at,
            end: at + (capture.end - start),
            with,
        })
    }

    /// Moves with what stands before it.
    fn shift(&mut self, edit: &Edit) {
        if let PlaceState::Held { at, .. } = &mut self.state
            && *at >= edit.end
        {
            *at = *at - (edit.end - edit.start) + edit.with.len() as u64;
        }
    }
}

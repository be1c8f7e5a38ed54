//! The request body while it is held: scanned as it comes, until it is known what it wants.

use std::rc::Rc;

use super::message::{Message, echoable_id, routable_early};
use super::request_facts::{RequestFacts, SessionClaim};
use super::request_id;
use super::route::Route;
use super::stateless;
use crate::era::Era;
use crate::json::{Field, InvalidJson, Plan, Scanner};
use crate::method::{Method, RoutedMethod};
use crate::rejection::{Caller, Rejection};
use crate::slots::Owner;
use crate::step::BodyEdit;
use crate::{Context, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What the headers said.
    pub(crate) facts: RequestFacts,
    /// How the client speaks, by what has come.
    pub(crate) era: Era,
    /// Every byte until the body is settled.
    pub(crate) held: Vec<u8>,
    /// Whether nothing that can still come changes `era`.
    is_era_settled: bool,
    /// Over `held`.
    pub(crate) scanner: Scanner,
    /// Whether the body has ended.
    pub(crate) ended: bool,
    /// Whether what has come is a whole document, and all that the headers announced. Over HTTP/1.1 that is known one
    /// piece before the end.
    pub(crate) whole: bool,
    /// When the gateway first turned to a server for it, in milliseconds.
    pub(crate) asked_ms: u64,
    /// The body as the server gets it, where it is known and small enough to be sent again.
    pub(crate) replay: Option<Rc<Vec<u8>>>,
    /// By whom a session at the server is found again; `None`: it lasts for this request.
    pub(crate) owner: Option<Owner>,
    /// The id that the server gets in the place of the client's.
    pub(crate) substitute: Option<Vec<u8>>,
    /// Whether the host was told what becomes of the body, before it was known what becomes of the request.
    pub(crate) edited: bool,
    /// Whether nothing is kept of the body any more.
    settled: bool,
    /// Whether it is one message of a batch: only a session revision has those.
    is_of_batch: bool,
    /// Bytes so far; more than `held` has once the scan has failed.
    length: u64,
    failure: Option<Rejection>,
}

/// What is known of the message by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Too little.
    Nothing,
    /// All of it.
    Message(Message),
    /// It goes on, but no byte that can still come changes where it goes.
    Early(RoutedMethod),
    /// It is refused.
    Refused(Rejection),
}

impl Known {
    /// A request is refused as one of a batch that is too much.
    pub(crate) fn refused(self) -> Self {
        match self {
            Self::Message(Message::Request(_)) => Self::Refused(Rejection::Batch),
            other => other,
        }
    }
}

impl Reading {
    /// A body that is about to come.
    pub(crate) fn new(facts: RequestFacts, table: &Table) -> Self {
        let keep = table.limits().id_bytes as usize;
        Self {
            facts,
            era: Era::Sessions,
            is_era_settled: false,
            held: Vec::new(),
            scanner: Scanner::new(Plan::FromClient, keep),
            ended: false,
            whole: false,
            asked_ms: 0,
            replay: None,
            owner: None,
            substitute: None,
            edited: false,
            settled: false,
            is_of_batch: false,
            length: 0,
            failure: None,
        }
    }

    /// Whether no piece has come.
    pub(crate) fn is_unread(&self) -> bool {
        self.length == 0
    }

    /// The next piece.
    pub(crate) fn feed(&mut self, piece: Vec<u8>, end_of_stream: bool, table: &Table) -> Known {
        self.length += piece.len() as u64;
        if self.failure.is_none() {
            let scanned = self.scanner.feed(&piece);
            let whole = end_of_stream || self.facts.content_length() == Some(self.length);
            let finished = if whole {
                scanned.and_then(|()| self.scanner.finish())
            } else {
                scanned
            };
            if !self.settled {
                self.hold(piece);
            }
            match finished {
                Ok(()) => {
                    self.whole = whole;
                    self.note_era();
                }
                Err(error) => self.failure = Some(rejection(error)),
            }
        }
        self.ended |= end_of_stream;
        self.known(table)
    }

    /// Once it is settled where the message goes, its era is, too: what shows later is refused.
    fn note_era(&mut self) {
        if self.settled || self.is_of_batch || self.is_era_settled {
            return;
        }
        self.era = stateless::era_of(&self.facts.headers, &self.scanner);
        if self.era == Era::Stateless {
            // MCP 2026-07-28, basic/transports/streamable-http, Earlier Revisions: a session id is ignored.
            self.facts.session = SessionClaim::Absent;
        }
        let is_known = self.era == Era::Stateless || self.scanner.params_ended();
        self.is_era_settled = is_known && self.scanner.capture(Field::Method).is_some();
    }

    /// Whether nothing of the message is still to come.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended || self.whole
    }

    /// Whom a refusal answers.
    pub(crate) fn caller(&self) -> Caller<'_> {
        let (id, era) = (self.id(), self.era);
        Caller { id, era }
    }

    /// The body goes on as `body` says: no more of it is kept than may be sent again.
    pub(crate) fn settle(&mut self, body: &BodyEdit, table: &Table) {
        let held = std::mem::take(&mut self.held);
        self.settled = true;
        if !self.whole {
            return;
        }
        let whole = match body {
            BodyEdit::Keep => Rc::new(held),
            BodyEdit::Replace(body) => Rc::clone(body),
        };
        let bound = table.limits().replay_bytes as usize;
        self.replay = (whole.len() <= bound).then_some(whole);
    }

    /// Turns to one message of a batch that has ended, in the place of the whole.
    pub(crate) fn turn_to(&mut self, message: &[u8], table: &Table) -> Known {
        let keep = table.limits().id_bytes as usize;
        self.scanner = Scanner::new(Plan::FromClient, keep);
        self.held = Vec::new();
        self.length = 0;
        self.failure = None;
        self.is_of_batch = true;
        self.feed(message.to_vec(), true, table)
    }

    /// By whom a session at the server of `route` is found again. Where that is by all of one identity, the request gets
    /// an id for the server.
    ///
    /// A request shares a session if it can be sent again in another one, and if it wants no word of its progress: the
    /// tokens of that are the clients' own (MCP 2025-11-25, basic/utilities/progress: unique across all of a sender's).
    pub(crate) fn find_owner(
        &mut self,
        route: &mut Route,
        table: &Table,
        context: &mut Context<'_>,
    ) {
        self.owner = match &self.facts.session {
            SessionClaim::Valid(session) => Some(Owner::of(session)),
            SessionClaim::Absent if self.may_share(table) => {
                let identity = self.facts.claims(table, context).identity();
                identity
                    .names_subject()
                    .then_some(Owner::Identity(identity))
            }
            _ => None,
        };
        if let Some(Owner::Identity(_)) = self.owner {
            let substitute = request_id::unique(context);
            route.replace(&self.scanner, Field::Id, substitute.clone());
            self.substitute = Some(substitute);
        }
    }

    fn may_share(&self, table: &Table) -> bool {
        self.whole
            && self.facts.content_length() == Some(self.length)
            && self.length + request_id::UNIQUE_LENGTH <= u64::from(table.limits().replay_bytes)
            && self.id().is_some()
            && self.scanner.capture(Field::ProgressToken).is_none()
    }

    /// The request's id as the client wrote it, where it can be echoed.
    pub(crate) fn id(&self) -> Option<&[u8]> {
        echoable_id(&self.scanner)
    }

    /// Whether the body is too large to be kept until its end.
    fn is_large(&self, table: &Table) -> bool {
        let replay = u64::from(table.limits().replay_bytes);
        self.length > replay
            || self
                .facts
                .content_length()
                .is_some_and(|length| length > replay)
    }

    /// An early local answer makes Envoy close an HTTP/1.1 connection, so a small body is read to its end first.
    fn known(&self, table: &Table) -> Known {
        match &self.failure {
            Some(rejection) if self.ended || self.is_large(table) => {
                Known::Refused(rejection.clone())
            }
            Some(_) => Known::Nothing,
            None if self.ended => {
                Message::of(&self.scanner).map_or_else(Known::Refused, Known::Message)
            }
            None if self.whole => self.known_whole(),
            None if self.is_large(table) => self.known_early(),
            None => Known::Nothing,
        }
    }

    /// What is to be routed need not wait for the word that nothing follows.
    fn known_whole(&self) -> Known {
        match Message::of(&self.scanner) {
            Ok(Message::Request(Method::Routed(method))) => Known::Early(method),
            _ => Known::Nothing,
        }
    }

    /// What a body without an announced length wants, as far as no byte that can still come changes that.
    pub(crate) fn routable_unannounced(&self) -> Option<RoutedMethod> {
        let unannounced = self.facts.content_length().is_none();
        let readable = unannounced && self.failure.is_none() && !self.ended;
        readable.then(|| routable_early(&self.scanner)).flatten()
    }

    fn known_early(&self) -> Known {
        routable_early(&self.scanner).map_or(Known::Nothing, Known::Early)
    }

    fn hold(&mut self, piece: Vec<u8>) {
        if self.held.is_empty() {
            self.held = piece;
        } else {
            self.held.extend_from_slice(&piece);
        }
    }
}

/// The refusal for a document that the scanner refuses.
pub(crate) fn rejection(error: InvalidJson) -> Rejection {
    match error {
        InvalidJson::DuplicateKey(_) => Rejection::DuplicateKey,
        InvalidJson::TooLong(_) => Rejection::TooLong,
        _ => Rejection::InvalidJson,
    }
}

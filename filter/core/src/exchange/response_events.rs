//! An event stream of a server, on its way to the client.

use std::borrow::Cow;

use super::input_required;
use super::request_id::{AnswerRules, RequestId};
use super::routed::Routed;
use super::streaming::GET;
use super::tasks::Tasks;
use super::told::Outcome;
use super::translation::Translation;
use crate::era::Era;
use crate::json::{IdRewriter, Message, MessageKind, MessageRules, ResultMembers, Site};
use crate::rejection::{Caller, Rejection};
use crate::sealed_id::{SealedId, ServerDigest};
use crate::session_id::Session;
use crate::sse::{EventStreamEditor, StreamEnd};
use crate::step::BodyStep;
use crate::{Table, streams};

/// See the module.
#[derive(Debug)]
pub(crate) struct ResponseEvents {
    editor: EventStreamEditor,
    /// The client's session; without one nobody could answer a server's request.
    session: Option<Session>,
    /// What a server's request is sealed with, its own id apart.
    asked_by: SealedId,
    /// The request's id, where it is known by now.
    id: RequestId,
    /// How the client speaks.
    era: Era,
    translation: Translation,
    /// How the server's tasks are named to the client.
    tasks: Option<Tasks>,
    /// `namespace/name` of the server's registration.
    server: String,
    method: &'static str,
    /// How the request has ended, once it has.
    outcome: Option<Outcome>,
    /// Whether its end without an answer is one, too.
    listens: bool,
    /// Whether it is the stream of a request, which ends with an answer.
    is_asked: bool,
    /// Whether any byte has gone on.
    begun: bool,
    /// An error has gone on in the place of all that still comes.
    replaced: bool,
}

/// The rules of one piece: what the stream knows, and what is lent to this callback.
struct Rules<'a> {
    session: Option<&'a Session>,
    asked_by: &'a SealedId,
    answer: AnswerRules<'a>,
    table: &'a Table,
    outcome: Option<Outcome>,
    /// Whether an answer may come.
    is_asked: bool,
    /// A response to a request that is not this one, or one to this one that is not JSON-RPC.
    strange: bool,
    /// A question in the place of the answer was left out.
    asks_for_input: bool,
}

impl ResponseEvents {
    /// Of the response to `routed`.
    pub(crate) fn new(table: &Table, routed: &Routed) -> Self {
        let server = table.server(routed.route.server).name.clone();
        let upstream = routed.route.upstream_session.as_ref();
        let asked_by = SealedId {
            server: ServerDigest::of(if routed.route.is_bridged {
                streams::NAME
            } else {
                &server
            }),
            original: Vec::new(),
            upstream_session: upstream
                .map(|of_route| of_route.session.id.clone())
                .unwrap_or_default(),
        };
        let tasks = routed.route.tasks.as_ref();
        let tasks = tasks.map(|tasks| tasks.in_session_of(&routed.route));
        // Without ids no client tries to resume a stream: GET is not served.
        let editor = EventStreamEditor::new(IdRewriter::HOLD).strip_ids();
        Self {
            editor: match tasks {
                Some(_) => editor.with_tasks(),
                None => editor,
            },
            tasks,
            session: routed.session.clone(),
            asked_by,
            id: routed.id.clone(),
            era: routed.era,
            translation: routed.translation,
            server,
            method: routed.route.method,
            outcome: None,
            listens: routed.route.listens(),
            is_asked: routed.route.method != GET,
            begun: false,
            replaced: false,
        }
    }

    /// How the request has ended, once it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The next piece.
    pub(crate) fn feed(&mut self, table: &Table, piece: &[u8], end_of_stream: bool) -> BodyStep {
        if self.replaced {
            return BodyStep::Replace(Vec::new());
        }
        let mut rules = Rules {
            session: self.session.as_ref(),
            asked_by: &self.asked_by,
            answer: AnswerRules {
                id: &self.id,
                translation: self.translation,
                tasks: self.tasks.as_ref(),
                table,
            },
            table,
            outcome: self.outcome,
            is_asked: self.is_asked,
            strange: false,
            asks_for_input: false,
        };
        let Ok(out) = self.editor.feed(piece, &mut rules) else {
            return self.break_off();
        };
        if rules.strange {
            return self.break_off();
        }
        if rules.asks_for_input {
            return self.tell_question(out.into_owned());
        }
        self.outcome = rules.outcome;
        self.begun |= !out.is_empty();
        if end_of_stream && self.outcome.is_none() && !self.listens {
            return self.end_unanswered(out.into_owned());
        }
        match out {
            Cow::Borrowed(_) => BodyStep::Forward,
            Cow::Owned(bytes) => BodyStep::Replace(bytes),
        }
    }

    /// MCP 2025-11-25, basic/transports, Sending Messages: the stream should hold the response. A client that cannot
    /// resume the stream would wait for it for ever.
    fn end_unanswered(&mut self, mut out: Vec<u8>) -> BodyStep {
        self.outcome = Some(Outcome::Failed);
        if self.editor.finish() == StreamEnd::Cut && self.begun {
            return BodyStep::Reset;
        }
        let server = self.server.clone();
        out.extend(self.error_event(&Rejection::NoAnswer { server }));
        BodyStep::Replace(out)
    }

    /// What has gone on cannot be taken back, and what would follow it cannot be trusted.
    fn break_off(&mut self) -> BodyStep {
        self.outcome.get_or_insert(Outcome::Failed);
        if self.begun {
            return BodyStep::Reset;
        }
        self.replaced = true;
        let server = self.server.clone();
        BodyStep::Replace(self.error_event(&Rejection::StrangeEvent { server }))
    }

    fn tell_question(&mut self, mut out: Vec<u8>) -> BodyStep {
        self.outcome = Some(Outcome::Failed);
        self.replaced = true;
        let answer = input_required::told(&self.server, self.method, self.caller());
        out.extend(event(&answer));
        BodyStep::Replace(out)
    }

    fn error_event(&self, rejection: &Rejection) -> Vec<u8> {
        event(&rejection.body(self.caller()))
    }

    fn caller(&self) -> Caller<'_> {
        let (id, era) = (self.id.client(), self.era);
        Caller { id, era }
    }
}

fn event(message: &[u8]) -> Vec<u8> {
    [b"event: message\ndata: ", message, b"\n\n"].concat()
}

impl MessageRules for Rules<'_> {
    fn passes(&mut self, method: &str) -> bool {
        match method.strip_prefix("notifications/") {
            // Lists are those of the catalog: a server's change shows when discovery has seen it.
            Some(notification) => {
                !notification.ends_with("list_changed") && self.answer.translation.passes(method)
            }
            None => self.session.is_some(),
        }
    }

    fn awaits_level(&self, method: &str) -> bool {
        self.answer.translation.awaits_level(method)
    }

    fn passes_level(&mut self, level: &str) -> bool {
        self.answer.translation.passes_level(level)
    }

    fn awaits_result_type(&self) -> bool {
        self.answer.translation.refuses_input()
    }

    fn passes_result(&mut self, result_type: &str) -> bool {
        self.asks_for_input = result_type == "input_required";
        !self.asks_for_input
    }

    fn ends_stream(&self) -> bool {
        self.asks_for_input
    }

    fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
        let Some(method) = method else {
            return self.answer.rewrite(site, raw, method);
        };
        if matches!(site, Site::TaskId | Site::RelatedTask) {
            return self.answer.rewrite(site, raw, Some(method));
        }
        if site != Site::Id && site != Site::RequestId
            || (site == Site::RequestId && method != "notifications/cancelled")
        {
            return None;
        }
        let sealed = SealedId {
            original: raw.to_vec(),
            ..self.asked_by.clone()
        };
        // An id that can't be sealed is one that no answer can name.
        let text = self
            .session
            .and_then(|session| sealed.seal(self.table.sessions(), session))
            .unwrap_or_default();
        Some(format!("\"{text}\"").into_bytes())
    }

    fn complete(&mut self, members: ResultMembers) -> Vec<u8> {
        self.answer.complete(members)
    }

    fn ended(&mut self, message: Message) {
        if message.kind != MessageKind::Response {
            return;
        }
        let id = self.answer.id.server();
        let answers = self.is_asked && id.is_none_or(|id| message.answers(id));
        if answers {
            let outcome = Outcome::of_answer(message.tells_error);
            self.outcome.get_or_insert(outcome);
        }
        self.strange |= answers && !message.is_sound_response;
        // Clients match answers by id alone, whatever stream they come on: a server must not answer for another one.
        // A null id names no request (JSON-RPC 2.0, section 5).
        self.strange |= !answers && message.id.is_some_and(|id| id != b"null");
    }
}

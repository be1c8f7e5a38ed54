//! A call of a stateless client in a session of the server, whose requests become results that ask for input.
//!
//! No request of the server goes to such a client: the call is answered with what the server asks, the server's stream
//! is kept, and when the client calls again with its answers, those go to the server and its stream goes on as the
//! answer to that call (MCP 2026-07-28, basic/patterns/mrtr; MCP 2025-11-25, basic/transports).

use std::borrow::Cow;
use std::collections::VecDeque;

use mcp_filter_core::json::same_id;
use serde_json::value::RawValue;

use super::body::Call;
use super::declared::Declared;
use super::failure::{self, INTERNAL_ERROR, METHOD_NOT_FOUND};
use super::input_required::{self, LINKS_FIRST, Question, is_askable};
use super::members::{Members, ObjectWriter};
use super::message::{self, Answer, Message};

/// What one call may ask of its client at once. A server that asks more is refused.
const QUESTIONS: usize = 32;
/// What a message or a question takes beside its text, in bytes.
const OVERHEAD: usize = 256;

/// See the module.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The call that the server knows.
    first: Turn,
    /// The client's request that waits, or that waited last.
    now: Turn,
    /// Whether the client waits.
    attached: bool,
    open: Vec<Open>,
    /// How many were asked.
    asked: u64,
    /// Whether the server has answered the call that it knows.
    answered: bool,
    /// What came for the client while it did not wait.
    kept: VecDeque<Vec<u8>>,
    kept_bytes: usize,
}

/// One request of the client.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    id: String,
    method: String,
    progress_token: Option<String>,
    declared: Declared,
}

impl Turn {
    /// Of this request.
    pub(crate) fn of(call: &Call<'_>) -> Self {
        Self {
            id: call.id.get().to_owned(),
            method: call.method.clone(),
            progress_token: call.progress_token().map(str::to_owned),
            declared: Declared::of(call.client_capabilities()),
        }
    }
}

/// A question without an answer.
#[derive(Debug)]
struct Open {
    question: Question,
    asked_by: AskedBy,
}

impl Open {
    fn bytes(&self) -> usize {
        let Question { method, params, .. } = &self.question;
        let id = match &self.asked_by {
            AskedBy::Request(id) => id.len(),
            AskedBy::Error => 0,
        };
        OVERHEAD + id + method.len() + params.as_ref().map_or(0, String::len)
    }
}

/// What the answer leads to.
#[derive(Debug)]
enum AskedBy {
    /// It goes to the server as the response to its request with this id.
    Request(String),
    /// The call is made again.
    Error,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the client; more follows.
    Relay(String),
    /// To the server, in its session.
    Answer(String),
    /// The call is made once more in the same session, as the client's request of now; nothing more comes of the one
    /// before.
    CallAgain,
    /// To the client. Nothing follows.
    End(String),
}

impl Asked {
    /// The call has gone to the server as `turn`.
    pub(crate) fn new(turn: Turn) -> Self {
        Self {
            first: turn.clone(),
            now: turn,
            attached: true,
            open: Vec::new(),
            asked: 0,
            answered: false,
            kept: VecDeque::new(),
            kept_bytes: 0,
        }
    }

    /// Bytes that are kept for the client.
    pub(crate) fn kept_bytes(&self) -> usize {
        // Of a few: see QUESTIONS.
        self.kept_bytes + self.open.iter().map(Open::bytes).sum::<usize>()
    }

    /// The id of the call as the server knows it.
    pub(crate) fn call_id(&self) -> &str {
        &self.first.id
    }

    /// The id of the client's request that waits, or that waited last.
    pub(crate) fn client_id(&self) -> &str {
        &self.now.id
    }

    /// A message of the server.
    pub(crate) fn on_message(&mut self, data: Vec<u8>) -> Option<Step> {
        let message = Message::parse(&data)?;
        self.answered |= self.is_answer(&message);
        match message {
            Message::Request { id, method, params } => self.on_request(id, &method, params),
            Message::Notification { method, params } if method == "notifications/cancelled" => {
                self.on_cancelled(params);
                None
            }
            _ if !self.attached => {
                self.kept_bytes += OVERHEAD + data.len();
                self.kept.push_back(data);
                None
            }
            message => self.tell(&data, message),
        }
    }

    /// Whether the server has answered the call that it knows, be it that nobody was told yet.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered
    }

    /// What the client is asked now, with `state` to come back with. It waits no more then.
    pub(crate) fn question(&mut self, state: &str) -> Option<String> {
        if !self.is_asking() {
            return None;
        }
        self.attached = false;
        let questions = self.open.iter().map(|open| &open.question);
        Some(input_required::ask(&self.now.id, questions, state))
    }

    /// Whether the client waits and is to be asked.
    pub(crate) fn is_asking(&self) -> bool {
        self.attached && !self.open.is_empty()
    }

    /// The client has come back as `turn` with these answers.
    ///
    /// MCP 2026-07-28, basic/patterns/mrtr: what is missing or no answer is asked again, what is too much is ignored.
    pub(crate) fn on_retry(&mut self, turn: Turn, responses: &Members<'_>) -> Vec<Step> {
        self.now = turn;
        self.attached = true;
        let mut steps = Vec::new();
        let had_links = self.has_links();
        let mut refused = false;
        self.open.retain(|open| {
            let given = responses.get(&open.question.key);
            let Some(given) = given.filter(|given| given.get().starts_with('{')) else {
                return true;
            };
            match &open.asked_by {
                AskedBy::Request(id) => steps.push(Step::Answer(message::result(id, given.get()))),
                AskedBy::Error => refused |= !is_accepted(given),
            }
            false
        });
        if refused {
            let text = "The user did not agree to open a link that the server asked for";
            steps.push(Step::End(failure::without_input(
                &self.now.id,
                &self.now.method,
                text,
            )));
            return steps;
        }
        if had_links && !self.has_links() {
            self.first = self.now.clone();
            self.answered = false;
            return vec![Step::CallAgain];
        }
        self.tell_kept(&mut steps);
        steps
    }

    fn tell_kept(&mut self, steps: &mut Vec<Step>) {
        self.kept_bytes = 0;
        for data in std::mem::take(&mut self.kept) {
            if let Some(message) = Message::parse(&data) {
                steps.extend(self.tell(&data, message));
            }
        }
    }

    fn on_request(
        &mut self,
        id: &RawValue,
        method: &str,
        params: Option<&RawValue>,
    ) -> Option<Step> {
        let id = id.get();
        if method == "ping" {
            return Some(Step::Answer(message::result(id, "{}")));
        }
        if !is_askable(method) || !self.now.declared.allows(method, params) {
            let text = "The client has not declared that it can do this";
            let refusal = message::error(id, METHOD_NOT_FOUND, text);
            return Some(Step::Answer(refusal));
        }
        if self.open.len() >= QUESTIONS {
            let text = "The client is asked too much at once";
            return Some(Step::Answer(message::error(id, INTERNAL_ERROR, text)));
        }
        let params = params.map(|params| params.get().to_owned());
        self.ask(method, params, AskedBy::Request(id.to_owned()));
        None
    }

    fn ask(&mut self, method: &str, params: Option<String>, asked_by: AskedBy) {
        self.asked += 1;
        self.open.push(Open {
            question: Question {
                key: self.asked.to_string(),
                method: method.to_owned(),
                params,
            },
            asked_by,
        });
    }

    /// The server does not want to know any more.
    fn on_cancelled(&mut self, params: Option<&RawValue>) {
        let params = params.and_then(Members::of).unwrap_or_default();
        let Some(cancelled) = params.get("requestId") else {
            return;
        };
        self.open.retain(|open| match &open.asked_by {
            AskedBy::Request(id) => !same_id(id.as_bytes(), cancelled.get().as_bytes()),
            AskedBy::Error => true,
        });
    }

    /// A message of the server for a client that waits.
    fn tell(&mut self, data: &[u8], message: Message<'_>) -> Option<Step> {
        match &message {
            Message::Notification { method, params } => {
                let as_it_came = || Cow::from(String::from_utf8_lossy(data).into_owned());
                let told = match &**method {
                    "notifications/progress" => self.progress((*params)?, as_it_came)?,
                    _ => as_it_came(),
                };
                Some(Step::Relay(told.into_owned()))
            }
            Message::Response { answer, .. } if self.is_answer(&message) => self.on_answer(*answer),
            Message::Response { .. } | Message::Request { .. } => None,
        }
    }

    /// The server knows the token of the first call alone.
    ///
    /// MCP 2026-07-28, basic/patterns/progress: only for a request that has given a token, and with that one.
    fn progress<'a>(
        &self,
        params: &RawValue,
        as_it_came: impl FnOnce() -> Cow<'a, str>,
    ) -> Option<Cow<'a, str>> {
        let token = self.now.progress_token.as_ref()?;
        if self.first.progress_token.as_ref() == Some(token) {
            return Some(as_it_came());
        }
        let mut written = ObjectWriter::default();
        for (name, value) in Members::of(params)?.iter() {
            let is_token = name == "progressToken";
            written = written.member(name, if is_token { token } else { value.get() });
        }
        let params = written.end();
        let progress = message::notification("notifications/progress", Some(&params));
        Some(Cow::Owned(progress))
    }

    fn on_answer(&mut self, answer: Answer<'_>) -> Option<Step> {
        let links = match answer.error() {
            Some((LINKS_FIRST, _, data)) if self.now.declared.url => input_required::links(data),
            _ => Vec::new(),
        };
        if links.is_empty() || links.len() > QUESTIONS {
            return Some(Step::End(answer.response(&self.now.id)));
        }
        // Whatever the server still wanted, its call is over.
        self.open.clear();
        for link in links {
            self.ask("elicitation/create", Some(link), AskedBy::Error);
        }
        None
    }

    fn is_answer(&self, message: &Message<'_>) -> bool {
        match message {
            Message::Response { id, .. } => same_id(id.get().as_bytes(), self.first.id.as_bytes()),
            Message::Request { .. } | Message::Notification { .. } => false,
        }
    }

    fn has_links(&self) -> bool {
        let mut open = self.open.iter();
        open.any(|open| matches!(open.asked_by, AskedBy::Error))
    }
}

/// MCP 2025-11-25, client/elicitation, Response Actions.
fn is_accepted(response: &RawValue) -> bool {
    let response = Members::of(response).unwrap_or_default();
    response.text("action").as_deref() == Some("accept")
}

#[cfg(test)]
mod tests;

//! A call of a client of sessions at a stateless server, whose results that ask for input become requests on the
//! client's stream.
//!
//! Once the client has answered all of a result's questions, the call is made again with the answers
//! (MCP 2026-07-28, basic/patterns/mrtr; MCP 2025-11-25, basic/transports).

use mcp_filter_core::json::same_id;
use serde_json::value::RawValue;

use super::failure;
use super::input_required::{self, InputRequired, Question};
use super::members::{Members, ObjectWriter, string};
use super::message::{self, Answer, Message};

/// How often one call may ask.
pub(crate) const MOST_ROUNDS: u32 = 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Its name, from which the ids of its requests are made.
    conversation: String,
    /// As the client wrote it.
    client_id: String,
    method: String,
    /// As the server knows the call of now.
    call_id: String,
    round: u32,
    /// How many questions were put.
    asked: u64,
    open: Vec<Open>,
    state: Option<String>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    key: String,
    method: String,
    answer: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the client; more follows.
    Relay(String),
    /// To the server: the call once more. Nothing more comes of the one before.
    Call {
        /// Under this id.
        id: String,
        /// With these answers, an object.
        responses: String,
        /// And what the server wants back.
        state: Option<String>,
    },
    /// To the client. Nothing follows.
    End(String),
}

impl Rounds {
    /// The call of `method` has gone to the server under the client's id.
    pub(crate) fn new(conversation: String, client_id: &str, method: &str) -> Self {
        Self {
            conversation,
            client_id: client_id.to_owned(),
            method: method.to_owned(),
            call_id: client_id.to_owned(),
            round: 0,
            asked: 0,
            open: Vec::new(),
            state: None,
        }
    }

    /// Whether the client is asked now.
    pub(crate) fn is_asking(&self) -> bool {
        !self.open.is_empty()
    }

    /// A message of the server.
    pub(crate) fn on_message(&mut self, data: &[u8]) -> Vec<Step> {
        match Message::parse(data) {
            Some(Message::Notification { .. }) => {
                vec![Step::Relay(String::from_utf8_lossy(data).into_owned())]
            }
            Some(Message::Response { id, answer })
                if same_id(id.get().as_bytes(), self.call_id.as_bytes()) =>
            {
                self.on_answer(answer)
            }
            // MCP 2026-07-28, basic/transports/streamable-http: such servers send no requests.
            _ => Vec::new(),
        }
    }

    /// The client's answer to the question with this number.
    pub(crate) fn on_response(&mut self, number: u64, answer: Answer<'_>) -> Option<Step> {
        let open = self.open.iter_mut().find(|open| open.number == number)?;
        match answer {
            Answer::Result(result) => open.answer = Some(result.get().to_owned()),
            Answer::Error(_) => {
                let why = answer.error().map(|(_, message, _)| message);
                let why = why.unwrap_or_default();
                let text = format!("The client did not answer {}: {why}", open.method);
                return Some(self.end_without_input(&text));
            }
        }
        let is_answered = self.open.iter().all(|open| open.answer.is_some());
        is_answered.then(|| self.call_again())
    }

    /// The call ends without an answer of the server.
    pub(crate) fn end_without_input(&self, text: &str) -> Step {
        let answer = failure::without_input(&self.client_id, &self.method, text);
        Step::End(answer)
    }

    /// The call ends for a fault that is not the client's.
    pub(crate) fn end_with_error(&self, text: &str) -> Step {
        let error = message::error(&self.client_id, failure::INTERNAL_ERROR, text);
        Step::End(error)
    }

    fn on_answer(&mut self, answer: Answer<'_>) -> Vec<Step> {
        let asking = match answer {
            Answer::Result(result) => input_required::read(result),
            Answer::Error(_) => Ok(None),
        };
        match asking {
            Ok(None) => vec![Step::End(answer.response(&self.client_id))],
            Err(error) => vec![self.end_without_input(&format!("The call failed: {error}"))],
            Ok(Some(_)) if self.round == MOST_ROUNDS => {
                let text = format!("The server asked for input {MOST_ROUNDS} times and still asks");
                vec![self.end_without_input(&text)]
            }
            Ok(Some(InputRequired { questions, state })) => {
                self.round += 1;
                self.state = state;
                let asked: Vec<Step> = questions.into_iter().map(|one| self.ask(one)).collect();
                if asked.is_empty() {
                    return vec![self.call_again()];
                }
                asked
            }
        }
    }

    fn ask(&mut self, question: Question) -> Step {
        self.asked += 1;
        let number = self.asked;
        let name = format!("{}.{number}", self.conversation);
        let params = question.params.map(|params| with_link_id(params, &name));
        let request = message::request(&string(&name), &question.method, params.as_deref());
        self.open.push(Open {
            number,
            key: question.key,
            method: question.method,
            answer: None,
        });
        Step::Relay(request)
    }

    fn call_again(&mut self) -> Step {
        let mut responses = ObjectWriter::default();
        for open in std::mem::take(&mut self.open) {
            responses = responses.member(&open.key, &open.answer.unwrap_or_default());
        }
        self.call_id = string(&format!("{}.call.{}", self.conversation, self.round));
        Step::Call {
            id: self.call_id.clone(),
            responses: responses.end(),
            state: self.state.take(),
        }
    }
}

/// The conversation and the number of the question in the id of a request, a string.
pub(crate) fn read_id(id: &RawValue) -> Option<(String, u64)> {
    let text: String = serde_json::from_str(id.get()).ok()?;
    let (conversation, number) = text.split_once('.')?;
    Some((conversation.to_owned(), number.parse().ok()?))
}

/// A link that a user follows has an id in the session revisions, and none in 2026-07-28.
///
/// MCP 2025-11-25, client/elicitation, URL Mode; MCP 2026-07-28, changelog.
fn with_link_id(params: String, id: &str) -> String {
    let Ok(members) = serde_json::from_str::<Members<'_>>(&params) else {
        return params;
    };
    let is_link = members.text("mode").as_deref() == Some("url");
    if !is_link || members.get("elicitationId").is_some() {
        return params;
    }
    let copy =
        |object: ObjectWriter, (name, value): (&str, &RawValue)| object.member(name, value.get());
    let written = members.iter().fold(ObjectWriter::default(), copy);
    written.member("elicitationId", &string(id)).end()
}

#[cfg(test)]
mod tests;

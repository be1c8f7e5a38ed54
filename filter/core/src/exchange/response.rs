//! Response headers and bodies: passed on where they are MCP, answered for where they are not.

use std::borrow::Cow;

use super::downstream_headers::removals;
use super::input_required;
use super::local_answer::accepted;
use super::open_session::{failure, status_of};
use super::repair::Repair;
use super::response_check::{Checked, ResponseCheck};
use super::response_events::ResponseEvents;
use super::routed::Routed;
use super::streaming::{GET, server_headers};
use super::told::Outcome;
use super::{Exchange, Phase};
use crate::era::Era;
use crate::rejection::{Caller, Rejection};
use crate::step::{BodyStep, HeaderEdit, ResponseBody, ResponseHeadStep};
use crate::{Context, Headers, Table};

/// The head of a response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    /// With `:status`.
    pub(crate) headers: Headers,
    /// There is no body.
    pub(crate) end_of_stream: bool,
    /// A server sent it, not Envoy.
    pub(crate) from_upstream: bool,
}

/// How much of a response has come, and what is done with the rest.
#[derive(Debug)]
pub(crate) enum ResponseState {
    /// Nothing has come.
    Waiting,
    /// A JSON body that is checked.
    Checking(Box<ResponseCheck>),
    /// An event stream.
    Events(Box<ResponseEvents>),
    /// Something else went on in its place.
    Dropping,
}

/// What a server's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// One message.
    Json,
    /// A stream of messages.
    Events,
    /// Nothing that MCP knows, or nothing at all.
    Other,
}

impl Exchange {
    /// The response to a routed request has begun.
    pub(super) fn on_routed_response(
        &mut self,
        mut routed: Box<Routed>,
        head: &ResponseHead,
        context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        routed.touch();
        let status = status_of(&head.headers).unwrap_or_default();
        if !head.from_upstream {
            return self.failed_by_envoy(*routed, head, status);
        }
        if routed.route.method == GET {
            return self.on_stream_of_server(routed, head, context);
        }
        if routed.is_answer {
            return self.on_answer_response(*routed, status);
        }
        match (status, ContentType::of(head)) {
            (404, _) if routed.route.upstream_session.is_some() => self.repair(*routed, context),
            (400, ContentType::Json) if routed.is_repeatable() => self.doubt(routed, head, context),
            (200..=299, ContentType::Json) => self.pass_json(routed, head, 200),
            (200..=299, ContentType::Events) => self.pass_events(routed, head),
            (401 | 403, _) | (_, ContentType::Events | ContentType::Other) => {
                let rejection = refusal(&self.table, &routed, status);
                self.respond_instead(*routed, &rejection)
            }
            // A server's JSON-RPC error under another status than 200 would be lost on clients.
            (_, ContentType::Json) => self.pass_json(routed, head, status),
        }
    }

    /// Envoy's own answer while nothing was decided: past its buffer limit, or its patience. What the gateway's other
    /// filters say with a status below 500 is for the client as it is.
    pub(super) fn refused_by_envoy(
        &mut self,
        head: &ResponseHead,
        caller: Caller<'_>,
    ) -> ResponseHeadStep {
        self.told.end(Outcome::Refused);
        let rejection = match status_of(&head.headers) {
            Some(408) => Rejection::BodyStalled,
            Some(413) => Rejection::BodyTooLarge,
            Some(status @ 500..) => Rejection::GatewayFailed { status },
            _ => return ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore),
        };
        self.replace(head.end_of_stream, &rejection, caller)
    }

    fn failed_by_envoy(
        &mut self,
        routed: Routed,
        head: &ResponseHead,
        status: u16,
    ) -> ResponseHeadStep {
        let mut outcome = Outcome::Refused;
        let rejection = match status {
            // The gateway's own filters speak to the client: it has to log in, or to slow down.
            401 | 403 | 429 => {
                self.told.end(Outcome::Refused);
                self.finish(routed);
                return ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore);
            }
            408 if !routed.is_whole() => Rejection::BodyStalled,
            413 => Rejection::BodyTooLarge,
            _ if routed.route.is_bridged => {
                outcome = Outcome::Failed;
                Rejection::StreamsUnavailable
            }
            _ if routed.is_answer => Rejection::AnswerNotTaken {
                server: self.table.server(routed.route.server).name.clone(),
            },
            _ => {
                outcome = Outcome::Failed;
                Rejection::Unreachable {
                    server: self.table.server(routed.route.server).name.clone(),
                    status,
                }
            }
        };
        self.told.end(outcome);
        let (id, era) = (routed.id.clone(), routed.era);
        self.finish(routed);
        let id = id.client();
        self.replace(head.end_of_stream, &rejection, Caller { id, era })
    }

    /// MCP 2025-11-25, basic/transports: an accepted answer is a 202 without a body, so whatever the server would say in
    /// one is not waited for. A 404 would end the client's whole session.
    fn on_answer_response(&mut self, routed: Routed, status: u16) -> ResponseHeadStep {
        if (200..=299).contains(&status) {
            self.finish(routed);
            return ResponseHeadStep::Respond(accepted());
        }
        let rejection = match status {
            400 | 404 => Rejection::UnknownResponse,
            _ => Rejection::AnswerNotTaken {
                server: self.table.server(routed.route.server).name.clone(),
            },
        };
        self.respond_instead(routed, &rejection)
    }

    /// Where the status is no success, only an error passes.
    pub(super) fn pass_json(
        &mut self,
        mut routed: Box<Routed>,
        head: &ResponseHead,
        status: u16,
    ) -> ResponseHeadStep {
        let mut edits = as_answer(&head.headers, &routed, &self.table);
        edits.push(HeaderEdit::Remove(Cow::Borrowed("content-length")));
        let length = content_length(&head.headers);
        let check = ResponseCheck::new(&self.table, &routed, (status, length));
        routed.response = ResponseState::Checking(Box::new(check));
        // Where the status counts for the client, it has to fit what the body turns out to be.
        routed.is_weighed = routed.era == Era::Stateless && !(200..=299).contains(&status);
        let is_weighed = routed.is_weighed;
        self.phase = Phase::Routed(routed);
        if is_weighed {
            ResponseHeadStep::Weigh(edits)
        } else {
            ResponseHeadStep::Continue(edits, ResponseBody::Inspect)
        }
    }

    pub(super) fn pass_events(
        &mut self,
        mut routed: Box<Routed>,
        head: &ResponseHead,
    ) -> ResponseHeadStep {
        let mut edits = as_answer(&head.headers, &routed, &self.table);
        edits.push(HeaderEdit::Remove(Cow::Borrowed("content-length")));
        routed.response =
            ResponseState::Events(Box::new(ResponseEvents::new(&self.table, &routed)));
        self.phase = Phase::Routed(routed);
        ResponseHeadStep::Continue(edits, ResponseBody::Inspect)
    }

    /// The server lost its session: open another and send the request again, if it is still held.
    pub(super) fn repair(&mut self, routed: Routed, context: &mut Context<'_>) -> ResponseHeadStep {
        let table = std::rc::Rc::clone(&self.table);
        match Repair::begin(routed, &table, &mut self.calls, context) {
            Ok(repair) => {
                self.phase = Phase::Repairing(Box::new(repair));
                ResponseHeadStep::Hold
            }
            Err((routed, rejection)) => self.respond_instead(*routed, &rejection),
        }
    }

    pub(super) fn respond_instead(
        &mut self,
        routed: Routed,
        rejection: &Rejection,
    ) -> ResponseHeadStep {
        let response = rejection.response(routed.caller());
        self.told.end(Outcome::Failed);
        self.finish(routed);
        self.phase = Phase::Answered;
        ResponseHeadStep::Respond(response)
    }

    /// Envoy's local replies are edited in place: one more local reply on top of them is not to be had.
    pub(super) fn replace(
        &mut self,
        end_of_stream: bool,
        rejection: &Rejection,
        caller: Caller<'_>,
    ) -> ResponseHeadStep {
        if end_of_stream {
            self.phase = Phase::Answered;
            return ResponseHeadStep::Respond(rejection.response(caller));
        }
        let response = rejection.response(caller);
        self.phase = Phase::Replacing(response.body);
        let status = response.status.to_string().into_bytes();
        let mut edits = vec![HeaderEdit::Set(Cow::Borrowed(":status"), status)];
        let headers = response.headers.into_iter();
        edits.extend(headers.map(|(name, value)| HeaderEdit::Set(name, value)));
        edits.push(HeaderEdit::Remove(Cow::Borrowed("content-length")));
        ResponseHeadStep::Continue(edits, ResponseBody::Inspect)
    }

    /// The routed request is over: a session that was opened for it alone ends with it.
    fn finish(&mut self, routed: Routed) {
        self.phase = Phase::Routed(Box::new(routed));
        self.end_upstream_session();
        self.phase = Phase::Answered;
    }
}

impl Routed {
    /// The next piece of the response body.
    pub(crate) fn on_response_body(
        &mut self,
        table: &Table,
        piece: &[u8],
        end_of_stream: bool,
    ) -> BodyStep {
        self.touch();
        match &mut self.response {
            ResponseState::Checking(check) => {
                let checked = check.feed(table, piece, end_of_stream, self.id.server());
                self.outcome = self.outcome.or(match checked {
                    Checked::Pass if end_of_stream => Some(check.outcome()),
                    Checked::Pass | Checked::Undecided => None,
                    Checked::Broken | Checked::NoAnswer | Checked::AsksForInput => {
                        Some(Outcome::Failed)
                    }
                });
                let was_weighed = self.is_weighed;
                self.is_weighed &= checked == Checked::Undecided;
                match checked {
                    Checked::Undecided => BodyStep::Hold,
                    Checked::Pass => check
                        .take_edited()
                        .map_or(BodyStep::Forward, BodyStep::Replace),
                    Checked::Broken => BodyStep::Reset,
                    Checked::AsksForInput => {
                        let answer = input_required::answer(table, self);
                        self.response = ResponseState::Dropping;
                        BodyStep::Replace(answer)
                    }
                    Checked::NoAnswer => {
                        let status = check.status();
                        self.refuse_answer(table, status, was_weighed)
                    }
                }
            }
            ResponseState::Events(events) => {
                let step = events.feed(table, piece, end_of_stream);
                self.outcome = self.outcome.or(events.outcome());
                step
            }
            ResponseState::Dropping => BodyStep::Replace(Vec::new()),
            ResponseState::Waiting => BodyStep::Forward,
        }
    }

    fn refuse_answer(&mut self, table: &Table, status: u16, is_weighed: bool) -> BodyStep {
        self.response = ResponseState::Dropping;
        let rejection = refusal(table, self, status);
        if is_weighed {
            BodyStep::Respond(rejection.response(self.caller()))
        } else {
            BodyStep::Replace(rejection.body(self.caller()))
        }
    }
}

impl ContentType {
    /// Of a response that comes as a stream.
    pub(super) fn of(head: &ResponseHead) -> Self {
        if head.end_of_stream {
            return Self::Other;
        }
        Self::of_body(&head.headers)
    }

    /// Of a response that came whole.
    pub(crate) fn of_body(headers: &Headers) -> Self {
        let value = headers.first("content-type").unwrap_or_default();
        let encoded = headers
            .first("content-encoding")
            .is_some_and(|encoding| encoding != b"identity");
        let essence = value
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        if encoded {
            Self::Other
        } else if essence.eq_ignore_ascii_case(b"application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
            Self::Events
        } else {
            Self::Other
        }
    }
}

/// The refusal that stands for a server's response which is not MCP.
pub(crate) fn refusal(table: &Table, routed: &Routed, status: u16) -> Rejection {
    match status {
        _ if routed.route.is_bridged => Rejection::StreamsUnavailable,
        401 | 403 => failure(table, &routed.route, Some(status)),
        _ => Rejection::NotMcp {
            server: table.server(routed.route.server).name.clone(),
            status,
        },
    }
}

/// What makes a server's headers those of an answer. Its status is 200 whatever the server's, but where the client's era
/// has another one: clients do not read the body of a 202.
fn as_answer(headers: &Headers, routed: &Routed, table: &Table) -> Vec<HeaderEdit> {
    let mut edits = removals(headers);
    let status = status_of(headers).unwrap_or_default();
    if status != 200 && !routed.translation.keeps_status(status) {
        edits.push(HeaderEdit::Set(Cow::Borrowed(":status"), b"200".to_vec()));
    }
    if routed.is_inner {
        let told = server_headers(table, &routed.route).into_iter();
        edits.extend(told.map(|(name, value)| HeaderEdit::Set(name, value)));
    }
    edits
}

fn content_length(headers: &Headers) -> Option<u64> {
    std::str::from_utf8(headers.first("content-length")?)
        .ok()?
        .parse()
        .ok()
}

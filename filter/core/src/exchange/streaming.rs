//! Requests that `mcp-streams` serves: the outer leg of [`crate::streams`].
//!
//! What a client sent goes there as it is, and what comes back is the client's. Only that the program fails is the
//! gateway's to tell.

use std::borrow::Cow;

use super::open_session::status_of;
use super::request_facts::RequestFacts;
use super::response::ResponseHead;
use super::route::Route;
use super::{Exchange, Outcome, Phase};
use crate::era::Era;
use crate::headers::begins_like;
use crate::rejection::{Caller, Rejection};
use crate::step::{
    BodyEdit, HeaderEdit, Release, RequestStep, ResponseBody, ResponseHeadStep, TickStep,
};
use crate::streams::{self, Ticket};
use crate::table::ServerIndex;
use crate::{Context, Table};

/// What is to be served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToStreams {
    /// The method of the message; [`GET`] where it is none.
    pub(crate) method: &'static str,
    /// The server that the message is for, where the catalog tells.
    pub(crate) server: Option<ServerIndex>,
}

/// In the place of a method: the client wants to hear what nobody asked for.
pub(crate) const GET: &str = "GET";

/// In the place of a method: the client answers a question.
pub(crate) const RESPONSE: &str = "response";

/// In the place of a method: several messages at once.
pub(crate) const BATCH: &str = "batch";

/// MCP 2026-07-28, basic/utilities/subscriptions.
pub(crate) const LISTEN: &str = "subscriptions/listen";

/// A request on its way there.
#[derive(Debug)]
pub(crate) struct Streaming {
    method: &'static str,
    /// Of the request, as the client wrote it.
    id: Option<Vec<u8>>,
    era: Era,
    /// When it went there, in milliseconds.
    asked_ms: u64,
}

/// How long the program may take to answer by itself, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

impl Streaming {
    /// Nothing has come of the response. A subscription is answered by its server, which the inner leg waits for.
    pub(super) fn on_tick(&self, now_ms: u64) -> TickStep {
        let is_own = matches!(self.method, GET | LISTEN | RESPONSE);
        if is_own && now_ms.saturating_sub(self.asked_ms) >= PATIENCE_MS {
            TickStep::Respond(self.failure().response(self.caller()))
        } else {
            TickStep::Wait
        }
    }

    /// Whom a refusal answers.
    fn caller(&self) -> Caller<'_> {
        let (id, era) = (self.id.as_deref(), self.era);
        Caller { id, era }
    }

    /// What the client is told where the program does not answer: of a `GET`, what it is told where there is no program, so
    /// that it goes on without; and else to come again.
    fn failure(&self) -> Rejection {
        match self.method {
            GET => Rejection::MethodNotAllowed,
            RESPONSE => Rejection::AnswerNotTaken {
                server: streams::NAME.to_owned(),
            },
            _ => Rejection::StreamsUnavailable,
        }
    }
}

impl Exchange {
    /// Lets a request go to `mcp-streams`. Its body, where it has one, must have come whole.
    ///
    /// Whether the client may send it is known by now, and will be asked again for whatever is done for it.
    pub(super) fn stream(
        &mut self,
        (facts, caller): (&RequestFacts, Caller<'_>),
        (to, body): (ToStreams, BodyEdit),
        context: &mut Context<'_>,
    ) -> RequestStep {
        self.told.method = Some(to.method);
        let streaming = Box::new(Streaming {
            method: to.method,
            id: caller.id.map(<[u8]>::to_vec),
            era: caller.era,
            asked_ms: context.now_ms,
        });
        let Some(headers) = edits(facts, (to, caller.era), &self.table, context) else {
            return self.respond(streaming.failure().response(caller));
        };
        self.phase = Phase::Streaming(streaming);
        RequestStep::Release(Release {
            headers,
            body,
            inspect_rest: false,
        })
    }

    /// The response has begun.
    pub(super) fn on_streams_response(
        &mut self,
        streaming: &Streaming,
        head: &ResponseHead,
    ) -> ResponseHeadStep {
        let status = status_of(&head.headers).unwrap_or_default();
        let rejection = match (head.from_upstream, status) {
            // The gateway's own filters speak to the client.
            (true, ..500) | (false, 401 | 403 | 429) => {
                self.told.end(match status {
                    ..400 => Outcome::Ok,
                    _ => Outcome::Refused,
                });
                return ResponseHeadStep::Continue(removals(head), ResponseBody::Ignore);
            }
            (false, 413) => Rejection::BodyTooLarge,
            _ => streaming.failure(),
        };
        self.told.end(Outcome::Failed);
        if head.from_upstream {
            self.phase = Phase::Answered;
            return ResponseHeadStep::Respond(rejection.response(streaming.caller()));
        }
        self.replace(head.end_of_stream, &rejection, streaming.caller())
    }
}

/// The edits that make a client's request one to `mcp-streams`. `None` where there is no such program, or no key.
pub(super) fn edits(
    facts: &RequestFacts,
    (to, era): (ToStreams, Era),
    table: &Table,
    context: &mut Context<'_>,
) -> Option<Vec<HeaderEdit>> {
    let streams = table.streams()?;
    let headers = &facts.headers;
    let ticket = Ticket::new(context.now_ms).seal(table.sessions())?;
    let identity = facts.claims(table, context).identity();
    let session = facts.valid_session();
    let shown = (headers, table.credential_headers());
    let caller = streams::caller(&identity, session, shown);
    let share = streams::share(&identity, session, shown);
    let sent = |name| headers.first(name).unwrap_or_default().to_vec();
    let server = to.server.map(|server| table.server(server).name.clone());
    let set = [
        (":authority", Some(streams.host.clone().into_bytes())),
        (":path", Some(streams.path.clone().into_bytes())),
        ("accept-encoding", Some(b"identity".to_vec())),
        (streams::TICKET, Some(ticket.into_bytes())),
        (streams::AUTHORITY, Some(sent(":authority"))),
        (streams::PATH, Some(sent(":path"))),
        (streams::CALLER, Some(caller.into_bytes())),
        (streams::SHARE, Some(share.into_bytes())),
        (streams::ERA, Some(era_name(era).into())),
        (streams::METHOD, Some(to.method.into())),
        (streams::SERVER_NAME, server.map(String::into_bytes)),
    ];
    let mut edits = Vec::with_capacity(set.len() + 1);
    let is_set = |name: &str| {
        set.iter()
            .any(|(set, value)| *set == name && value.is_some())
    };
    for (name, _) in headers.iter() {
        let removal = HeaderEdit::Remove(Cow::Owned(name.to_owned()));
        if streams::is_ours(name) && !is_set(name) && !edits.contains(&removal) {
            edits.push(removal);
        }
    }
    let set = set.into_iter();
    edits
        .extend(set.filter_map(|(name, value)| Some(HeaderEdit::Set(Cow::Borrowed(name), value?))));
    Some(edits)
}

/// What answers of a server tell `mcp-streams` beside what they tell its client.
pub(crate) fn server_headers(table: &Table, route: &Route) -> [(Cow<'static, str>, Vec<u8>); 2] {
    let name = table.server(route.server).name.clone();
    let era = era_name(route.era);
    [
        (Cow::Borrowed(streams::SERVER_NAME), name.into_bytes()),
        (Cow::Borrowed(streams::ERA), era.into()),
    ]
}

/// An era in a header.
fn era_name(era: Era) -> &'static str {
    match era {
        Era::Sessions => streams::SESSIONS,
        Era::Stateless => streams::STATELESS,
    }
}

/// No client sees what the gateway and the program tell each other.
fn removals(head: &ResponseHead) -> Vec<HeaderEdit> {
    let mut removals = Vec::new();
    for (name, _) in head.headers.iter() {
        let removal = HeaderEdit::Remove(Cow::Owned(name.to_owned()));
        if begins_like(name, "x-mcp-") && !removals.contains(&removal) {
            removals.push(removal);
        }
    }
    removals
}

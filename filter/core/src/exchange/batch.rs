//! Batches: arrays of messages, which 2025-03-26 alone has (basic, Batching), and whose receivers must take them.
//!
//! A member that the gateway answers itself is answered, and notifications and answers go where they would go alone. A
//! request for one server is refused: its answer may be a stream, and the one answer to the batch could not go on before
//! the slowest server's. But where there is `mcp-streams`, a batch with such a request goes there as it is: it makes requests
//! of their own of the members, and joins the answers.

use serde_json::value::RawValue;

use super::message::Message;
use super::reading::{Known, Reading};
use super::request::{Outcome, admit_request};
use super::request_facts::{RequestFacts, VersionClaim};
use super::route::Route;
use super::streaming::{BATCH, ToStreams};
use super::{Exchange, local_answer, trace_headers, upstream_sessions};
use crate::era::Era;
use crate::json::splice;
use crate::method::Method;
use crate::rejection::Rejection;
use crate::streams::Purpose;
use crate::version::ProtocolVersion;
use crate::{Context, Table};

/// Most messages of a batch: each may ask for a page of a list.
const MOST_MEMBERS: usize = 32;

impl Exchange {
    /// Answers a batch that has come whole, with an array of what its requests are answered.
    pub(super) fn settle_batch(
        &mut self,
        reading: &mut Reading,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Rejection> {
        self.told.method = Some(BATCH);
        let is_within_another = reading.facts.purpose == Some(Purpose::Member);
        if is_within_another || !is_of_2025_03_26(&reading.facts) {
            return Err(Rejection::Batch);
        }
        let batch = std::mem::take(&mut reading.held);
        let members: Vec<&RawValue> =
            serde_json::from_slice(&batch).map_err(|_| Rejection::NotAMessage)?;
        if members.is_empty() || members.len() > MOST_MEMBERS {
            return Err(Rejection::Batch);
        }
        let wants_streams = self.wants_streams(&members, reading);
        // What is refused as a whole has no id.
        reading.turn_to(b"", &self.table);
        if wants_streams? {
            let server = None;
            let method = BATCH;
            return Ok(Outcome::Stream(ToStreams { method, server }));
        }
        let mut room = self.table.limits().page_bytes as usize;
        let answers = members.into_iter().map(|member| {
            let mut known = reading.turn_to(member.get().as_bytes(), &self.table);
            // Each answer may be a whole page, and all of them are in memory at once.
            if room == 0 {
                known = known.refused();
            }
            let answer = self.settle_member(known, reading, context)?;
            room = room.saturating_sub(answer.as_ref().map_or(0, Vec::len));
            Ok(answer)
        });
        let answers: Result<Vec<Option<Vec<u8>>>, Rejection> = answers.collect();
        reading.turn_to(b"", &self.table);
        self.told.method = Some(BATCH);
        let answers: Vec<Vec<u8>> = answers?.into_iter().flatten().collect();
        Ok(Outcome::Respond(if answers.is_empty() {
            local_answer::accepted()
        } else {
            local_answer::array(&answers)
        }))
    }

    /// Whether a member is a request for a server, and there is `mcp-streams` to make it. What would refuse the whole does so
    /// before that.
    fn wants_streams(
        &self,
        members: &[&RawValue],
        reading: &mut Reading,
    ) -> Result<bool, Rejection> {
        if self.table.streams().is_none() || reading.facts.purpose.is_some() {
            return Ok(false);
        }
        let mut is_wanted = false;
        for member in members {
            match reading.turn_to(member.get().as_bytes(), &self.table) {
                Known::Message(Message::Request(Method::Initialize)) => {
                    return Err(Rejection::Batch);
                }
                Known::Message(Message::Request(method @ Method::Routed(_))) => {
                    admit_request(method, reading, &self.table)?;
                    is_wanted = true;
                }
                _ => {}
            }
        }
        Ok(is_wanted)
    }

    /// The answer to a member, if it is a request; or why the whole is refused.
    fn settle_member(
        &mut self,
        known: Known,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<Option<Vec<u8>>, Rejection> {
        let refused = |rejection: &Rejection| Ok(Some(rejection.body(reading.id())));
        let message = match known {
            Known::Message(message) => message,
            Known::Refused(rejection) => return refused(&rejection),
            Known::Nothing | Known::Early(_) => return refused(&Rejection::NotAMessage),
        };
        match message {
            // basic/lifecycle, Initialization: it is never part of a batch.
            Message::Request(Method::Initialize) => return Err(Rejection::Batch),
            Message::Request(Method::Routed(_)) => return refused(&Rejection::Batch),
            _ => {}
        }
        let is_request = matches!(message, Message::Request(_));
        match self.settle(message, reading, context) {
            Ok(Outcome::Respond(response)) if is_request => Ok(Some(response.body)),
            Ok(Outcome::Respond(_)) if message == Message::Response => {
                Err(Rejection::UnknownResponse)
            }
            Ok(Outcome::Respond(_)) => Ok(None),
            // None of it could go there alone.
            Ok(Outcome::Stream(_) | Outcome::Answer(_)) => refused(&Rejection::Batch),
            Ok(Outcome::Route(route)) => {
                deliver(self, route, reading);
                Ok(None)
            }
            // It would end the session that the whole batch is in.
            Err(rejection) if is_request && rejection.status(Era::Sessions) != 404 => {
                refused(&rejection)
            }
            Err(rejection) => Err(rejection),
        }
    }
}

/// Sends a client's answer to the server that has asked. Nobody can be told what the server says to it.
fn deliver(exchange: &mut Exchange, mut route: Route, reading: &Reading) {
    let table: &Table = &exchange.table;
    route.trace_headers = trace_headers::of(&reading.facts.headers, table);
    let session = route.upstream_session.as_ref();
    if let Some(body) = splice::replace(&reading.held, &route.splices) {
        let call = ("POST", session.map(|of_route| &of_route.session), body);
        upstream_sessions::tell(table, &route, call, &mut exchange.calls);
    }
}

/// Whether the request is one of that revision: by its session, and by its header, which that revision has not.
fn is_of_2025_03_26(facts: &RequestFacts) -> bool {
    const REVISION: ProtocolVersion = ProtocolVersion::V2025_03_26;
    let by_header = match facts.version {
        VersionClaim::Absent => true,
        VersionClaim::Known(version) => version == REVISION,
        VersionClaim::Unknown => false,
    };
    let session = facts.valid_session();
    by_header && session.is_none_or(|session| session.version() == REVISION)
}

//! A server has lost the session of a request: another one is opened and the request sent once more, unseen.

use super::calls::{Calls, SideCall};
use super::open_session::{Introduction, OpenSession, Opening, status_of};
use super::response::{ContentType, refusal};
use super::response_check::{Checked, ResponseCheck};
use super::response_events::ResponseEvents;
use super::route::{Route, RouteSession};
use super::routed::Routed;
use super::streaming::server_headers;
use super::told::Outcome;
use super::waiting::Waiting;
use super::{CallStep, Exchange, Phase, upstream_sessions};
use crate::rejection::Rejection;
use crate::slots::UpstreamSession;
use crate::step::{BodyStep, CallOutcome, CallToken, LocalResponse, ResponseHeadStep};
use crate::{Context, Table};

/// Past the end of a request's time, in milliseconds: a tick says what has happened, where the host would say 504.
const AFTER_THE_TICK_MS: u64 = 2_000;

/// See the module. The response headers of the lost session are held meanwhile.
#[derive(Debug)]
pub(crate) struct Repair {
    /// The request.
    pub(crate) routed: Routed,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Open(OpenSession),
    Replay(CallToken),
}

impl Repair {
    /// Begins with `initialize` where that was not done for another request meanwhile, or gives the request back with the
    /// reason why it can't be repaired.
    pub(crate) fn begin(
        mut routed: Routed,
        table: &Table,
        calls: &mut Calls,
        context: &mut Context<'_>,
    ) -> Result<Self, (Box<Routed>, Rejection)> {
        let (Some(owner), Some(lost)) = (routed.owner, &routed.route.upstream_session) else {
            let rejection = refusal(table, &routed, 404);
            return Err((Box::new(routed), rejection));
        };
        upstream_sessions::forget(table, (owner, &routed.route, &lost.session.id), context);
        if routed.replay.is_none() {
            return Err((Box::new(routed), Rejection::UpstreamSessionLost));
        }
        routed.find_trace(table);
        let stage = match upstream_sessions::find(table, owner, &routed.route, context) {
            // Another request has repaired it already.
            Some(session) => {
                routed.route.upstream_session = Some(RouteSession {
                    session,
                    for_this_request: false,
                });
                Stage::Replay(send_again(&routed, table, calls, context))
            }
            None => {
                let session = routed.session.as_ref();
                let client = Introduction::of(session, &routed.route, table, context);
                Stage::Open(OpenSession::begin(table, &routed.route, client, calls))
            }
        };
        Ok(Self { routed, stage })
    }

    /// The session that is of no use to anybody when the repair ends here.
    pub(crate) fn session_for_this_request(&self) -> Option<(&Route, &UpstreamSession)> {
        let route = &self.routed.route;
        match &self.stage {
            Stage::Open(open) => open.issued().map(|session| (route, session)),
            Stage::Replay(_) => route.session_for_this_request(),
        }
    }
}

/// The request again, as a call: its whole response comes at once.
fn send_again(
    routed: &Routed,
    table: &Table,
    calls: &mut Calls,
    context: &Context<'_>,
) -> CallToken {
    let session = routed.route.upstream_session.as_ref();
    let left_ms = Waiting::of(routed).left_ms(table, context);
    let call = SideCall {
        verb: "POST",
        session: session.map(|of_route| &of_route.session),
        route: &routed.route,
        body: routed.replay.as_deref().cloned().unwrap_or_default(),
        timeout_ms: left_ms.saturating_add(AFTER_THE_TICK_MS),
    };
    calls.send(table.server(routed.route.server), call)
}

impl Exchange {
    /// A call of the repair has ended.
    pub(super) fn on_repair_call(
        &mut self,
        mut repair: Box<Repair>,
        (token, outcome): (CallToken, CallOutcome),
        context: &mut Context<'_>,
    ) -> CallStep {
        let table = std::rc::Rc::clone(&self.table);
        let opening = match &mut repair.stage {
            Stage::Open(open) => open.on_call(
                (token, &outcome),
                &table,
                &repair.routed.route,
                &mut self.calls,
            ),
            Stage::Replay(expected) if *expected == token => {
                let (response, outcome) = replayed(&table, &repair.routed, outcome);
                self.told.end(outcome);
                self.phase = Phase::Repairing(repair);
                self.end_upstream_session();
                self.phase = Phase::Answered;
                return CallStep::Response(ResponseHeadStep::Respond(response));
            }
            Stage::Replay(_) => Opening::Pending,
        };
        match opening {
            Opening::Pending => {
                self.phase = Phase::Repairing(repair);
                return CallStep::Nothing;
            }
            Opening::Failed(rejection) => {
                self.told.end(Outcome::Failed);
                let response = rejection.response(repair.routed.caller());
                self.phase = Phase::Repairing(repair);
                self.end_upstream_session();
                self.phase = Phase::Answered;
                return CallStep::Response(ResponseHeadStep::Respond(response));
            }
            Opening::Sessionless => repair.routed.route.upstream_session = None,
            Opening::Opened(opened) => {
                repair.routed.route.upstream_session = repair.routed.owner.map(|owner| {
                    let opened = (owner, &repair.routed.route, opened);
                    upstream_sessions::keep(&table, opened, &mut self.calls, context)
                });
            }
        }
        let again = send_again(&repair.routed, &table, &mut self.calls, context);
        repair.stage = Stage::Replay(again);
        self.phase = Phase::Repairing(repair);
        CallStep::Nothing
    }
}

/// The client's answer from the second response.
fn replayed(table: &Table, routed: &Routed, outcome: CallOutcome) -> (LocalResponse, Outcome) {
    let CallOutcome::Answered { headers, body } = outcome else {
        let server = table.server(routed.route.server).name.clone();
        let rejection = Rejection::TimedOut { server };
        return (rejection.response(routed.caller()), Outcome::Failed);
    };
    let status = status_of(&headers).unwrap_or_default();
    let (content_type, body) = match (status, ContentType::of_body(&headers)) {
        (200..=299, ContentType::Events) => ("text/event-stream", events(table, routed, body)),
        (401 | 403, _) | (_, ContentType::Events | ContentType::Other) => ("", None),
        (_, ContentType::Json) => ("application/json", message(table, routed, status, body)),
    };
    let Some((body, outcome)) = body else {
        let response = refusal(table, routed, status).response(routed.caller());
        return (response, Outcome::Failed);
    };
    let mut headers = vec![("content-type".into(), content_type.into())];
    if routed.is_inner {
        headers.extend(server_headers(table, &routed.route));
    }
    let response = LocalResponse {
        status: 200,
        headers,
        body,
        reason: "session_repaired",
    };
    (response, outcome)
}

/// The message as the client sees it, where it is the answer.
fn message(
    table: &Table,
    routed: &Routed,
    status: u16,
    body: Vec<u8>,
) -> Option<(Vec<u8>, Outcome)> {
    let mut check = ResponseCheck::new(table, routed, (status, None));
    match check.feed(table, &body, true, routed.id.server()) {
        Checked::Pass => {
            let outcome = check.outcome();
            Some((check.take_edited().unwrap_or(body), outcome))
        }
        Checked::Undecided | Checked::NoAnswer | Checked::AsksForInput | Checked::Broken => None,
    }
}

/// The events as the client sees them; `None` for a stream that would be cut off behind what has gone on.
fn events(table: &Table, routed: &Routed, body: Vec<u8>) -> Option<(Vec<u8>, Outcome)> {
    let mut events = ResponseEvents::new(table, routed);
    let step = events.feed(table, &body, true);
    let outcome = events.outcome()?;
    match step {
        BodyStep::Forward => Some((body, outcome)),
        BodyStep::Replace(events) => Some((events, outcome)),
        BodyStep::Hold | BodyStep::Reset | BodyStep::Respond(_) => None,
    }
}

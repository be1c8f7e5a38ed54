//! A server has answered 400 in a session: it may have lost it, or dislike the request. A ping in the session tells.

use super::calls::SideCall;
use super::open_session::status_of;
use super::request_id;
use super::response::ResponseHead;
use super::routed::Routed;
use super::{CallStep, Exchange, Phase};
use crate::Context;
use crate::step::{CallOutcome, CallToken, ResponseHeadStep};

/// See the module. The response headers of the 400 are held meanwhile.
#[derive(Debug)]
pub(crate) struct Doubt {
    /// The request.
    pub(crate) routed: Box<Routed>,
    head: ResponseHead,
    ping: CallToken,
}

impl Exchange {
    /// Servers made after the TypeScript SDK's example say 400 of a session that they have lost, instead of the 404 of
    /// MCP 2025-11-25, basic/transports, Session Management.
    pub(super) fn doubt(
        &mut self,
        mut routed: Box<Routed>,
        head: &ResponseHead,
        context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        routed.find_trace(&self.table);
        let server = self.table.server(routed.route.server);
        let session = routed.route.upstream_session.as_ref();
        let ping = SideCall {
            verb: "POST",
            session: session.map(|of_route| &of_route.session),
            route: &routed.route,
            body: ping(&request_id::unique(context)),
            timeout_ms: u64::from(self.table.limits().side_call_ms),
        };
        let ping = self.calls.send(server, ping);
        let head = head.clone();
        self.phase = Phase::Doubting(Box::new(Doubt { routed, head, ping }));
        ResponseHeadStep::Hold
    }

    /// A call of the doubt has ended.
    pub(super) fn on_doubt_call(
        &mut self,
        doubt: Box<Doubt>,
        (token, outcome): (CallToken, &CallOutcome),
        context: &mut Context<'_>,
    ) -> CallStep {
        if token != doubt.ping {
            self.phase = Phase::Doubting(doubt);
            return CallStep::Nothing;
        }
        let Doubt { routed, head, .. } = *doubt;
        let is_lost = match outcome {
            CallOutcome::Answered { headers, .. } => matches!(status_of(headers), Some(400 | 404)),
            CallOutcome::Failed => false,
        };
        CallStep::Response(if is_lost {
            self.repair(*routed, context)
        } else {
            self.pass_json(routed, &head, 400)
        })
    }
}

/// MCP 2025-11-25, basic/utilities/ping.
fn ping(id: &[u8]) -> Vec<u8> {
    let before = br#"{"jsonrpc":"2.0","method":"ping","id":"#;
    [before.as_slice(), id, b"}"].concat()
}

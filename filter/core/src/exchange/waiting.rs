//! A request of which no response has begun: for how long it is waited, and whether the client still wants it.

use super::routed::Routed;
use crate::era::Era;
use crate::rejection::{Caller, Rejection};
use crate::session_id::Session;
use crate::slots::{self, CallKey, Cancellation};
use crate::step::TickStep;
use crate::table::ServerIndex;
use crate::{Context, Table};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<'a> {
    /// Whose response it is.
    pub(crate) server: ServerIndex,
    /// The client's session.
    pub(crate) session: Option<&'a Session>,
    /// Who waits.
    pub(crate) caller: Caller<'a>,
    /// How the server is spoken to.
    pub(crate) era: Era,
    /// Whether the client answers a server's request.
    pub(crate) is_answer: bool,
    /// When the gateway first turned to the server for it, in milliseconds: whatever it did there since then counts.
    pub(crate) since_ms: u64,
}

impl<'a> Waiting<'a> {
    /// A request that was sent to its server once at least.
    pub(crate) fn of(routed: &'a Routed) -> Self {
        Self {
            server: routed.route.server,
            session: routed.session.as_ref(),
            caller: routed.caller(),
            era: routed.route.era,
            is_answer: routed.is_answer,
            since_ms: routed.asked_ms,
        }
    }

    /// Milliseconds until it is given up; 0 when that is due.
    pub(crate) fn left_ms(&self, table: &Table, context: &Context<'_>) -> u64 {
        let waited_ms = context.now_ms.saturating_sub(self.since_ms);
        let bound_ms = table.server(self.server).timeouts.first_byte_ms;
        bound_ms.saturating_sub(waited_ms)
    }

    /// The answer in place of a response that is not waited for any longer.
    pub(crate) fn on_tick(
        &self,
        table: &Table,
        context: &Context<'_>,
        cancellation: Option<&Cancellation>,
    ) -> TickStep {
        let rejection = if self.left_ms(table, context) == 0 {
            self.timed_out(table)
        } else if self.is_over(table, context, cancellation) {
            Rejection::Cancelled
        } else {
            return TickStep::Wait;
        };
        TickStep::Respond(rejection.response(self.caller))
    }

    /// The client's word that it wants no answer any more.
    pub(crate) fn cancellation(
        &self,
        table: &Table,
        context: &Context<'_>,
    ) -> Option<Cancellation> {
        let call = CallKey::in_session(self.session?, self.caller.id?);
        slots::cancellation(context.slots, table.limits(), &call)
            .filter(|cancellation| cancellation.at_ms >= self.since_ms)
    }

    /// Whether a cancelled request's server had its time to end it by itself. One without sessions is told by the end.
    pub(crate) fn is_over(
        &self,
        table: &Table,
        context: &Context<'_>,
        cancellation: Option<&Cancellation>,
    ) -> bool {
        let grace_ms = match self.era {
            Era::Sessions => u64::from(table.limits().cancel_grace_ms),
            Era::Stateless => 0,
        };
        cancellation.is_some_and(|cancellation| {
            context.now_ms >= cancellation.at_ms.saturating_add(grace_ms)
        })
    }

    fn timed_out(&self, table: &Table) -> Rejection {
        let server = table.server(self.server).name.clone();
        if self.is_answer {
            Rejection::AnswerNotTaken { server }
        } else {
            Rejection::TimedOut { server }
        }
    }
}

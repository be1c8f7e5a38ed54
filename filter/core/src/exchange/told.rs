//! What is told of a request to whoever watches the gateway: for which server and tool it was, and how it has ended.

use super::{Exchange, Phase};
use crate::rejection::Rejection;
use crate::step::{LocalResponse, TickStep};
use crate::table::{ServerIndex, ToolIndex};

/// A request for one server, by what of it is in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Whose answer is wanted.
    pub server: ServerIndex,
    /// Of `tools/call`.
    pub tool: Option<ToolIndex>,
}

/// How a request for a server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has answered with a result.
    Ok,
    /// The server has answered with a JSON-RPC error, or with a tool's result that says `isError`.
    Error,
    /// The gateway did not let it pass: a policy, a token, a fault in the message.
    Refused,
    /// There was no answer of the server's that could be passed on.
    Failed,
    /// The client has left, or has cancelled it.
    Cancelled,
}

/// What is known so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The message's method; `other` for one that is not served.
    pub method: Option<&'static str>,
    /// `None` where it is for no server, or for one that is not known.
    pub subject: Option<Subject>,
    /// `None` before the end, and where the stream was broken off.
    pub outcome: Option<Outcome>,
    /// Whether it names a tool, a prompt or a resource that is not in the catalog.
    pub names_unknown: bool,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Error,
        Self::Refused,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name in statistics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Of a server's answer that has ended.
    pub(crate) fn of_answer(tells_error: bool) -> Self {
        if tells_error { Self::Error } else { Self::Ok }
    }
}

impl Told {
    /// The first word holds.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }

    /// Why there is no route.
    pub(crate) fn note(&mut self, rejection: &Rejection) {
        self.names_unknown |= matches!(
            rejection,
            Rejection::UnknownTool(_) | Rejection::UnknownPrompt(_) | Rejection::UnknownResource(_)
        );
    }

    /// A request is given up that its server was asked, or was about to be asked.
    pub(crate) fn give_up(&mut self, step: &TickStep) {
        match step {
            TickStep::Wait => {}
            TickStep::Respond(response) if is_cancelled(response) => self.end(Outcome::Cancelled),
            TickStep::Respond(_) | TickStep::Reset => self.end(Outcome::Failed),
        }
    }
}

fn is_cancelled(response: &LocalResponse) -> bool {
    response.reason == Rejection::Cancelled.reason()
}

impl Exchange {
    /// What can be told of it by now.
    pub fn told(&self) -> Told {
        let of_response = match &self.phase {
            Phase::Routed(routed) => routed.outcome,
            _ => None,
        };
        Told {
            outcome: self.told.outcome.or(of_response),
            ..self.told
        }
    }
}

//! What a flow tells to whoever watches the gateway: statistics and access logs.

use mcp_filter_core::exchange::Outcome;

use crate::flow::{Flow, Life};
use crate::{complaint, host};

/// How Envoy's details of a response begin that was broken off, by the upstream or by Envoy's own buffer.
const BROKEN: [&[u8]; 2] = [b"upstream", b"response_payload_too_large"];

impl Flow {
    /// The stream is over, in which it stood as `life` says.
    pub(crate) fn count(&self, life: Life) {
        let told = self.exchange.told();
        if told.names_unknown {
            self.shared.metrics.request_unknown();
        }
        let Some(subject) = told.subject.filter(|_| self.shared.statistics.are_kept()) else {
            return;
        };
        let outcome = told.outcome.unwrap_or_else(|| broken_off(life));
        self.shared.clock.read();
        let took_ms = self.shared.clock.now_ms().saturating_sub(self.began_ms);
        self.shared.statistics.count(subject, outcome, took_ms);
    }

    /// Leaves what is new in the filter state. The context of this stream, or of its gate, is in effect.
    pub(crate) fn tell_log(&mut self) {
        if !self.shared.leaves_filter_state {
            return;
        }
        let told = self.exchange.told();
        let table = &self.shared.table;
        if let Some(method) = told.method.filter(|_| self.logged.method != told.method) {
            leave("mcp.method", method);
        }
        if let Some(subject) = told.subject.filter(|_| self.logged.subject != told.subject) {
            leave("mcp.server", &table.server(subject.server).name);
            if let Some(name) = subject.tool.and_then(|tool| table.tool_name(tool)) {
                leave("mcp.tool", name);
            }
        }
        if let Some(outcome) = told.outcome.filter(|_| self.logged.outcome != told.outcome) {
            leave("mcp.outcome", outcome.as_str());
        }
        self.logged = told;
    }
}

/// In the filter state of this stream.
fn leave(name: &'static str, value: &str) {
    if let Err(status) = host::set_filter_state(name, value) {
        complaint::filter_state_refused(name, status);
    }
}

/// How a request has ended whose stream came to no end of its own.
fn broken_off(life: Life) -> Outcome {
    let broken = || {
        let details = host::response_details();
        BROKEN.iter().any(|broken| details.starts_with(broken))
    };
    if life == Life::Cut || broken() {
        Outcome::Failed
    } else {
        Outcome::Cancelled
    }
}

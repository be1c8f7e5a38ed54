//! `logging/setLevel` of a session (MCP 2025-11-25, server/utilities/logging): for every server that sends log messages.

use super::message::kind;
use super::reading::Reading;
use super::{Exchange, local_answer, request_id, upstream_sessions};
use crate::json::{Field, ValueKind};
use crate::log_level::LogLevel;
use crate::rejection::Rejection;
use crate::step::LocalResponse;
use crate::{Context, slots};

impl Exchange {
    /// Answers at once: the level is remembered for the servers at which the session has none yet, and the others are
    /// told. Without a session there is no later request that it could count for.
    pub(super) fn set_level(
        &mut self,
        reading: &Reading,
        context: &mut Context<'_>,
    ) -> Result<LocalResponse, Rejection> {
        if !self.table.has_logging() {
            return Err(Rejection::MethodNotFound);
        }
        let name = match kind(&reading.scanner, Field::Level) {
            Some(ValueKind::String) => reading.scanner.text(Field::Level),
            _ => None,
        };
        let level = name.and_then(|name| LogLevel::parse(&name));
        let level = level.ok_or(Rejection::InvalidParams("level"))?;
        let answer = local_answer::done(reading.id().unwrap_or_default(), "set_level");
        let Some(session) = reading.facts.valid_session() else {
            return Ok(answer);
        };
        let set = (level, context.now_ms);
        slots::set_log_level(context.slots, self.table.limits(), session, set);
        for (route, upstream) in self.sessions_of(session, &reading.facts, context) {
            if self.table.server(route.server).logging {
                // Not the client's id, under which the server may have a request in flight.
                let body = request(level, &request_id::unique(context));
                let call = ("POST", Some(&upstream), body);
                upstream_sessions::tell(&self.table, &route, call, &mut self.calls);
            }
        }
        Ok(answer)
    }
}

/// The request to a server, under this id.
pub(crate) fn request(level: LogLevel, id: &[u8]) -> Vec<u8> {
    let before = br#"{"jsonrpc":"2.0","id":"#;
    let method = br#","method":"logging/setLevel","params":{"level":""#;
    let level = level.as_str().as_bytes();
    [before.as_slice(), id, method, level, b"\"}}"].concat()
}

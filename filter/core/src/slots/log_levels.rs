//! The log level that a client has asked for in its session. A forgotten one is not told to sessions at servers that are
//! opened later: those go on with a level of the server's choice.

use mcp_filter_config::Limits;

use super::entry::{Entry, session_key};
use super::table::{Existing, SlotTable};
use crate::context::SharedSlots;
use crate::log_level::LogLevel;
use crate::session_id::Session;

/// The client in `session` wants messages from `level` on.
pub fn set_log_level(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    session: &Session,
    (level, now_ms): (LogLevel, u64),
) {
    let entry = Entry {
        key: session_key(session),
        written_ms: now_ms,
        payload: vec![level.code()],
    };
    table(limits).put(slots, &entry, Existing::Replace);
}

/// What the client in `session` has asked for.
pub fn log_level(slots: &dyn SharedSlots, limits: &Limits, session: &Session) -> Option<LogLevel> {
    let entry = table(limits).find(slots, &session_key(session), 0)?;
    LogLevel::from_code(*entry.payload.first()?)
}

fn table(limits: &Limits) -> SlotTable {
    SlotTable {
        prefix: "mcp.v1.l.",
        count: limits.ended_slots,
        lifetime_ms: u64::MAX,
    }
}

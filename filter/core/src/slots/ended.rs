//! Sessions that their clients have ended. A forgotten one would be served until it expires.

use mcp_filter_config::Limits;

use super::entry::{Entry, session_key};
use super::table::{Existing, SlotTable};
use crate::context::SharedSlots;
use crate::session_id::Session;

/// `DELETE` was seen: later use of the session is answered 404.
///
/// MCP 2025-11-25, basic/transports, Session Management.
pub fn end(slots: &mut dyn SharedSlots, limits: &Limits, session: &Session, now_ms: u64) {
    let entry = Entry {
        key: session_key(session),
        written_ms: now_ms,
        payload: Vec::new(),
    };
    table(limits).put(slots, &entry, Existing::Keep);
}

/// Whether the session was ended.
pub fn is_ended(slots: &dyn SharedSlots, limits: &Limits, session: &Session) -> bool {
    table(limits)
        .find(slots, &session_key(session), 0)
        .is_some()
}

fn table(limits: &Limits) -> SlotTable {
    SlotTable {
        prefix: "mcp.v1.e.",
        count: limits.ended_slots,
        lifetime_ms: u64::MAX,
    }
}

//! Calls that their clients have cancelled. A forgotten one ends by its timeout.

use mcp_filter_config::Limits;

use super::entry::{Entry, KeyDigest, digest};
use super::table::{Existing, SlotTable};
use crate::context::SharedSlots;
use crate::identity::Identity;
use crate::session_id::Session;

/// Names a request that a client has in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallKey(KeyDigest);

impl CallKey {
    /// A request of `session`. `id` is the JSON token of its id.
    pub fn in_session(session: &Session, id: &[u8]) -> Self {
        Self(digest("call in session", &[session.unique(), id]))
    }

    /// A request without a session.
    pub fn of_identity(identity: &Identity, id: &[u8]) -> Self {
        Self(digest("call of identity", &[identity.as_bytes(), id]))
    }
}

/// `notifications/cancelled` was seen for this request.
pub fn cancel(slots: &mut dyn SharedSlots, limits: &Limits, call: &CallKey, now_ms: u64) {
    let entry = Entry {
        key: call.0,
        written_ms: now_ms,
        payload: Vec::new(),
    };
    // A client without sessions may use an id again: the latest time counts.
    table(limits).put(slots, &entry, Existing::Replace);
}

/// When the request was cancelled last, in milliseconds since the Unix epoch. The caller must compare that with the
/// time at which its request came: an earlier one with the same id may have been meant.
pub fn cancelled_at(slots: &dyn SharedSlots, limits: &Limits, call: &CallKey) -> Option<u64> {
    table(limits)
        .find(slots, &call.0, 0)
        .map(|entry| entry.written_ms)
}

fn table(limits: &Limits) -> SlotTable {
    SlotTable {
        prefix: "mcp.v1.c.",
        count: limits.ended_slots,
        lifetime_ms: u64::MAX,
    }
}

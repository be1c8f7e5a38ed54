//! Calls that their clients have cancelled. A forgotten one ends by its timeout.

use mcp_filter_config::Limits;

use super::entry::{Entry, KeyDigest, digest};
use super::table::{Existing, SlotTable};
use crate::context::SharedSlots;
use crate::json::id_value;
use crate::session_id::Session;

/// Longest `notifications/cancelled` that is remembered, in bytes.
const LARGEST_NOTIFICATION: usize = 1024;

/// Names a request that a client has in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallKey(KeyDigest);

impl CallKey {
    /// A request of `session`. `id` is the JSON token of its id, in any spelling.
    pub fn in_session(session: &Session, id: &[u8]) -> Self {
        Self(digest(
            "call in session",
            &[session.unique(), &id_value(id)],
        ))
    }
}

/// What is known of a request's cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// When the client told of it last, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The client's message; empty where it was too large to be remembered.
    pub notification: Vec<u8>,
}

/// `notification`, a `notifications/cancelled`, was seen for this request.
pub fn cancel(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    call: &CallKey,
    (notification, now_ms): (&[u8], u64),
) {
    let remembered = notification.len() <= LARGEST_NOTIFICATION;
    let entry = Entry {
        key: call.0,
        written_ms: now_ms,
        payload: if remembered {
            notification.to_vec()
        } else {
            Vec::new()
        },
    };
    // A client without sessions may use an id again: the latest time counts.
    table(limits).put(slots, &entry, Existing::Replace);
}

/// The latest cancellation of the request. The caller must compare its time with that at which its request came: an
/// earlier one with the same id may have been meant.
pub fn cancellation(
    slots: &dyn SharedSlots,
    limits: &Limits,
    call: &CallKey,
) -> Option<Cancellation> {
    table(limits)
        .find(slots, &call.0, 0)
        .map(|entry| Cancellation {
            at_ms: entry.written_ms,
            notification: entry.payload,
        })
}

fn table(limits: &Limits) -> SlotTable {
    SlotTable {
        prefix: "mcp.v1.c.",
        count: limits.ended_slots,
        lifetime_ms: u64::MAX,
    }
}

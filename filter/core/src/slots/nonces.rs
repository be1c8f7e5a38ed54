//! Nonces of control's signatures, each good for one request. A forgotten one could be used again while the
//! signature's time is within its window, and then for the very same request alone.

use super::entry::{Entry, digest};
use super::table::{Existing, Put, SlotTable};
use crate::context::SharedSlots;
use crate::control_signature::{Nonce, WINDOW_MS};

/// A signature may be as far in the future as in the past.
const TABLE: SlotTable = SlotTable {
    prefix: "mcp.v1.n.",
    count: 4096,
    lifetime_ms: 2 * WINDOW_MS,
};

/// Remembers `nonce` and tells whether it is new. False also when that cannot be told.
pub fn is_first_use(slots: &mut dyn SharedSlots, nonce: &Nonce, now_ms: u64) -> bool {
    let entry = Entry {
        key: digest("control nonce", &[nonce]),
        written_ms: now_ms,
        payload: Vec::new(),
    };
    matches!(TABLE.put(slots, &entry, Existing::Keep), Put::Stored(_))
}

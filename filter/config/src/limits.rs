use serde::{Deserialize, Serialize};

/// Bounds that keep memory and waiting finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Largest request, in bytes, that is held whole and can be sent again after a lost upstream session.
    pub replay_bytes: u32,
    /// Largest JSON response, in bytes, that is checked before it is passed on.
    pub checked_response_bytes: u32,
    /// Bytes of a request id that are kept and echoed; a longer one is refused.
    pub id_bytes: u32,
    /// Items of one list page.
    pub page_items: u32,
    /// Bytes of the definitions of one list page and the commas between them. A larger definition has a page of its own.
    pub page_bytes: u32,
    /// Slots for upstream sessions of clients, and as many for those that are shared, for each Envoy.
    pub session_slots: u32,
    /// Slots for ended sessions, for cancelled requests and for log levels of sessions, as many each, for each Envoy.
    pub ended_slots: u32,
    /// Bound of each side call (`initialize`, `DELETE`, notifications), in milliseconds.
    pub side_call_ms: u32,
    /// From a `notifications/cancelled` to the end of the call that it names, in milliseconds. Calls are looked at once
    /// in a second, so it may be one more.
    pub cancel_grace_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            replay_bytes: 64 * 1024,
            checked_response_bytes: 64 * 1024,
            id_bytes: 4096,
            page_items: 1000,
            page_bytes: 4 * 1024 * 1024,
            session_slots: 8192,
            ended_slots: 4096,
            side_call_ms: 5000,
            cancel_grace_ms: 4000,
        }
    }
}

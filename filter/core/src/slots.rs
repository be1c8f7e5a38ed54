//! What all workers of an Envoy remember together: a fixed number of slots in shared data, so memory is bounded
//! whatever clients do.
//!
//! Each kind of entry has a table of slots of its own. An entry may stand in one of a few slots that its key's digest
//! chooses; when all of them are taken, the oldest entry makes room. A lost entry is never wrong, only forgotten: what
//! that costs stands at each kind.

mod calls;
mod ended;
mod entry;
mod log_levels;
mod memory;
mod nonces;
mod sweep;
mod table;
mod upstream_sessions;
mod written;

pub use calls::{CallKey, Cancellation, cancel, cancellation};
pub use ended::{end, is_ended};
pub use log_levels::{log_level, set_log_level};
pub use memory::MemorySlots;
pub use nonces::is_first_use;
pub use sweep::count_upstream_sessions;
pub use upstream_sessions::{
    Inserted, Owner, UpstreamKey, UpstreamSession, forget_upstream_session,
    insert_upstream_session, upstream_session,
};

#[cfg(test)]
mod tests;

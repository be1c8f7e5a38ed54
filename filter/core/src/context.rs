//! What the outside lends to a callback: time, randomness, the caller's token, and memory that all workers share.

use crate::claims::Claims;

/// Lent to each entry point of an exchange.
#[allow(
    missing_debug_implementations,
    reason = "holds borrowed trait objects only"
)]
pub struct Context<'a> {
    /// Milliseconds since the Unix epoch: exact for request headers, calls' ends and ticks, else that of the last of
    /// these that any stream has seen.
    pub now_ms: u64,
    /// Fills the slice with random bytes fit for session ids.
    pub random: &'a mut dyn FnMut(&mut [u8]),
    /// What the caller's token says, where the gateway has verified one. Asked only where it matters, and not before
    /// `Exchange::on_held_body`: in front of what verifies tokens nobody knows it. A host that cannot hand over all
    /// claims gives those of the paths that it is told ([`Claims::one_by_one`]).
    pub claims: &'a mut dyn FnMut(&[Vec<String>]) -> Claims,
    /// The shared data of this Envoy.
    pub slots: &'a mut dyn SharedSlots,
}

/// A small map common to all workers of an Envoy (Proxy-Wasm shared data), with optimistic writes.
pub trait SharedSlots {
    /// The value under `key`, with the version that a later write can name.
    fn load(&self, key: &str) -> Option<Slot>;

    /// Writes when the version under `key` still is `version` or when nothing is there; `None` writes whatever is
    /// there. Tells whether it wrote. [`Slot::ABSENT`] writes only when nothing is there.
    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool;
}

/// A value in shared data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The bytes that were stored.
    pub value: Vec<u8>,
    /// Proxy-Wasm's compare-and-swap number.
    pub version: u32,
}

impl Slot {
    /// A version that no value has. Proxy-Wasm counts versions up from 1 and has no call of its own to create a key.
    pub const ABSENT: u32 = u32::MAX;
}

//! What discovery tells.

use std::sync::Arc;

use crate::object::ObjectName;
use crate::offer::Offer;

use super::DiscoveryError;

/// The outcome of one pass over one registration.
#[derive(Clone, Debug)]
pub struct Event {
    /// The registration.
    pub name: ObjectName,
    /// What the pass led to.
    pub outcome: Outcome,
}

/// What one pass led to. Whoever listens keeps the last [`Outcome::Found`] until [`Outcome::Lost`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Reached, handshake done, lists read. Sent after the first good pass, after one that changed something, and
    /// after one that ended a failure.
    Found(Arc<Offer>),
    /// The pass failed; what was found before stays. Sent after every failed pass.
    Failed(DiscoveryError),
    /// As `Failed`, and the server has failed so often in a row that its last offer is to be dropped. Also where
    /// there never was one.
    Lost(DiscoveryError),
}

//! An event stream of a server, on its way to the client.

use super::routed::Routed;
use crate::step::BodyStep;
use crate::{Context, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct ResponseEvents {}

impl ResponseEvents {
    /// Of the response to `routed`.
    pub(crate) fn new(_table: &Table, _routed: &Routed) -> Self {
        Self {}
    }

    /// The next piece.
    pub(crate) fn feed(
        &mut self,
        _table: &Table,
        piece: &[u8],
        _end: bool,
        _context: &mut Context<'_>,
    ) -> BodyStep {
        BodyStep::Replace(piece.to_vec())
    }
}

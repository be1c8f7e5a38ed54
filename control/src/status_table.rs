//! The table that `kubectl get mcpserverregistrations` prints.

use std::time::Duration;

use crate::index::Registration;
use crate::verdict::Verdict;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The registration.
    pub registration: &'a Registration,
    /// What is told about it.
    pub verdict: &'a Verdict,
    /// How long it has been there, where known.
    pub age: Option<Duration>,
}

/// The table, header first, each line ended by a newline.
pub fn table(rows: &[Row<'_>]) -> String {
    let _ = rows;
    String::new()
}

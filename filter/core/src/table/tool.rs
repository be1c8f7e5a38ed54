//! The tools of a table's catalog.

use super::ServerIndex;
use crate::catalog::{ListedIn, ToolHints};

/// Names a tool of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolIndex(pub(super) u32);

impl ToolIndex {
    /// Its place among the tools of the table.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// One tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name in this table.
    pub index: ToolIndex,
    /// Whose it is.
    pub server: ServerIndex,
    /// What it says of itself.
    pub hints: ToolHints,
    /// In which of its server's eras it is listed.
    pub listed_in: ListedIn,
}

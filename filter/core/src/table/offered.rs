//! A prompt, resource or template of a table's catalog.

use super::ServerIndex;
use crate::catalog::ListedIn;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Whose it is.
    pub server: ServerIndex,
    /// In which of its server's eras it is listed; what is listed nowhere counts as listed in both.
    pub listed_in: ListedIn,
}

//! What of a list is shown.

use super::{CacheScope, ListedIn, VirtualServer};

/// See the module. By default, everything.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// Only what this has.
    pub virtual_server: Option<&'a VirtualServer>,
    /// Only that for which this holds.
    pub is_visible: Option<&'a dyn Fn(Listed<'_>) -> bool>,
    /// To a stateless client, whose caches go by this.
    pub cache_scope: Option<CacheScope>,
}

/// One definition of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The place of its server in the configuration.
    pub server: u32,
    /// Federated name, URI or template text.
    pub key: &'a str,
    /// In which of its server's eras it is listed.
    pub listed_in: ListedIn,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown")
            .field("virtual_server", &self.virtual_server)
            .finish_non_exhaustive()
    }
}

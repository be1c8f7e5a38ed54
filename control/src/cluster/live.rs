//! What a gateway serves when its configuration is live.

use std::collections::BTreeSet;

use mcp_filter_config::Endpoint;

use crate::object::ObjectName;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// What its filter shows then.
    pub(super) generation: String,
    /// Where.
    pub(super) endpoints: Vec<Endpoint>,
    /// Whom, with the lists that were read of each.
    pub(super) servers: BTreeSet<ObjectName>,
}

//! What a gateway serves when its configuration is live.

use std::collections::BTreeSet;

use mcp_filter_config::Endpoint;

use crate::object::ObjectName;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// Where.
    pub(super) endpoints: Vec<Endpoint>,
    /// Whom.
    pub(super) servers: BTreeSet<ObjectName>,
    /// Those of them of which it has the lists.
    pub(super) listed: BTreeSet<ObjectName>,
}

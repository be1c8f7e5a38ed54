//! What a gateway serves when its configuration is live.

use std::collections::BTreeMap;

use mcp_filter_config::{Endpoint, Policy};

use crate::object::ObjectName;
use crate::render::Shown;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// What its filter shows then.
    pub(super) generation: String,
    /// Where.
    pub(super) endpoints: Vec<Endpoint>,
    /// Whom, with the lists that were read of each, and the policies that guard it.
    pub(super) servers: BTreeMap<ObjectName, Vec<Policy>>,
    /// What it shows instead of everything to who asks for a virtual server, by `namespace/name`.
    pub(super) virtual_servers: BTreeMap<String, Shown>,
}

impl Live {
    /// Whether anything that is served is guarded by what was made from this object.
    pub(super) fn is_guarded_by(&self, policy: &ObjectName) -> bool {
        let name = policy.to_string();
        let mut authentications = self.endpoints.iter().flat_map(|one| &one.authentication);
        authentications.any(|one| one.policy == name) || !self.guards(&name).is_empty()
    }

    /// Whether the policies made from this object guard the same servers alike in `other`.
    pub(super) fn guards_as(&self, other: &Self, policy: &ObjectName) -> bool {
        let name = policy.to_string();
        self.guards(&name) == other.guards(&name)
    }

    /// The policies of this name, by the servers that they guard.
    fn guards(&self, name: &str) -> Vec<(&ObjectName, &Policy)> {
        let all = self.servers.iter().flat_map(|(server, policies)| {
            let policies = policies.iter().filter(|policy| policy.name == name);
            policies.map(move |policy| (server, policy))
        });
        all.collect()
    }
}

//! The resolved model: one pure, deterministic function over all objects.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{Endpoint, Policy, Timeouts, Upstream};

use crate::manifests::Object;
use crate::network::Network;
use crate::object::ObjectName;
use crate::verdict::Fault;

/// What the objects do not say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Values for `$NAME` in `stringData` of Secrets.
    pub variables: BTreeMap<String, String>,
    /// Hosts of the MCP endpoint where the objects name none.
    pub default_hosts: Vec<String>,
}

/// Everything that the filter and Envoy have to know, but for what discovery brings.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Where MCP clients connect.
    pub endpoints: Vec<Endpoint>,
    /// Hosts of the registrations' routes and of their servers: closed to clients.
    pub internal_hosts: Vec<String>,
    /// Oldest first. Those that are not served are here, too, with the reason.
    pub registrations: Vec<Registration>,
    /// [`Resolved::policies`] refers to them by place.
    pub policies: Vec<Policy>,
    /// What is to be told about other objects than registrations.
    pub notices: Vec<Notice>,
    /// What Envoy has to know to reach the servers; complete also for registrations that are not served.
    pub network: Network,
}

/// A `MCPServerRegistration` or `MCPServer`.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its name; also the server's.
    pub name: ObjectName,
    /// `MCPServerRegistration` or `MCPServer`
    pub kind: &'static str,
    /// `spec.prefix` or `spec.toolPrefix`
    pub prefix: Option<String>,
    /// `spec.targetRef.name`
    pub target: String,
    /// `spec.path`
    pub path: String,
    /// `spec.credentialRef.name`
    pub credential: Option<String>,
    /// `metadata.creationTimestamp`; manifests have none.
    pub created: Option<Timestamp>,
    /// How it is served, or why not.
    pub outcome: Result<Resolved, Fault>,
    /// Fields of it that have no effect yet, such as `spec.tokenURLElicitation`.
    pub unsupported: Vec<String>,
}

/// How a registration's server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Hostname of the route: `:authority` through the gateway.
    pub host: String,
    /// `:path` through the gateway.
    pub path: String,
    /// The far side, the route's rewrites applied.
    pub upstream: Upstream,
    /// Sent as `Authorization` by discovery alone.
    pub authorization: Option<Credential>,
    /// `spec.timeouts`
    pub timeouts: Timeouts,
    /// Places in [`Index::policies`], in order of evaluation.
    pub policies: Vec<u32>,
    /// Set where a policy of the server cannot be enforced: it is discovered, but every call is denied.
    pub denied: Option<Fault>,
}

/// A secret value. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(pub String);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Something to be told about an object that is no registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Kind of the object.
    pub kind: &'static str,
    /// The object.
    pub name: ObjectName,
    /// Whether the object is accepted all the same.
    pub accepted: bool,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Resolves all objects. The order in which they come does not matter.
pub fn build<'a>(objects: impl IntoIterator<Item = &'a Object>, settings: &Settings) -> Index {
    let _ = (objects.into_iter().count(), settings);
    Index::default()
}

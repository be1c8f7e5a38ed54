//! The resolved model: one pure, deterministic function over all objects.

mod attachment;
mod backend;
mod builder;
mod connection;
mod gateways;
mod grant;
mod hostname;
mod placeholder;
mod policies;
mod registration;
mod route;
mod secret;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{Endpoint, Policy, Timeouts, Upstream};

use crate::manifests::{Identity, Object};
use crate::network::Network;
use crate::object::ObjectName;
use crate::verdict::Fault;
use builder::Builder;
use store::Store;

/// What the objects do not say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Values for `$NAME` in `stringData` of Secrets.
    pub variables: BTreeMap<String, String>,
    /// Objects that are there but could not be read.
    pub unreadable: BTreeSet<Identity>,
    /// Hosts that are the MCP endpoint's whatever the objects say.
    pub listen_hosts: Vec<String>,
    /// Hosts that are the MCP endpoint's unless an MCPGatewayExtension says `publicHost`.
    pub default_hosts: Vec<String>,
}

impl Settings {
    /// For an own Envoy that listens at `listen`.
    pub fn local(listen: SocketAddr, variables: BTreeMap<String, String>) -> Self {
        let mut addresses = vec![listen.ip(), Ipv4Addr::LOCALHOST.into()];
        if listen.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            addresses.push(Ipv6Addr::LOCALHOST.into());
        }
        addresses.dedup();
        let listen_hosts = addresses.iter().map(IpAddr::to_string).collect();
        let default_hosts = ["localhost", GUIDE_HOST].map(str::to_owned).to_vec();
        Self {
            variables,
            unreadable: BTreeSet::new(),
            listen_hosts,
            default_hosts,
        }
    }
}

/// The guides' name for this machine: any resolver gives 127.0.0.1 for it.
const GUIDE_HOST: &str = "mcp.127-0-0-1.sslip.io";

/// Everything that the filter and Envoy have to know, but for what discovery brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Gateways that serve them.
    pub gateways: BTreeSet<ObjectName>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Set where a policy cannot be enforced: the server is discovered, but every call is denied.
    pub denied: Option<Denied>,
}

/// What becomes of a server for which a policy cannot be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Names the policy.
    pub fault: Fault,
    /// Whether the policy is the gateway's, so that nothing of the server may be listed either.
    pub hidden: bool,
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
    Builder::new(Store::new(objects, settings.unreadable.clone()), settings).build()
}

#[cfg(test)]
pub(crate) mod tests;

//! The resolved model: one pure, deterministic function over all objects.

mod acceptance;
mod access;
mod address;
mod attachment;
mod backend;
mod builder;
mod candidate;
mod clients;
mod connection;
mod endpoints;
mod foreign;
mod gateways;
mod grant;
mod holders;
mod hostname;
mod istiod;
mod placeholder;
mod policies;
mod registration;
mod route;
mod routing;
mod secret;
mod settings;
mod store;
mod streams;
mod virtual_servers;

pub use access::Access;
pub use address::GatewayAddress;
pub use settings::{Carrier, Settings};
pub use streams::{STREAMS_LABEL, StreamsRoute, streams_route_name};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{Endpoint, Policy, Streams, Telemetry, Timeouts, Upstream};

use mcp_filter_core::catalog::Selected;

use crate::manifests::Object;
use crate::network::Network;
use crate::object::ObjectName;
use crate::verdict::Fault;
use builder::Builder;
use store::Store;

/// Where MCP clients connect, below the public hosts.
const ENDPOINT_PATH: &str = "/mcp";

/// Everything that the filter and Envoy have to know, but for what discovery brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Gateways that serve them.
    pub gateways: BTreeSet<ObjectName>,
    /// Where control reaches each of them. Empty where the carrier is our own.
    pub addresses: BTreeMap<ObjectName, Result<GatewayAddress, Fault>>,
    /// Where MCP clients connect.
    pub endpoints: Vec<Endpoint>,
    /// Whose tokens are taken there, in the order of their URLs.
    pub issuers: Vec<TokenIssuer>,
    /// Hosts of the registrations' routes and of their servers: closed to clients.
    pub internal_hosts: Vec<String>,
    /// Oldest first. Those that are not served are here, too, with the reason. Where one gateway counts alone, those
    /// whose routes are attached to it.
    pub registrations: Vec<Registration>,
    /// [`Resolved::policies`] refers to them by place.
    pub policies: Vec<Policy>,
    /// What becomes of each AuthPolicy, in the order of their names.
    pub policy_verdicts: Vec<PolicyVerdict>,
    /// In the order of their names.
    pub virtual_servers: Vec<Selected>,
    /// What the filter tells of requests.
    pub telemetry: Telemetry,
    /// Where `mcp-streams` is; its host is among the internal ones.
    pub streams: Option<Streams>,
    /// What shall lead there, where the only gateway that counts is one of Istio's.
    pub streams_route: Option<StreamsRoute>,
    /// Extensions of the gateways that count, oldest first.
    pub extensions: Vec<ExtensionVerdict>,
    /// What is to be told about other objects than registrations.
    pub notices: Vec<Notice>,
    /// What Envoy has to know to reach the servers; complete also for registrations that are not served. Where Istio
    /// carries requests, clusters have nothing but their names.
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
    /// `metadata.generation`; manifests have none.
    pub generation: Option<i64>,
    /// Gateways that its route is attached to, of those that count, served or not.
    pub gateways: Vec<ObjectName>,
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
    /// Why discovery does not ask the server: a Secret of the registration cannot be used, of which `authorization`
    /// should be, or certificates. Calls need neither, so what was discovered before is served. Where the carrier is our
    /// own, such a registration is not resolved.
    pub unasked: Option<Fault>,
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

/// What becomes of an `MCPGatewayExtension`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionVerdict {
    /// Its name.
    pub name: ObjectName,
    /// `metadata.generation`; manifests have none.
    pub generation: Option<i64>,
    /// The Gateway that it makes serve, or why it does not.
    pub outcome: Result<ObjectName, Fault>,
    /// Fields of it that have no effect yet.
    pub unsupported: Vec<String>,
}

/// Somebody who issues tokens that are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// The claim `iss`, and where its keys are asked for.
    pub url: String,
    /// PEM certificates of the authorities that it is checked by, of `caCertBundleRef`; the system's where absent.
    pub authorities: Result<Option<String>, Fault>,
    /// The policies that name it.
    pub policies: Vec<ObjectName>,
}

/// What becomes of an AuthPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// Its name.
    pub name: ObjectName,
    /// `metadata.generation`; manifests have none.
    pub generation: Option<i64>,
    /// Whether all of it can be enforced. Where it cannot, what it is for is denied.
    pub accepted: bool,
    /// Whether it holds for anything here.
    pub enforced: bool,
    /// What its author is told.
    pub told: Vec<Fault>,
}

impl PolicyVerdict {
    fn notices(&self) -> impl Iterator<Item = Notice> {
        self.told.iter().map(|fault| Notice {
            kind: "AuthPolicy",
            name: self.name.clone(),
            accepted: self.accepted,
            fault: fault.clone(),
        })
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

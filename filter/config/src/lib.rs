//! The configuration that control writes and the filter reads: one type, for both.
//!
//! Nothing here is compiled or checked beyond its shape; `mcp-filter-core` does that, for control and filter alike.
//! Fields unknown to an older filter are ignored; what it must not ignore is named in [`PluginConfig::requires`].
//! The whole is readable by whoever reads `WasmPlugin` objects or Envoy's config dump, so it holds no credential.

mod authentication;
mod catalog;
mod endpoint;
mod limits;
mod policy;
mod server;
mod session;
mod streams;
mod telemetry;

pub use authentication::{Authentication, Issuer, ProtectedResource};
pub use catalog::{Catalog, CatalogEncoding};
pub use endpoint::Endpoint;
pub use limits::Limits;
pub use policy::{
    CallPart, CallValue, ClaimOfCall, ClaimValue, Condition, Denial, HeaderValue, Policy, Rule,
    SetHeader, ValuePart,
};
pub use server::{ListChanged, Server, Timeouts, Upstream};
pub use session::{ControlKeys, SessionKey, Sessions};
pub use streams::Streams;
pub use telemetry::{Stats, Telemetry};

use serde::{Deserialize, Serialize};

/// The configuration version that this crate writes and reads. A change of meaning takes a new number.
pub const VERSION: u32 = 1;

/// The names that may stand in [`PluginConfig::requires`] and that a filter of this version understands.
pub const KNOWN_REQUIREMENTS: &[&str] = &[AUTHENTICATION, STATELESS];

/// The requirement of a configuration in which an endpoint has [`Authentication`].
pub const AUTHENTICATION: &str = "authentication";

/// The requirement of a configuration in which a server speaks the stateless revision 2026-07-28 alone. One that has
/// sessions beside it needs none, for an older filter serves it by these.
pub const STATELESS: &str = "stateless";

/// One plugin instance's configuration, as JSON in `WasmPlugin.spec.pluginConfig` or Envoy's `configuration`.
///
/// Istio re-encodes it as a protobuf `Struct`: key order is lost and numbers become doubles, so no number here
/// exceeds 2^53 and what must keep its bytes travels inside a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PluginConfig {
    /// Always [`VERSION`]; any other value is refused.
    pub version: u32,
    /// Features without which this configuration must not be served. An unknown name is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Which of the module's three parts this instance plays.
    pub role: Role,
    /// Content digest of everything else, lower-case hex of SHA-256. Empty for `gate`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generation: String,
    /// Where MCP clients connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Hosts that only routed requests and control may ask for: exact names, or `*.suffix`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub internal_hosts: Vec<String>,
    /// The upstream servers, oldest registration first. Elsewhere a server is named by its place in this list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Server>,
    /// What the servers offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// Rules for requests on their way to a server. [`Server::policies`] refers to them by place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Keys and lifetime of client sessions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions: Sessions,
    /// How control is recognised.
    #[serde(default, skip_serializing_if = "is_default")]
    pub control: ControlKeys,
    /// Bounds in bytes, entries and milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// What is told of requests.
    #[serde(default, skip_serializing_if = "is_default")]
    pub telemetry: Telemetry,
    /// Where `mcp-streams` is reached. Absent: what it does is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Streams>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The part that one plugin instance plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The only instance; Envoy's `allow_on_headers_stop_iteration` lets it hold headers while it reads the body.
    Hold,
    /// The first of two: decides while the second holds the headers.
    Route,
    /// The second of two: holds the headers until the first has decided.
    Gate,
}

#[cfg(test)]
mod tests;

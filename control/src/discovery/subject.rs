//! What discovery is told about a registration.

use std::net::Ipv6Addr;

use mcp_filter_config::Upstream;

use crate::gateway_client::Credential;
use crate::index::{Index, Registration};
use crate::network::{Cluster, Network};
use crate::object::ObjectName;

/// One registration that can be reached through the gateway. Where anything of it changes, it is discovered anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The registration.
    pub name: ObjectName,
    /// Hostname of its route.
    pub host: String,
    /// Path of the registration.
    pub path: String,
    /// What the server is sent as `Authorization`.
    pub credential: Option<Credential>,
    /// The far side of the route; not used but to see that it changes.
    pub upstream: Option<Upstream>,
    /// How the far side is reached, where that is known; likewise.
    pub cluster: Option<Cluster>,
    /// Another one where what was found before is not known any more; likewise.
    pub round: u64,
}

impl Subject {
    /// How discovery reaches a registration; `None` for one that is not served, or whose server is not to be asked.
    pub fn of(registration: &Registration, network: &Network) -> Option<Self> {
        let resolved = registration.outcome.as_ref().ok()?;
        if resolved.unasked.is_some() {
            return None;
        }
        let cluster = &resolved.upstream.cluster;
        Some(Self {
            name: registration.name.clone(),
            host: resolved.host.clone(),
            path: resolved.path.clone(),
            credential: resolved
                .authorization
                .as_ref()
                .map(|secret| Credential::new(&secret.0)),
            upstream: Some(resolved.upstream.clone()),
            cluster: network
                .clusters
                .iter()
                .find(|known| known.name == *cluster)
                .cloned(),
            round: 0,
        })
    }
}

/// Where MCP clients connect: asked after a failure, to tell the gateway's from the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicEndpoint {
    /// One of the hosts of `mcp_filter_config::Endpoint`.
    pub host: String,
    /// Its path.
    pub path: String,
}

impl PublicEndpoint {
    /// The first one, as a client would spell it.
    pub fn of(index: &Index) -> Option<Self> {
        let endpoint = index.endpoints.first()?;
        let host = endpoint.hosts.first()?;
        let is_ipv6 = host.parse::<Ipv6Addr>().is_ok();
        Some(Self {
            host: if is_ipv6 {
                format!("[{host}]")
            } else {
                host.clone()
            },
            path: endpoint.path.clone(),
        })
    }
}

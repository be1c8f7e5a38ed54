use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mcp_filter_config::{Streams, Telemetry};

use crate::manifests::Identity;
use crate::object::ObjectName;

/// The guides' name for this machine: any resolver gives 127.0.0.1 for it.
const GUIDE_HOST: &str = "mcp.127-0-0-1.sslip.io";

/// Who carries requests to the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// An Envoy that has from us what is in [`Index::network`](super::Index::network).
    #[default]
    Own,
    /// Istio's gateways. istiod finds endpoints, applies DestinationRules and says which routes are accepted.
    Istio,
}

/// What the objects do not say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Who carries requests.
    pub carrier: Carrier,
    /// The only gateway that counts, with what reaches it; all of them where absent.
    pub gateway: Option<ObjectName>,
    /// Where gateways are reached, whatever the objects say: `host` or `host:port`.
    pub gateway_addresses: BTreeMap<ObjectName, String>,
    /// Values for `$NAME` in `stringData` of Secrets.
    pub variables: BTreeMap<String, String>,
    /// Objects that are there but could not be read.
    pub unreadable: BTreeSet<Identity>,
    /// Namespaces whose Secrets may not be read.
    pub unreadable_secrets: BTreeSet<String>,
    /// Namespaces of which it is not known yet what Secrets they have.
    pub unseen_secrets: BTreeSet<String>,
    /// What the filter tells of requests.
    pub telemetry: Telemetry,
    /// Where `mcp-streams` is, where the carrier is our own and it runs.
    pub streams: Option<Streams>,
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
        Self {
            variables,
            listen_hosts: addresses.iter().map(IpAddr::to_string).collect(),
            default_hosts: ["localhost", GUIDE_HOST].map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }

    /// For gateways of Istio: one of them with what reaches it, or all.
    pub fn cluster(gateway: Option<ObjectName>) -> Self {
        Self {
            carrier: Carrier::Istio,
            gateway,
            ..Self::default()
        }
    }

    pub(super) fn counts(&self, gateway: &ObjectName) -> bool {
        self.gateway.as_ref().is_none_or(|only| only == gateway)
    }
}

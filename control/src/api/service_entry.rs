use std::collections::BTreeMap;

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Istio's ServiceEntry, as far as it says where a host is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource)]
#[kube(
    group = "networking.istio.io",
    version = "v1",
    kind = "ServiceEntry",
    plural = "serviceentries",
    namespaced,
    schema = "disabled",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEntrySpec {
    /// The hosts.
    pub hosts: Vec<String>,
    /// Their ports.
    #[serde(default)]
    pub ports: Vec<ServicePort>,
    /// Inside or outside the mesh; without effect here.
    #[serde(default)]
    pub location: Option<String>,
    /// How addresses are found.
    #[serde(default)]
    pub resolution: Resolution,
    /// The addresses.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Number by which routes name it.
    pub number: u16,
    /// Name by which endpoints name it.
    #[serde(default)]
    pub name: String,
    /// `HTTP`, `HTTPS`, `HTTP2`, `GRPC`, `TLS`, `TCP`.
    #[serde(default)]
    pub protocol: Option<String>,
    /// Number at the endpoints, where it is another one.
    #[serde(default)]
    pub target_port: Option<u16>,
}

/// How addresses are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// By the connection's original destination.
    #[default]
    #[serde(rename = "NONE")]
    None,
    /// They are the endpoints' IP addresses.
    #[serde(rename = "STATIC")]
    Static,
    /// By DNS.
    #[serde(rename = "DNS")]
    Dns,
    /// By DNS, one at a time.
    #[serde(rename = "DNS_ROUND_ROBIN")]
    DnsRoundRobin,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// An IP address, or a name where the resolution is by DNS.
    #[serde(default)]
    pub address: String,
    /// Port numbers by the names of the host's ports.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
}

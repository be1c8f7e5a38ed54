use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Istio's DestinationRule, as far as it says how connections are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource)]
#[kube(
    group = "networking.istio.io",
    version = "v1",
    kind = "DestinationRule",
    plural = "destinationrules",
    namespaced,
    schema = "disabled",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRuleSpec {
    /// The host: a full name, a Service's short name, or `*.suffix`.
    pub host: String,
    /// For all its ports.
    #[serde(default)]
    pub traffic_policy: Option<TrafficPolicy>,
}

/// How connections are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficPolicy {
    /// TLS towards the server.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Bounds.
    #[serde(default)]
    pub connection_pool: Option<ConnectionPool>,
    /// For single ports, instead of the above.
    #[serde(default)]
    pub port_level_settings: Vec<PortPolicy>,
}

/// How connections to one port are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortPolicy {
    /// The port.
    pub port: PortSelector,
    /// TLS towards the server.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Bounds.
    #[serde(default)]
    pub connection_pool: Option<ConnectionPool>,
}

/// A port by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSelector {
    /// The number.
    pub number: u16,
}

/// TLS towards the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsSettings {
    /// Kind of TLS.
    #[serde(default)]
    pub mode: TlsMode,
    /// Server name.
    #[serde(default)]
    pub sni: Option<String>,
    /// A file with PEM CA certificates.
    #[serde(default)]
    pub ca_certificates: Option<String>,
    /// A Secret with certificates.
    #[serde(default)]
    pub credential_name: Option<String>,
    /// Names of which the certificate must have one.
    #[serde(default)]
    pub subject_alt_names: Vec<String>,
    /// Whether the certificate is not checked.
    #[serde(default)]
    pub insecure_skip_verify: Option<bool>,
    /// A file with the client's certificate.
    #[serde(default)]
    pub client_certificate: Option<String>,
    /// A file with the client's key.
    #[serde(default)]
    pub private_key: Option<String>,
}

/// Kind of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// None.
    #[default]
    Disable,
    /// The server shows a certificate.
    Simple,
    /// Both show one.
    Mutual,
    /// Both show one of the mesh.
    IstioMutual,
}

/// Bounds of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionPool {
    /// Of TCP.
    #[serde(default)]
    pub tcp: Option<TcpSettings>,
    /// Of HTTP.
    #[serde(default)]
    pub http: Option<HttpSettings>,
}

/// Bounds of TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpSettings {
    /// Connections at once.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// A Go duration, such as `30ms`.
    #[serde(default)]
    pub connect_timeout: Option<String>,
}

/// Bounds of HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpSettings {
    /// Requests that wait for a connection.
    #[serde(default)]
    pub http1_max_pending_requests: Option<u32>,
    /// Requests at once.
    #[serde(default)]
    pub http2_max_requests: Option<u32>,
    /// Whether HTTP/2 is spoken with the server.
    #[serde(default)]
    pub h2_upgrade_policy: Option<H2UpgradePolicy>,
}

/// Whether HTTP/2 is spoken with the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum H2UpgradePolicy {
    /// As the mesh says: no.
    #[default]
    Default,
    /// No.
    DoNotUpgrade,
    /// Yes.
    Upgrade,
}

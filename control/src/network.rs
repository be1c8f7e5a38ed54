//! What Envoy has to know to reach the upstream servers: hosts, routes and clusters, free of Envoy's and
//! Kubernetes' spelling. On Istio this is istiod's work; local mode turns it into Envoy's files.

use std::path::PathBuf;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// In the order of their names.
    pub clusters: Vec<Cluster>,
    /// In the order of their hosts.
    pub routes: Vec<Route>,
    /// By whose keys tokens are verified, in the order of their URLs.
    pub issuers: Vec<Issuer>,
}

/// Somebody who issues tokens, once it is known where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The claim `iss`.
    pub url: String,
    /// Where the keys are: `jwks_uri`.
    pub keys: String,
    /// [`Cluster::name`] of who has them.
    pub cluster: String,
}

/// One upstream host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// As istiod names it: `outbound|443||api.githubcopilot.com`.
    pub name: String,
    /// Where connections go.
    pub addresses: Vec<Address>,
    /// A Unix socket of this machine where they go instead.
    pub socket: Option<PathBuf>,
    /// Whether the addresses are names to be resolved.
    pub dns: bool,
    /// TLS towards the server.
    pub tls: Option<Tls>,
    /// `connectionPool.tcp.maxConnections`
    pub max_connections: Option<u32>,
    /// `connectionPool.http.http1MaxPendingRequests`
    pub max_pending_requests: Option<u32>,
    /// `connectionPool.http.http2MaxRequests`
    pub max_requests: Option<u32>,
    /// `connectionPool.tcp.connectTimeout`, in milliseconds.
    pub connect_timeout_ms: Option<u64>,
    /// `h2UpgradePolicy: UPGRADE`: HTTP/2 towards the server.
    pub http2: bool,
}

/// An address of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// An IP address, or a name where the cluster says `dns`.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// TLS origination: `mode: SIMPLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Server name; the certificate is checked against it, too.
    pub sni: String,
    /// A file with PEM CA certificates; the system's where this and `ca_pem` are absent.
    pub ca_certificates: Option<String>,
    /// PEM CA certificates themselves, instead of a file.
    pub ca_pem: Option<String>,
    /// Whether the certificate is not checked (`insecureSkipVerify`).
    pub insecure_skip_verify: bool,
}

/// An HTTPRoute with one hostname, one rule and one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The hostname that requests carry.
    pub host: String,
    /// Which paths match.
    pub path: PathMatch,
    /// `:authority` towards the server, where rewritten.
    pub authority_rewrite: Option<String>,
    /// What the matched part of the path becomes, where rewritten.
    pub path_rewrite: Option<PathRewrite>,
    /// [`Cluster::name`].
    pub cluster: String,
}

/// `HTTPRoute.spec.rules[].matches[].path`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// `PathPrefix`, by whole path segments.
    Prefix(String),
    /// `Exact`
    Exact(String),
}

/// `URLRewrite.path`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRewrite {
    /// `ReplaceFullPath`
    Full(String),
    /// `ReplacePrefixMatch`
    Prefix(String),
}

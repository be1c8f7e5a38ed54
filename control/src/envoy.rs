//! Envoy as local mode runs it: its configuration files, all of them pure functions of a [`Setup`], a
//! [`Network`](crate::network::Network) and the plugin's configuration.
//!
//! ```text
//! bootstrap -> listener (LDS) -> filters, each by ECDS -> routes (RDS) -> clusters (CDS)
//! ```
//! The listener never changes while Envoy runs; routes, clusters, issuers of tokens and the plugin's configuration do,
//! and none of them touches a connection.

pub mod admin;
pub mod bootstrap;
pub mod cluster;
pub mod extension;
pub mod leash;
pub mod listener;
pub mod log;
pub mod plan;
pub mod process;
pub mod push;
pub mod response;
pub mod route;
pub mod streams;
pub mod subscription;
pub mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

/// What stays the same for the life of an Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Where MCP clients connect. Envoy picks a port where it is 0.
    pub listen: SocketAddr,
    /// How many instances of the filter hold a request.
    pub instances: Instances,
    /// The filter, a Wasm module. The file must not change while Envoy runs.
    pub module: PathBuf,
    /// The directory of Envoy's files. Absolute.
    pub directory: PathBuf,
    /// Envoy's admin interface, a Unix socket.
    pub admin_socket: PathBuf,
    /// PEM CA certificates that servers are checked against where a cluster names none.
    pub ca_certificates: PathBuf,
}

/// How the filter stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One instance, role `hold`, which Envoy lets read the body while the headers wait.
    Hold,
    /// Two instances in one VM, roles `route` and `gate`, as on Istio.
    Pair,
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::network::{Address, Cluster, Issuer, Network, PathMatch, PathRewrite, Route, Tls};

    pub(crate) fn setup(instances: Instances) -> Setup {
        Setup {
            listen: "127.0.0.1:8001".parse().unwrap(),
            instances,
            module: "/run/mcp/filter.wasm".into(),
            directory: "/run/mcp/envoy".into(),
            admin_socket: "/run/mcp/admin.sock".into(),
            ca_certificates: "/etc/ssl/certs/ca-certificates.crt".into(),
        }
    }

    pub(crate) fn config() -> mcp_filter_config::PluginConfig {
        serde_json::from_str(r#"{"version": 1, "role": "hold"}"#).unwrap()
    }

    pub(crate) fn cluster(name: &str) -> Cluster {
        Cluster {
            name: name.to_owned(),
            addresses: vec![Address {
                host: "127.0.0.1".to_owned(),
                port: 3001,
            }],
            socket: None,
            dns: false,
            tls: None,
            max_connections: None,
            max_pending_requests: None,
            max_requests: None,
            connect_timeout_ms: None,
            http2: false,
        }
    }

    pub(crate) fn route(host: &str, cluster: &str) -> Route {
        Route {
            host: host.to_owned(),
            path: PathMatch::Prefix("/mcp".to_owned()),
            authority_rewrite: None,
            path_rewrite: None,
            cluster: cluster.to_owned(),
        }
    }

    pub(crate) fn issuer(url: &str) -> Issuer {
        Issuer {
            url: url.to_owned(),
            keys: format!("{url}/keys"),
            cluster: format!("issuer|{url}"),
        }
    }

    /// The guide's server, and one on this machine.
    pub(crate) fn network() -> Network {
        let github = "outbound|443||api.githubcopilot.com";
        let local = "outbound|3001||everything.mcp-test.svc.cluster.local";
        Network {
            clusters: vec![
                Cluster {
                    addresses: vec![Address {
                        host: "api.githubcopilot.com".to_owned(),
                        port: 443,
                    }],
                    dns: true,
                    tls: Some(Tls {
                        sni: "api.githubcopilot.com".to_owned(),
                        ca_certificates: None,
                        ca_pem: None,
                        insecure_skip_verify: false,
                    }),
                    max_connections: Some(100),
                    max_pending_requests: Some(50),
                    max_requests: Some(200),
                    connect_timeout_ms: Some(2500),
                    http2: true,
                    ..cluster(github)
                },
                cluster(local),
            ],
            routes: vec![
                Route {
                    path: PathMatch::Exact("/tools".to_owned()),
                    path_rewrite: Some(PathRewrite::Full("/mcp".to_owned())),
                    ..route("everything.mcp.local", local)
                },
                Route {
                    authority_rewrite: Some("api.githubcopilot.com".to_owned()),
                    ..route("github.mcp.local", github)
                },
            ],
            issuers: Vec::new(),
        }
    }

    /// Compares with a golden file, and shows what it would have to hold.
    pub(crate) fn assert_golden(actual: &serde_json::Value, golden: &str) {
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        assert_eq!(*actual, golden, "the golden file would be:\n{actual:#}");
    }
}

//! Envoy's bootstrap: the admin socket and where the files are.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Setup;
use super::response::{from_file, text, typed};
use super::subscription::Subscription;

/// Connections that Envoy accepts at once.
const MAX_DOWNSTREAM_CONNECTIONS: u32 = 50_000;

/// The file that Envoy is started with.
pub fn path(setup: &Setup) -> PathBuf {
    setup.directory.join("bootstrap.json")
}

/// The bootstrap configuration.
pub fn bootstrap(setup: &Setup) -> Value {
    json!({
        "node": { "id": "mcp-control-local", "cluster": "mcp-control" },
        "admin": { "address": { "pipe": { "path": text(&setup.admin_socket), "mode": 0o600 } } },
        "dynamic_resources": {
            "lds_config": from_file(&Subscription::Listeners.path(setup)),
            "cds_config": from_file(&Subscription::Clusters.path(setup)),
        },
        "typed_dns_resolver_config": dns_resolver(),
        "stats_config": { "stats_tags": stats_tags() },
        "overload_manager": { "resource_monitors": [connection_limit()] },
    })
}

/// The file of CA certificates that the system keeps: the first that exists of those of the usual distributions.
pub fn system_ca_certificates(exists: impl Fn(&Path) -> bool) -> PathBuf {
    const BUNDLES: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let [usual, ..] = BUNDLES;
    BUNDLES
        .iter()
        .map(Path::new)
        .find(|path| exists(path))
        .unwrap_or(Path::new(usual))
        .to_owned()
}

/// A name server that is silent must not keep Envoy from starting for long.
fn dns_resolver() -> Value {
    let config = json!({ "query_timeout_seconds": 2, "query_tries": 2 });
    json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": typed(
            "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            config,
        ),
    })
}

/// The labels of the filter's statistics, as Istio's `extraStatTags` would look for them.
fn stats_tags() -> Vec<Value> {
    let labels = ["mcp_server", "mcp_tool", "mcp_outcome"];
    labels
        .iter()
        .map(|name| json!({ "tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)") }))
        .collect()
}

fn connection_limit() -> Value {
    let config = json!({ "max_active_downstream_connections": MAX_DOWNSTREAM_CONNECTIONS });
    json!({
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(
            "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            config,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Instances;
    use super::super::samples::{assert_golden, setup};
    use super::*;

    #[test]
    fn the_bootstrap_names_the_admin_socket_and_the_files() {
        let actual = bootstrap(&setup(Instances::Hold));
        assert_golden(&actual, include_str!("testdata/bootstrap.json"));
    }

    #[test]
    fn the_first_ca_bundle_that_exists_is_taken() {
        let bundle = system_ca_certificates(|path| path.starts_with("/etc/pki"));
        assert_eq!(bundle, Path::new("/etc/pki/tls/certs/ca-bundle.crt"));
    }

    #[test]
    fn without_any_ca_bundle_the_usual_one_is_named_so_that_nothing_goes_unchecked() {
        let bundle = system_ca_certificates(|_| false);
        assert_eq!(bundle, Path::new("/etc/ssl/certs/ca-certificates.crt"));
    }
}

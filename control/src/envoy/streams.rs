//! The way from Envoy to `mcp-streams`, which runs within this very program.

use std::path::Path;

use mcp_filter_config::{Streams, Upstream};

use crate::network::{Cluster, Network, PathMatch, Route};

/// What the filter makes `:authority`; no name that a resolver knows (`.internal` is nobody's).
pub const HOST: &str = "mcp-streams.internal";

/// What the filter makes `:path`.
const PATH: &str = "/mcp-streams";

const CLUSTER: &str = "mcp-streams";

/// As many at once as Envoy takes connections of clients: `mcp-streams` has bounds of its own, and says so.
const MAX_AT_ONCE: u32 = 50_000;

/// What the filter has to know.
pub fn streams() -> Streams {
    Streams {
        host: HOST.to_owned(),
        path: PATH.to_owned(),
        upstream: Upstream {
            cluster: CLUSTER.to_owned(),
            authority: HOST.to_owned(),
            path: PATH.to_owned(),
        },
    }
}

/// What Envoy has to know, where `mcp-streams` listens at `socket`.
pub fn extend(network: &mut Network, socket: &Path) {
    network.clusters.push(Cluster {
        name: CLUSTER.to_owned(),
        addresses: Vec::new(),
        socket: Some(socket.to_owned()),
        dns: false,
        tls: None,
        max_connections: Some(MAX_AT_ONCE),
        max_pending_requests: Some(MAX_AT_ONCE),
        max_requests: Some(MAX_AT_ONCE),
        connect_timeout_ms: None,
        http2: false,
    });
    network.routes.push(Route {
        host: HOST.to_owned(),
        path: PathMatch::Exact(PATH.to_owned()),
        authority_rewrite: None,
        path_rewrite: None,
        cluster: CLUSTER.to_owned(),
    });
}

/// Whether a route has the host and leads elsewhere.
pub(super) fn is_taken_by(route: &Route) -> bool {
    route.host.eq_ignore_ascii_case(HOST) && route.cluster != CLUSTER
}

#[cfg(test)]
mod tests {
    use super::super::plan::Service;
    use super::super::samples::{cluster, config, route};
    use super::super::{cluster as clusters, route as routes};
    use super::*;

    fn network() -> Network {
        let mut network = Network::default();
        extend(&mut network, Path::new("/run/mcp/streams.sock"));
        network
    }

    #[test]
    fn the_cluster_leads_to_the_socket() {
        let actual = clusters::clusters(&network().clusters, Path::new("/ca"));
        let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
        let address = actual[0].pointer(address).unwrap();
        let pipe = serde_json::json!({ "pipe": { "path": "/run/mcp/streams.sock" } });
        assert_eq!(*address, pipe);
        assert_eq!(actual[0]["type"], "STATIC");
    }

    #[test]
    fn the_route_waits_for_ever_and_never_tries_again() {
        let actual = routes::routes(&network().routes);
        let host = &actual["virtual_hosts"][0];
        assert_eq!(host["domains"], serde_json::json!([HOST]));
        let action = &host["routes"][0]["route"];
        assert_eq!(
            (&action["timeout"], &action["idle_timeout"]),
            (&"0s".into(), &"0s".into())
        );
        assert_eq!(action.get("retry_policy"), None);
    }

    #[test]
    fn envoy_takes_both() {
        let (service, left_out) = Service::new(network(), config());
        assert_eq!(left_out, [""; 0]);
        assert_eq!(
            (service.network.clusters.len(), service.network.routes.len()),
            (1, 1)
        );
    }

    #[test]
    fn a_route_of_a_manifest_does_not_get_its_host() {
        let mut network = network();
        network.clusters.push(cluster("a"));
        network.routes.push(route("MCP-Streams.Internal", "a"));
        let (service, left_out) = Service::new(network, config());
        let [route] = &service.network.routes[..] else {
            panic!("{:?}", service.network.routes)
        };
        assert_eq!(route.cluster, CLUSTER);
        assert!(left_out[0].contains("mcp-streams"), "{left_out:?}");
    }
}

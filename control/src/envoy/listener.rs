//! The one listener: an HTTP connection manager with what verifies tokens, the filter and the router.

use serde_json::{Value, json};

use super::extension::Extension;
use super::response::{from_file, typed};
use super::subscription::Subscription;
use super::{Setup, route, tokens};

/// Bytes that Envoy buffers for a connection or a stream; past it a held request is answered 413.
pub(super) const BUFFER_LIMIT_BYTES: u32 = 1024 * 1024;

/// So that one stream whose server reads slowly does not stop the others of its connection.
const CONNECTION_WINDOW_BYTES: u32 = 16 * BUFFER_LIMIT_BYTES;

/// The listener's name.
pub const NAME: &str = "mcp";

/// The listener as a resource.
pub fn listener(setup: &Setup) -> Value {
    let config = json!({
        "name": NAME,
        "address": { "socket_address": {
            "address": setup.listen.ip().to_string(),
            "port_value": setup.listen.port(),
        } },
        // Two gateways on one port would share its connections in silence.
        "enable_reuse_port": false,
        "connection_balance_config": { "exact_balance": {} },
        "per_connection_buffer_limit_bytes": BUFFER_LIMIT_BYTES,
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": connection_manager(setup),
        }] }],
    });
    typed("envoy.config.listener.v3.Listener", config)
}

/// Requests that run long are the filter's to end, so no stream ends for silence; only a request that does not
/// arrive is cut here.
fn connection_manager(setup: &Setup) -> Value {
    let config = json!({
        "stat_prefix": NAME,
        // HTTP/1.1, or HTTP/2 with prior knowledge.
        "codec_type": "AUTO",
        "rds": { "route_config_name": route::NAME, "config_source": from_file(&Subscription::Routes.path(setup)) },
        "http_filters": http_filters(setup),
        "use_remote_address": true,
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "stream_idle_timeout": "0s",
        "request_headers_timeout": "10s",
        "request_timeout": "60s",
        "max_request_headers_kb": 60,
        "common_http_protocol_options": { "idle_timeout": "3600s", "max_headers_count": 100 },
        "http2_protocol_options": {
            "max_concurrent_streams": 1024,
            // Envoy bounds what it buffers of a stream by its window.
            "initial_stream_window_size": BUFFER_LIMIT_BYTES,
            "initial_connection_window_size": CONNECTION_WINDOW_BYTES,
        },
    });
    typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        config,
    )
}

fn http_filters(setup: &Setup) -> Vec<Value> {
    let instances = Extension::chain(setup.instances)
        .iter()
        .map(|extension| extension.filter(setup));
    let verifying = [tokens::filter(setup)].into_iter();
    verifying.chain(instances).chain([router()]).collect()
}

fn router() -> Value {
    // No `x-envoy-*` headers on what is routed: they would tell the server internal names, and the client the server's
    // timing. What the filter sends by itself comes by no listener: there the clusters remove them.
    let config = json!({ "suppress_envoy_headers": true });
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", config),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Instances;
    use super::super::samples::{assert_golden, setup};
    use super::*;

    #[test]
    fn one_holding_instance_stands_between_what_verifies_tokens_and_the_router() {
        let actual = listener(&setup(Instances::Hold));
        assert_golden(&actual, include_str!("testdata/listener_hold.json"));
    }

    #[test]
    fn of_a_pair_the_gate_stands_behind_the_route() {
        let filters = http_filters(&setup(Instances::Pair));
        let names: Vec<_> = filters
            .iter()
            .filter_map(|filter| filter["name"].as_str())
            .collect();
        assert_eq!(
            names,
            [
                "mcp-tokens",
                "mcp-route",
                "mcp-gate",
                "envoy.filters.http.router"
            ]
        );
    }

    #[test]
    fn an_ipv6_address_is_written_without_brackets() {
        let setup = Setup {
            listen: "[::1]:0".parse().unwrap(),
            ..setup(Instances::Hold)
        };
        let address = listener(&setup)["address"]["socket_address"].clone();
        assert_eq!(address, json!({ "address": "::1", "port_value": 0 }));
    }
}

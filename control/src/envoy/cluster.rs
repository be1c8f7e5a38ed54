//! Envoy's clusters: how a server is reached.

use std::net::IpAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::response::{text, typed};
use crate::network::{Address, Cluster, Tls};

/// Each of Envoy's circuit breakers where the manifests set none; its own 1024 is soon met by streams that stay open.
const MAX_AT_ONCE: u32 = 10_000;

/// How much is read of an upstream at once, in bytes. With what the filter holds of a response (64 KiB) it stays below
/// the listener's limit, past which Envoy breaks the response off.
const BUFFER_LIMIT_BYTES: u32 = super::listener::BUFFER_LIMIT_BYTES / 2;

/// Where the manifests set no connect timeout, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 5_000;

/// Idle connections are closed before the server closes them, or a request could meet a connection that is just
/// going away. Servers of Node and Python drop theirs after 5 s, and a plain connection is cheap to open again.
const IDLE_TIMEOUT_PLAIN: &str = "4s";

/// The load balancers before remote servers drop idle connections after 60 s at the soonest.
const IDLE_TIMEOUT_TLS: &str = "55s";

/// Headers that Envoy adds to requests of the filter's own; only another Envoy would read them.
const OF_SIDE_CALLS: [&str; 2] = ["x-envoy-expected-rq-timeout-ms", "x-envoy-internal"];

/// All clusters as resources. `ca_certificates` is the file for those that name none.
pub fn clusters(clusters: &[Cluster], ca_certificates: &Path) -> Vec<Value> {
    clusters
        .iter()
        .map(|cluster| one_cluster(cluster, ca_certificates))
        .collect()
}

/// What is wrong with a cluster for which Envoy would refuse all of them, or that it would take for another than was
/// meant.
pub(super) fn flaw(cluster: &Cluster) -> Option<&'static str> {
    let is_ip = |address: &Address| address.host.parse::<IpAddr>().is_ok();
    if cluster.name.is_empty() {
        return Some("it has no name");
    }
    if cluster
        .addresses
        .iter()
        .any(|address| address.host.is_empty())
    {
        return Some("an address of it is empty");
    }
    if !cluster.dns && !cluster.addresses.iter().all(is_ip) {
        return Some("an address of it is a name, which needs resolution: DNS");
    }
    if cluster
        .tls
        .as_ref()
        .is_some_and(|tls| tls.sni.is_empty() || tls.sni.len() > 255)
    {
        return Some("sni of its tls must have 1 to 255 characters");
    }
    None
}

fn one_cluster(cluster: &Cluster, ca_certificates: &Path) -> Value {
    let connect_timeout = cluster
        .connect_timeout_ms
        .unwrap_or(CONNECT_TIMEOUT_MS)
        .max(1);
    let mut config = json!({
        "name": cluster.name,
        "connect_timeout": seconds(connect_timeout),
        "circuit_breakers": { "thresholds": [thresholds(cluster)] },
        "per_connection_buffer_limit_bytes": BUFFER_LIMIT_BYTES,
        "load_assignment": {
            "cluster_name": cluster.name,
            "endpoints": [{ "lb_endpoints": endpoints(cluster) }],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol(cluster),
        },
    });
    if let Value::Object(members) = &mut config {
        members.append(&mut resolution(cluster));
        if let Some(tls) = &cluster.tls {
            let socket = transport_socket(tls, ca_certificates);
            members.insert("transport_socket".to_owned(), socket);
        }
    }
    typed("envoy.config.cluster.v3.Cluster", config)
}

/// A name with many addresses, changing ones perhaps, is one server: Envoy connects to the first that answers and keeps
/// the connection when the list changes.
fn resolution(cluster: &Cluster) -> Map<String, Value> {
    let (kind, family) = match (cluster.dns, cluster.addresses.len()) {
        (false, _) => ("STATIC", None),
        (true, 1) => ("LOGICAL_DNS", Some("ALL")),
        (true, _) => ("STRICT_DNS", Some("V4_PREFERRED")),
    };
    let mut members = Map::new();
    members.insert("type".to_owned(), kind.into());
    if let Some(family) = family {
        members.insert("dns_lookup_family".to_owned(), family.into());
        members.insert("respect_dns_ttl".to_owned(), true.into());
    }
    members
}

fn endpoints(cluster: &Cluster) -> Vec<Value> {
    let addresses = cluster.addresses.iter().map(|address| {
        json!({ "socket_address": { "address": address.host, "port_value": address.port } })
    });
    let socket = cluster.socket.iter();
    let socket = socket.map(|socket| json!({ "pipe": { "path": text(socket) } }));
    let endpoint = |address: Value| json!({ "endpoint": { "address": address } });
    addresses.chain(socket).map(endpoint).collect()
}

fn thresholds(cluster: &Cluster) -> Value {
    json!({
        "max_connections": cluster.max_connections.unwrap_or(MAX_AT_ONCE),
        "max_pending_requests": cluster.max_pending_requests.unwrap_or(MAX_AT_ONCE),
        "max_requests": cluster.max_requests.unwrap_or(MAX_AT_ONCE),
    })
}

fn protocol(cluster: &Cluster) -> Value {
    let idle = if cluster.tls.is_some() {
        IDLE_TIMEOUT_TLS
    } else {
        IDLE_TIMEOUT_PLAIN
    };
    let mut options = match (cluster.http2, &cluster.tls) {
        (true, Some(_)) => json!({ "auto_config": { "http2_protocol_options": {} } }),
        (true, None) => json!({ "explicit_http_config": { "http2_protocol_options": {} } }),
        (false, _) => json!({ "explicit_http_config": { "http_protocol_options": {} } }),
    };
    if let Value::Object(members) = &mut options {
        let common = json!({ "idle_timeout": idle });
        members.insert("common_http_protocol_options".to_owned(), common);
        members.insert("http_filters".to_owned(), upstream_filters());
    }
    typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        options,
    )
}

/// What the router and the routes leave out of a client's request, Envoy still adds to what the filter sends by itself,
/// which takes no route.
fn upstream_filters() -> Value {
    let removals = OF_SIDE_CALLS.map(|name| json!({ "remove": name }));
    let mutation = json!({ "mutations": { "request_mutations": removals } });
    let filter = |name: &str, config: Value| json!({ "name": name, "typed_config": config });
    json!([
        filter(
            "envoy.filters.http.header_mutation",
            typed(
                "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
                mutation
            ),
        ),
        filter(
            "envoy.filters.http.upstream_codec",
            typed(
                "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
                json!({})
            ),
        ),
    ])
}

fn transport_socket(tls: &Tls, default_ca_certificates: &Path) -> Value {
    let mut context = json!({ "sni": tls.sni });
    if let Value::Object(members) = &mut context
        && !tls.insecure_skip_verify
    {
        let validation = validation(tls, default_ca_certificates);
        let common = json!({ "validation_context": validation });
        members.insert("common_tls_context".to_owned(), common);
    }
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", context),
    })
}

fn validation(tls: &Tls, default_ca_certificates: &Path) -> Value {
    let file = tls
        .ca_certificates
        .as_deref()
        .map_or(default_ca_certificates, Path::new);
    let trusted = match &tls.ca_pem {
        Some(pem) => json!({ "inline_string": pem }),
        None => json!({ "filename": text(file) }),
    };
    let san_type = if tls.sni.parse::<IpAddr>().is_ok() {
        "IP_ADDRESS"
    } else {
        "DNS"
    };
    json!({
        "trusted_ca": trusted,
        "match_typed_subject_alt_names": [{ "san_type": san_type, "matcher": { "exact": tls.sni } }],
    })
}

/// As protobuf's JSON writes a duration.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}s", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{assert_golden, cluster, network};
    use super::*;

    const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

    #[test]
    fn a_remote_tls_server_and_a_local_plain_one() {
        let actual = Value::Array(clusters(&network().clusters, Path::new(BUNDLE)));
        assert_golden(&actual, include_str!("testdata/clusters.json"));
    }

    #[test]
    fn several_names_are_several_hosts() {
        let names = ["a.example", "b.example"];
        let addresses = names
            .map(|host| Address {
                host: host.to_owned(),
                port: 80,
            })
            .to_vec();
        let cluster = Cluster {
            dns: true,
            addresses,
            ..cluster("c")
        };
        let actual = one_cluster(&cluster, Path::new(BUNDLE));
        assert_eq!(actual["type"], "STRICT_DNS");
        let endpoints = &actual["load_assignment"]["endpoints"][0]["lb_endpoints"];
        assert_eq!(endpoints.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_cluster_that_would_spoil_all_of_them_is_told() {
        let with = |host: &str, dns| {
            let addresses = vec![Address {
                host: host.to_owned(),
                port: 80,
            }];
            flaw(&Cluster {
                dns,
                addresses,
                ..cluster("c")
            })
        };
        assert_eq!(with("127.0.0.1", false), None);
        assert_eq!(with("a.example", true), None);
        assert!(with("a.example", false).is_some());
        assert!(with("", true).is_some());
    }

    #[test]
    fn a_connect_timeout_is_never_zero() {
        let cluster = Cluster {
            connect_timeout_ms: Some(0),
            ..cluster("c")
        };
        assert_eq!(
            one_cluster(&cluster, Path::new(BUNDLE))["connect_timeout"],
            "0.001s"
        );
    }

    #[test]
    fn http2_without_tls_is_spoken_at_once() {
        let actual = protocol(&Cluster {
            http2: true,
            ..cluster("c")
        });
        assert_eq!(
            actual["explicit_http_config"],
            json!({ "http2_protocol_options": {} })
        );
    }

    #[test]
    fn a_certificate_of_an_ip_address_is_checked_as_one() {
        let tls = Tls {
            sni: "127.0.0.1".to_owned(),
            ca_certificates: None,
            ca_pem: None,
            insecure_skip_verify: false,
        };
        let actual = validation(&tls, Path::new(BUNDLE));
        assert_eq!(
            actual["match_typed_subject_alt_names"][0]["san_type"],
            "IP_ADDRESS"
        );
    }

    #[test]
    fn the_clusters_own_ca_file_replaces_the_systems() {
        let tls = Tls {
            sni: "a.example".to_owned(),
            ca_certificates: Some("/tmp/ca.pem".to_owned()),
            ca_pem: None,
            insecure_skip_verify: false,
        };
        let actual = validation(&tls, Path::new(BUNDLE));
        assert_eq!(actual["trusted_ca"]["filename"], "/tmp/ca.pem");
    }

    #[test]
    fn an_unchecked_certificate_takes_an_explicit_word() {
        let tls = Tls {
            sni: "a.example".to_owned(),
            ca_certificates: None,
            ca_pem: None,
            insecure_skip_verify: true,
        };
        let socket = transport_socket(&tls, Path::new(BUNDLE));
        assert_eq!(socket.pointer("/typed_config/common_tls_context"), None);
    }
}

//! An Envoy whose filters a test puts together itself, in front of one server.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::component;
use crate::gateway::temporary_folder;
use crate::jwt;
use crate::port::Port;
use crate::process::{Process, command};
use crate::wait::until;

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct BareEnvoy {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    ports: Vec<Port>,
    _folder: TempDir,
}

/// What a [`BareEnvoy`] consists of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The filters before the router, for each listener.
    pub chains: Vec<Vec<Value>>,
    /// Where every request goes whose host is one of `hosts`.
    pub server: SocketAddr,
    /// What the filter calls the server, for its own calls.
    pub cluster: Option<String>,
    /// `*` is any; to others Envoy answers 404.
    pub hosts: Vec<&'static str>,
    /// For the whole of a request to come, such as `1s`.
    pub request_timeout: &'static str,
}

impl Setup {
    /// These chains before this server, whatever host a request is for.
    pub fn before(server: SocketAddr, chains: Vec<Vec<Value>>) -> Self {
        Self {
            chains,
            server,
            cluster: None,
            hosts: vec!["*"],
            request_timeout: "60s",
        }
    }
}

impl BareEnvoy {
    /// Starts it and waits until it listens.
    pub async fn start(setup: &Setup) -> Self {
        let folder = temporary_folder("bare-envoy");
        let ports: Vec<Port> = setup.chains.iter().map(|_| Port::hold()).collect();
        let path = folder.path().join("envoy.json");
        fs::write(&path, setup.bootstrap(&ports).to_string()).expect("a bootstrap written");
        let mut envoy = command(&component::envoy());
        envoy
            .arg("-c")
            .arg(&path)
            .args(["--use-dynamic-base-id", "--concurrency", "1"])
            .args(["--log-level", "warning"]);
        let process = Process::start("envoy", envoy).await;
        for port in &ports {
            until("Envoy listens", START, || async {
                TcpStream::connect(port.address()).await.ok()
            })
            .await;
        }
        Self {
            process,
            ports,
            _folder: folder,
        }
    }

    /// Where the listener of a chain listens.
    pub fn address(&self, chain: usize) -> SocketAddr {
        self.ports[chain].address()
    }

    /// The process, with its log.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

impl Setup {
    fn bootstrap(&self, ports: &[Port]) -> Value {
        let chains = self.chains.iter().zip(ports);
        let listeners: Vec<_> = chains
            .map(|(chain, port)| self.listener(chain, port.address()))
            .collect();
        let names = ["server"].into_iter().chain(self.cluster.as_deref());
        let clusters: Vec<_> = names.map(|name| self.cluster(name)).collect();
        json!({ "static_resources": { "listeners": listeners, "clusters": clusters } })
    }

    fn cluster(&self, name: &str) -> Value {
        let endpoint = json!({ "endpoint": { "address": socket(self.server) } });
        json!({
            "name": name,
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{ "lb_endpoints": [endpoint] }],
            },
        })
    }

    fn listener(&self, chain: &[Value], address: SocketAddr) -> Value {
        let router = filter(
            "envoy.filters.http.router",
            "envoy.extensions.filters.http.router.v3.Router",
            json!({}),
        );
        let filters: Vec<_> = chain.iter().cloned().chain([router]).collect();
        let host = json!({
            "name": "server",
            "domains": self.hosts,
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "server" } }],
        });
        let manager = filter(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            json!({
                "stat_prefix": "http",
                "request_timeout": self.request_timeout,
                "route_config": { "virtual_hosts": [host] },
                "http_filters": filters,
            }),
        );
        json!({
            "name": address.to_string(),
            "address": socket(address),
            "filter_chains": [{ "filters": [manager] }],
        })
    }
}

/// The filter with this plugin configuration. `may_hold`: its header callbacks may stop the headers alone.
pub fn mcp_filter(configuration: &str, may_hold: bool) -> Value {
    let plugin = json!({
        "vm_config": {
            "runtime": "envoy.wasm.runtime.v8",
            "code": { "local": { "filename": component::filter() } },
        },
        "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration,
        },
        "failure_policy": "FAIL_RELOAD",
        "allow_on_headers_stop_iteration": may_hold,
    });
    filter(
        "mcp",
        "envoy.extensions.filters.http.wasm.v3.Wasm",
        json!({ "config": plugin }),
    )
}

/// Verifies the tokens of [`jwt`] and leaves their claims where Istio would; requests without a token pass.
pub fn jwt_authn() -> Value {
    let provider = provider(jwt::ISSUER, json!({"audiences": [jwt::AUDIENCE]}));
    verification(&json!({"tests": provider}), "allow_missing")
}

/// The same of two issuers with the same keys. `otherwise`: what else passes, `allow_missing` or
/// `allow_missing_or_failed`. `more`: of each provider.
pub fn jwt_authn_of_two(other: &str, otherwise: &str, more: &Value) -> Value {
    let one = provider(jwt::ISSUER, more.clone());
    let providers = json!({"tests": one, "other": provider(other, more.clone())});
    verification(&providers, otherwise)
}

fn provider(issuer: &str, mut provider: Value) -> Value {
    provider["issuer"] = issuer.into();
    provider["local_jwks"] = json!({ "inline_string": jwt::keys().to_string() });
    provider["payload_in_metadata"] = "payload".into();
    provider["forward"] = true.into();
    provider
}

fn verification(providers: &Value, otherwise: &str) -> Value {
    let names = providers.as_object().expect("providers by name").keys();
    let mut requirements: Vec<Value> = names.map(|name| json!({ "provider_name": name })).collect();
    requirements.push(json!({ otherwise: {} }));
    filter(
        "envoy.filters.http.jwt_authn",
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        json!({
            "providers": providers,
            "rules": [{
                "match": { "prefix": "/" },
                "requires": { "requires_any": { "requirements": requirements } },
            }],
        }),
    )
}

/// Holds the headers of every request for a while, as does what has to fetch the keys of tokens.
pub fn delay() -> Value {
    filter(
        "envoy.filters.http.fault",
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        json!({ "delay": {
            "fixed_delay": "0.2s",
            "percentage": { "numerator": 100, "denominator": "HUNDRED" },
        } }),
    )
}

/// Answers every request with this status, and a line of text.
pub fn abort(status: u16) -> Value {
    filter(
        "envoy.filters.http.fault",
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        json!({ "abort": {
            "http_status": status,
            "percentage": { "numerator": 100, "denominator": "HUNDRED" },
        } }),
    )
}

fn filter(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/{kind}").into();
    json!({ "name": name, "typed_config": config })
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip(), "port_value": address.port() } })
}

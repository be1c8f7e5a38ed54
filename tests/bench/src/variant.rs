//! The ways in which the same work is done.

use base64::Engine as _;
use mcp_filter_config::{AUTHENTICATION, PluginConfig};
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind, Selected};
use serde_json::{Value, json};

use crate::Args;
use crate::case::{self, Case};
use crate::envoy::Envoy;
use crate::{load, token};

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Variant {
    Plain,
    Noop,
    Hold,
    Pair,
    /// As `Hold`, without statistics of servers.
    StatsOff,
    /// As `Hold`, with statistics of tools as well.
    StatsTools,
    /// Plain, with a token that Envoy verifies.
    JwtPlain,
    /// As `Hold`, for callers with a token that Envoy verifies.
    Auth,
    /// The same, where the token says which tools there are: fifty.
    AuthSome,
    /// As `Hold`, and what is asked for is a virtual server of as many.
    VirtualServer,
    McpRouter,
    DirectResponse,
    /// The same behind one no-op module: no filter in Wasm can cost less than that.
    FloorHold,
    /// Behind two of them.
    FloorPair,
}

impl Variant {
    pub(crate) const ALL: [Self; 14] = [
        Self::Plain,
        Self::Noop,
        Self::Hold,
        Self::Pair,
        Self::StatsOff,
        Self::StatsTools,
        Self::JwtPlain,
        Self::Auth,
        Self::AuthSome,
        Self::VirtualServer,
        Self::McpRouter,
        Self::DirectResponse,
        Self::FloorHold,
        Self::FloorPair,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Noop => "noop",
            Self::Hold => "hold",
            Self::Pair => "pair",
            Self::StatsOff => "stats_off",
            Self::StatsTools => "stats_tools",
            Self::JwtPlain => "jwt_plain",
            Self::Auth => "auth",
            Self::AuthSome => "auth_some",
            Self::VirtualServer => "virtual_server",
            Self::McpRouter => "mcp_router",
            Self::DirectResponse => "direct_response",
            Self::FloorHold => "floor_hold",
            Self::FloorPair => "floor_pair",
        }
    }

    /// Whether it is measured only where it is asked for.
    pub(crate) fn is_special(self) -> bool {
        matches!(
            self,
            Self::StatsOff
                | Self::StatsTools
                | Self::JwtPlain
                | Self::Auth
                | Self::AuthSome
                | Self::VirtualServer
        )
    }

    pub(crate) fn serves(self, case: Case) -> bool {
        // Envoy's own router knows nothing of the stateless revision.
        let speaks = case != Case::CallModern || self != Self::McpRouter;
        speaks && (!self.is_direct() || case.is_list())
    }

    /// Whether Envoy answers by itself.
    fn is_direct(self) -> bool {
        matches!(
            self,
            Self::DirectResponse | Self::FloorHold | Self::FloorPair
        )
    }

    /// What the answer contains when the work was done.
    pub(crate) fn expectation(self, case: Case) -> String {
        let last = match self {
            Self::AuthSome | Self::VirtualServer => case.tools().min(token::TOOLS) - 1,
            _ => case.tools() - 1,
        };
        match (case, self) {
            (Case::CallSmall | Case::CallModern | Case::Call64k, _) => {
                "a result of some length".to_owned()
            }
            (Case::Initialize, _) => "protocolVersion".to_owned(),
            (_, Self::McpRouter) => format!("two__tool_{last}"),
            (_, Self::Plain | Self::Noop | Self::JwtPlain) => format!("\"tool_{last}\""),
            _ => format!("\"two_tool_{last}\""),
        }
    }

    /// The bytes of the request, in a session where the case is not the opening of one.
    pub(crate) fn request(self, case: Case, envoy: &Envoy) -> anyhow::Result<Vec<u8>> {
        let tool = match self {
            Self::Plain | Self::Noop | Self::JwtPlain => "tool_3",
            Self::McpRouter => "one__tool_3",
            _ => "one_tool_3",
        };
        let body = case.body(tool);
        let post = |body: &str, session: Option<&str>| post(body, session, &self.header());
        if case == Case::Initialize {
            return Ok(post(&body, None));
        }
        if self.is_direct() {
            // Envoy closes the connection when it answers a POST before the body has come.
            return Ok(
                b"GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\n\r\n".to_vec(),
            );
        }
        if case == Case::CallModern {
            let said = format!(
                "mcp-method: tools/call\r\nmcp-name: {tool}\r\n{}",
                self.header()
            );
            let request = post_as(&body, "2026-07-28", &said);
            return Ok(request);
        }
        let answer = load::once(envoy, &post(&case::initialize(), None))?;
        Ok(post(
            &body,
            Some(answer.header("mcp-session-id").unwrap_or("none")),
        ))
    }

    /// What only its requests have.
    fn header(self) -> String {
        match self {
            Self::JwtPlain | Self::Auth | Self::AuthSome => {
                format!("authorization: {}\r\n", token::bearer())
            }
            Self::VirtualServer => "x-mcp-virtualserver: bench/few\r\n".to_owned(),
            _ => String::new(),
        }
    }

    /// Envoy's configuration.
    pub(crate) fn bootstrap(
        self,
        case: Case,
        servers: [u16; 2],
        args: &Args,
    ) -> anyhow::Result<Value> {
        let filters = self.filters(case, args)?;
        Ok(bootstrap(&filters, &self.routes(case), servers))
    }

    fn filters(self, case: Case, args: &Args) -> anyhow::Result<Vec<Value>> {
        let router = json!({
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
        });
        let noop = |name| wasm(name, &args.noop, "{}");
        let config = |role, stats| plugin_config(role, case.tools(), stats);
        let hold = |stats| anyhow::Ok(wasm("hold", &args.filter, &config("hold", stats)?));
        let auth = |config: fn(&mut PluginConfig) -> anyhow::Result<()>| {
            let mut whole = whole_config("hold", case.tools(), "servers")?;
            config(&mut whole)?;
            anyhow::Ok(wasm("hold", &args.filter, &serde_json::to_string(&whole)?))
        };
        Ok(match self {
            Self::Plain | Self::DirectResponse => vec![router],
            Self::Noop | Self::FloorHold => vec![noop("noop"), router],
            Self::FloorPair => vec![noop("noop"), noop("noop2"), router],
            Self::JwtPlain => vec![token::filter(), router],
            Self::Auth => vec![token::filter(), auth(want_token)?, router],
            Self::AuthSome => vec![token::filter(), auth(show_some)?, router],
            Self::Hold | Self::VirtualServer => vec![hold("servers")?, router],
            Self::StatsOff => vec![hold("off")?, router],
            Self::StatsTools => vec![hold("tools")?, router],
            Self::Pair => vec![
                wasm("route", &args.filter, &config("route", "servers")?),
                wasm("gate", &args.filter, r#"{"version":1,"role":"gate"}"#),
                router,
            ],
            Self::McpRouter => vec![
                json!({
                    "name": "envoy.filters.http.mcp",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.mcp.v3.Mcp"}
                }),
                json!({
                    "name": "envoy.filters.http.mcp_router",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.mcp_router.v3.McpRouter",
                        "servers": [
                            {"name": "one", "mcp_cluster": {"cluster": "one", "path": "/mcp"}},
                            {"name": "two", "mcp_cluster": {"cluster": "two", "path": "/mcp"}}
                        ]
                    }
                }),
            ],
        })
    }

    fn routes(self, case: Case) -> Vec<Value> {
        let to = |cluster: &str| json!({"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}});
        let public = if self.is_direct() {
            json!({
                "match": {"prefix": "/"},
                "direct_response": {"status": 200, "body": {"inline_string": whole_list(case.tools())}}
            })
        } else {
            to("one")
        };
        vec![
            json!({"name": "one", "domains": ["one.mcp.local"], "routes": [to("one")]}),
            json!({"name": "two", "domains": ["two.mcp.local"], "routes": [to("two")]}),
            json!({"name": "public", "domains": ["*"], "routes": [public]}),
        ]
    }
}

/// The configuration of the complete filter: two servers with sessions, a policy on each, and such statistics.
pub(crate) fn plugin_config(role: &str, tools: usize, stats: &str) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&whole_config(role, tools, stats)?)?)
}

/// Lets in who has the token.
fn want_token(config: &mut PluginConfig) -> anyhow::Result<()> {
    config.requires.push(AUTHENTICATION.to_owned());
    let authentication = json!({
        "policy": "bench/auth",
        "issuers": [{"issuer": token::ISSUER, "audiences": ["mcp"]}],
        "denial": {"status": 401}
    });
    for endpoint in &mut config.endpoints {
        endpoint.authentication = Some(serde_json::from_value(authentication.clone())?);
    }
    Ok(())
}

/// The same, and of the tools of both servers those that it names.
fn show_some(config: &mut PluginConfig) -> anyhow::Result<()> {
    want_token(config)?;
    let rule = json!({
        "requires": {"claimContainsCall": {"path": ["tools"], "part": "tool"}},
        "denial": {"status": 403}
    });
    for policy in &mut config.policies {
        policy.rules.push(serde_json::from_value(rule.clone())?);
    }
    Ok(())
}

fn whole_config(role: &str, tools: usize, stats: &str) -> anyhow::Result<PluginConfig> {
    let servers: Vec<Value> = ["one", "two"]
        .iter()
        .map(|name| {
            json!({
                "name": format!("bench/{name}"), "prefix": format!("{name}_"),
                "host": format!("{name}.mcp.local"), "path": "/mcp",
                "upstream": {"cluster": name, "authority": name, "path": "/mcp"},
                "issuesSessions": true, "protocolVersion": "2025-06-18", "stateless": true, "policies": [0]
            })
        })
        .collect();
    let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
    let mut config: PluginConfig = serde_json::from_value(json!({
        "version": 1, "role": role, "generation": "00".repeat(32),
        "endpoints": [{"hosts": ["127.0.0.1", "localhost"], "path": "/mcp"}],
        "internalHosts": ["*.mcp.local"],
        "servers": servers,
        "policies": [{
            "name": "bench/swap",
            "rules": [{
                "requires": {"all": [
                    {"headerPresent": "x-github-pat"},
                    {"not": {"headerEquals": {"name": "x-github-pat", "value": ""}}}
                ]},
                "denial": {"status": 400}
            }],
            "setHeaders": [{"name": "authorization", "value": [{"literal": "Bearer "}, {"header": "x-github-pat"}]}],
            "credentialHeaders": ["x-github-pat"]
        }],
        "sessions": {"keys": [{"id": 1, "secret": key}], "ttlSeconds": 86400},
        "telemetry": {"stats": stats}
    }))?;
    config.limits.page_items = 10_000;
    let mut catalog = CatalogWriter::new();
    for (server, prefix) in [(0, "one_"), (1, "two_")] {
        for index in 0..tools {
            catalog.push(
                server,
                Definition::parse(ListKind::Tools, prefix, &case::tool(index))?,
            );
        }
    }
    let few = (0..tools.min(token::TOOLS)).map(case::tool_name);
    catalog.select(Selected {
        name: "bench/few".to_owned(),
        tools: few
            .flat_map(|name| [format!("one_{name}"), format!("two_{name}")])
            .collect(),
        prompts: None,
    });
    config.catalog = Some(catalog.finish());
    Ok(config)
}

/// What the filter answers to `tools/list`.
fn whole_list(tools: usize) -> String {
    let named = |prefix: &'static str| {
        (0..tools)
            .map(move |index| case::tool(index).replacen("\"tool_", &format!("\"{prefix}tool_"), 1))
    };
    let all: Vec<String> = named("one_").chain(named("two_")).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{}]}}}}"#,
        all.join(",")
    )
}

/// A filter of a module with this configuration.
pub(crate) fn wasm(name: &str, module: &std::path::Path, configuration: &str) -> Value {
    json!({
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": wasm_config(name, module, configuration)
        }
    })
}

/// What stands in `config` of a Wasm filter.
pub(crate) fn wasm_config(name: &str, module: &std::path::Path, configuration: &str) -> Value {
    json!({
        "name": name,
        "allow_on_headers_stop_iteration": name == "hold",
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
        "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}}
    })
}

/// A bootstrap with these filters and virtual hosts.
pub(crate) fn bootstrap(filters: &[Value], virtual_hosts: &[Value], servers: [u16; 2]) -> Value {
    let address =
        |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let cluster = |name: &str, port: u16| {
        json!({
            "name": name, "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]
            }
        })
    };
    json!({
        // Who asks for extensions by file has to have a name.
        "node": {"id": "bench", "cluster": "bench"},
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{
                "name": "mcp", "address": address(0),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "mcp",
                        "route_config": {
                            "virtual_hosts": virtual_hosts,
                            "max_direct_response_body_size_bytes": 1_000_000
                        },
                        "http_filters": filters
                    }
                }]}]
            }],
            "clusters": [cluster("one", servers[0]), cluster("two", servers[1])]
        }
    })
}

fn post(body: &str, session: Option<&str>, header: &str) -> Vec<u8> {
    let session = session
        .map(|id| format!("mcp-session-id: {id}\r\n"))
        .unwrap_or_default();
    post_as(body, "2025-06-18", &(session + header))
}

fn post_as(body: &str, revision: &str, headers: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nx-github-pat: abcdef\r\n\
         mcp-protocol-version: {revision}\r\nuser-agent: bench\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

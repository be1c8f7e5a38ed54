//! What access logs are told of each request, in the format that `docs/observability.md` gives.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::bare_envoy::mcp_filter;
use harness::caller::PROTOCOLS;
use harness::component;
use harness::gateway::{Role, temporary_folder};
use harness::manifests::{Manifests, Server};
use harness::port::Port;
use harness::process::{Process, command};
use harness::rendered::rendered;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

in_both_roles! {
    async fn an_access_log_has_method_server_tool_and_outcome(role) {
        let server = Upstream::start(Script::standard()).await;
        let envoy = LoggingEnvoy::start(&server, role, &["--filter-state"]).await;
        let plain = json!("mcp-test/plain");
        for protocol in PROTOCOLS {
            let client = Client::new(envoy.port.address(), protocol);
            client.call("plain_echo", json!({})).await.result();
            client.call("plain_json_error", json!({})).await;
            client.call("plain_html", json!({})).await;
            client.call("plain_invented", json!({})).await;
            client.request("resources/read", &json!({"uri": "test://one"})).await.result();
            client.request("tools/list", &json!({})).await.result();
            let logged = envoy.logged(6).await;
            let told: Vec<_> = logged.iter().map(|entry| ["method", "server", "tool", "outcome"].map(|name| &entry[name])).collect();
            let none = &Value::Null;
            let call = &json!("tools/call");
            assert_eq!(told, [
                [call, &plain, &json!("plain_echo"), &json!("ok")],
                [call, &plain, &json!("plain_json_error"), &json!("error")],
                [call, &plain, &json!("plain_html"), &json!("failed")],
                [call, none, none, &json!("refused")],
                [&json!("resources/read"), &plain, none, &json!("ok")],
                [&json!("tools/list"), none, none, &json!("ok")],
            ]);
            assert!(logged.iter().all(|entry| entry["status"] == 200), "{logged:?}");
        }
    }

    async fn a_state_that_another_filter_has_set_is_replaced(role) {
        let server = Upstream::start(Script::standard()).await;
        let mut filters = vec![theirs("wasm.mcp.method")];
        filters.extend(filters_of(&server, role, &["--filter-state"]).await);
        let envoy = LoggingEnvoy::start_with(&server, &filters).await;
        let client = Client::new(envoy.port.address(), PROTOCOLS[0]);
        client.call("plain_echo", json!({})).await.result();
        client.send("{").await;
        let logged = envoy.logged(2).await;
        assert_eq!(logged[0]["method"], "tools/call");
        assert_eq!(logged[1]["method"], "theirs", "of a request without a method");
        let lines = envoy.process.lines();
        assert!(!lines.iter().any(|line| line.contains("filter state")), "{lines:#?}");
    }

    async fn unless_it_is_wanted_an_access_log_is_told_nothing(role) {
        let server = Upstream::start(Script::standard()).await;
        let envoy = LoggingEnvoy::start(&server, role, &[]).await;
        let client = Client::new(envoy.port.address(), PROTOCOLS[0]);
        client.call("plain_echo", json!({})).await.result();
        let logged = envoy.logged(1).await;
        assert_eq!((&logged[0]["method"], &logged[0]["server"]), (&Value::Null, &Value::Null));
    }
}

/// An Envoy with the filter that writes an access log. Ends when dropped.
struct LoggingEnvoy {
    // Ended before its folder goes: fields are dropped in order.
    process: Process,
    port: Port,
    log: PathBuf,
    _folder: TempDir,
}

impl LoggingEnvoy {
    async fn start(server: &Upstream, role: Role, options: &[&str]) -> Self {
        let filters = filters_of(server, role, options).await;
        Self::start_with(server, &filters).await
    }

    async fn start_with(server: &Upstream, filters: &[Value]) -> Self {
        let folder = temporary_folder("logging-envoy");
        let port = Port::hold();
        let log = folder.path().join("access.log");
        let bootstrap = bootstrap(server, filters, (&port, &log));
        let path = folder.path().join("envoy.json");
        fs::write(&path, bootstrap.to_string()).unwrap();
        let mut envoy = command(&component::envoy());
        envoy.arg("-c").arg(&path);
        envoy.args([
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
        ]);
        envoy.args(["--file-flush-interval-msec", "50"]);
        let process = Process::start("envoy", envoy).await;
        until("Envoy listens", Duration::from_secs(60), || async {
            TcpStream::connect(port.address()).await.ok()
        })
        .await;
        Self {
            process,
            port,
            log,
            _folder: folder,
        }
    }

    /// The last entries, once there are so many; they are taken out of the log.
    async fn logged(&self, count: usize) -> Vec<Value> {
        let entries = until(
            "the requests are logged",
            Duration::from_secs(10),
            || async {
                let text = fs::read_to_string(&self.log).ok()?;
                let entries: Vec<_> = text.lines().map(str::to_owned).collect();
                (text.ends_with('\n') && entries.len() >= count).then_some(entries)
            },
        )
        .await;
        fs::write(&self.log, "").unwrap();
        let entries = entries
            .iter()
            .map(|entry| serde_json::from_str(entry).unwrap());
        entries.collect()
    }
}

async fn filters_of(server: &Upstream, role: Role, options: &[&str]) -> Vec<Value> {
    let manifests = Manifests::gateway().server(&Server::new("plain", server.address()));
    let roles: &[&str] = match role {
        Role::Hold => &["hold"],
        Role::Pair => &["route", "gate"],
    };
    let mut filters = Vec::new();
    for role in roles {
        let arguments = [&["--role", role], options].concat();
        let configuration = rendered(&manifests, &arguments).await;
        filters.push(mcp_filter(&configuration, *role == "hold"));
    }
    filters
}

/// A filter that has a state of its own of this name.
fn theirs(name: &str) -> Value {
    let value = json!({
        "object_key": name,
        "factory_key": "envoy.string",
        "format_string": { "text_format_source": { "inline_string": "theirs" } },
    });
    json!({ "name": "theirs", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
        "on_request_headers": [value],
    } })
}

/// What stands in the document.
fn documented_format() -> Value {
    let document = include_str!("../../docs/observability.md");
    let begin = document.find("```json\n{\n  \"method\"").expect("a format");
    let block = document[begin..].strip_prefix("```json\n").unwrap();
    let (format, _) = block.split_once("```").unwrap();
    serde_json::from_str(format).unwrap()
}

fn bootstrap(server: &Upstream, filters: &[Value], (port, log): (&Port, &PathBuf)) -> Value {
    let typed = |kind: &str, mut config: Value| {
        config["@type"] = format!("type.googleapis.com/{kind}").into();
        config
    };
    let socket = |address: std::net::SocketAddr| json!({ "socket_address": { "address": address.ip(), "port_value": address.port() } });
    let access_log = typed(
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        json!({ "path": log, "log_format": { "json_format": documented_format() } }),
    );
    let router = typed("envoy.extensions.filters.http.router.v3.Router", json!({}));
    let mut filters = filters.to_vec();
    filters.push(json!({ "name": "router", "typed_config": router }));
    let host = json!({
        "name": "server",
        "domains": ["*"],
        "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "server" } }],
    });
    let manager = typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": "http",
            "access_log": [{ "name": "file", "typed_config": access_log }],
            "route_config": { "virtual_hosts": [host] },
            "http_filters": filters,
        }),
    );
    let listener = json!({
        "name": "mcp",
        "address": socket(port.address()),
        "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
    });
    let endpoint = json!({ "endpoint": { "address": socket(server.address()) } });
    let cluster = json!({
        "name": "server",
        "type": "STATIC",
        "load_assignment": { "cluster_name": "server", "endpoints": [{ "lb_endpoints": [endpoint] }] },
    });
    json!({ "static_resources": { "listeners": [listener], "clusters": [cluster] } })
}

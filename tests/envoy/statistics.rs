//! Statistics of servers and tools, as Envoy shows them.

use std::time::Duration;

use harness::caller::{PROTOCOLS, Protocol};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::json;

use crate::exposition::Exposition;

/// Envoy takes histograms together every five seconds.
const TOLD: Duration = Duration::from_secs(20);

/// Tools of the server `plain`, and how a call of each ends.
const OUTCOMES: [(&str, &str); 13] = [
    ("echo", "ok"),
    ("echo_stream", "ok"),
    ("slow", "ok"),
    ("json_error", "error"),
    ("json_error_500", "error"),
    ("fails", "error"),
    ("html", "failed"),
    ("html_500", "failed"),
    ("unauthorized", "failed"),
    ("cut_json", "failed"),
    ("cut_stream", "failed"),
    ("foreign_late", "failed"),
    ("hang", "failed"),
];

in_both_roles! {
    async fn requests_are_counted_once_by_server_tool_and_outcome(role) {
        let servers = Servers::start().await;
        let gateway = servers.gateway(role, "tools").await;
        for protocol in PROTOCOLS {
            let client = Client::connected(gateway.address(), protocol).await;
            for (tool, _) in OUTCOMES {
                attempt(&client, &format!("plain_{tool}")).await;
            }
            client.call("guarded_echo", json!({})).await;
            leave(&servers, &client).await;
            client.request("resources/read", &json!({"uri": "test://one"})).await.result();
            client.call("plain_invented", json!({})).await;
        }
        let shown = until("all is told", TOLD, || async {
            let shown = Exposition::of(&gateway).await;
            let expected = [
                ("mcp_filter_server_duration_ms_count", 32.0),
                ("mcp_filter_server_requests", 32.0),
                ("mcp_filter_tool_duration_ms_count", 30.0),
                ("mcp_filter_tool_requests", 30.0),
                ("mcp_filter_requests_unknown", 2.0),
            ];
            expected.iter().all(|(name, count)| shown.sum(name, &[]) >= *count).then_some(shown)
        }).await;
        let of = |tool: &str| {
            let sum = |outcome| shown.sum("mcp_filter_tool_requests", &[("mcp_tool", tool), ("mcp_outcome", outcome)]);
            ["ok", "error", "refused", "failed", "cancelled"].map(sum)
        };
        for (tool, outcome) in OUTCOMES {
            let expected = ["ok", "error", "refused", "failed", "cancelled"].map(|other| if other == outcome { 2.0 } else { 0.0 });
            assert_eq!(of(&format!("plain_{tool}")), expected, "{tool}");
        }
        assert_eq!(of("guarded_echo"), [0.0, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(of("plain_hang_stream"), [0.0, 0.0, 0.0, 0.0, 2.0]);
        let server = |name, outcome| shown.sum("mcp_filter_server_requests", &[("mcp_server", name), ("mcp_outcome", outcome)]);
        let of_plain = ["ok", "error", "refused", "failed", "cancelled"].map(|outcome| server("mcp-test/plain", outcome));
        assert_eq!(of_plain, [8.0, 6.0, 0.0, 14.0, 2.0]);
        assert_eq!(server("mcp-test/guarded", "refused"), 2.0);
        let all = ["server_requests", "server_duration_ms_count", "tool_requests", "tool_duration_ms_count", "requests_unknown"]
            .map(|name| shown.sum(&format!("mcp_filter_{name}"), &[]));
        assert_eq!(all, [32.0, 32.0, 30.0, 30.0, 2.0]);
        let slow = shown.sum("mcp_filter_tool_duration_ms_sum", &[("mcp_tool", "plain_slow")]);
        assert!((600.0..6000.0).contains(&slow), "{slow}");
        let mut names = shown.beginning("mcp_filter_").flat_map(|sample| sample.labels.values());
        assert!(!names.any(|label| label.contains("invented")), "{shown:?}");
    }
}

tests! {
    async fn servers_are_counted_unless_told_otherwise_and_tools_are_not() {
        let servers = Servers::start().await;
        let gateway = Gateway::start(Role::Hold, &servers.manifests()).await;
        called_once(&gateway).await;
        let shown = Exposition::of(&gateway).await;
        assert_eq!(shown.beginning("mcp_filter_tool").count(), 0);
        assert_eq!(shown.sum("mcp_filter_server_requests", &[("mcp_outcome", "ok")]), 1.0);
    }

    async fn with_the_statistics_off_the_filter_as_a_whole_is_counted_alone() {
        let servers = Servers::start().await;
        let gateway = servers.gateway(Role::Hold, "off").await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("plain_echo", json!({})).await.result();
        let shown = until("initialize and the call are told", TOLD, || async {
            let shown = Exposition::of(&gateway).await;
            let told = ["responses_answered", "requests_routed"].map(|name| shown.sum(&format!("mcp_filter_{name}"), &[]));
            told.iter().all(|count| *count > 0.0).then_some(shown)
        }).await;
        assert_eq!(shown.beginning("mcp_filter_server").count(), 0);
        assert!(shown.sum("mcp_filter_generation", &[]) > 0.0);
    }

    async fn another_configuration_counts_on() {
        let servers = Servers::start().await;
        let gateway = Gateway::start(Role::Hold, &servers.manifests()).await;
        called_once(&gateway).await;
        let generation = Exposition::of(&gateway).await.sum("mcp_filter_generation", &[]);
        gateway.write("another.yaml", &Server::new("another", servers.guarded.address()).prefix("another_").yaml());
        until("another configuration is served", TOLD, || async {
            let shown = Exposition::of(&gateway).await;
            (shown.sum("mcp_filter_generation", &[]) != generation).then_some(())
        }).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("plain_echo", json!({})).await.result();
        let counts = until("the second call is told", TOLD, || async {
            let shown = Exposition::of(&gateway).await;
            let counts: Vec<_> = shown.named("mcp_filter_server_requests").map(|sample| sample.value).collect();
            (counts.iter().sum::<f64>() > 1.0).then_some(counts)
        }).await;
        assert_eq!(counts, [2.0], "one series");
    }
}

/// Two servers, of which a policy guards one.
struct Servers {
    plain: Upstream,
    guarded: Upstream,
}

impl Servers {
    async fn start() -> Self {
        let failed = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"isError":true}}"#;
        let mut plain = Script::standard();
        plain.tools.push(Tool::new(
            "fails",
            Answer::Response {
                status: 200,
                headers: vec![("content-type", b"application/json".to_vec())],
                body: failed.to_owned(),
            },
        ));
        Self {
            plain: Upstream::start(plain).await,
            guarded: Upstream::start(Script::with_tools(vec![Tool::new("echo", Answer::Echo)]))
                .await,
        }
    }

    fn manifests(&self) -> Manifests {
        let guarded = Server::new("guarded", self.guarded.address());
        Manifests::gateway()
            .server(&Server::new("plain", self.plain.address()).timeouts("1s", "10s"))
            .server(&guarded.swapping("x-guarded-token"))
    }

    async fn gateway(&self, role: Role, stats: &str) -> Gateway {
        Gateway::start_with(role, &self.manifests(), &[("MCP_STATS", stats)]).await
    }
}

/// One call, which Envoy has been told of.
async fn called_once(gateway: &Gateway) {
    let client = Client::connected(gateway.address(), Protocol::Http1).await;
    client.call("plain_echo", json!({})).await.result();
    until("the call is told", TOLD, || async {
        let shown = Exposition::of(gateway).await;
        (shown.sum("mcp_filter_server_requests", &[]) > 0.0).then_some(())
    })
    .await;
}

/// A call that may be broken off.
async fn attempt(client: &Client, tool: &str) {
    let params = json!({"name": tool, "arguments": {}});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = client.post(call.to_string());
    if let Ok(open) = request.try_open(client.address, client.protocol).await {
        open.rest().await;
    }
}

/// The client begins a call and leaves.
async fn leave(servers: &Servers, client: &Client) {
    let mut call = client.open_call("plain_hang_stream", json!({})).await;
    call.event().await.unwrap();
    drop(call);
    servers.plain.until_hanging_from(client.mark(), 0).await;
}

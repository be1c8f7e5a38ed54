//! A client gets to a server by the gateway's endpoint, or not at all.

use harness::caller::PROTOCOLS;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::json;

use crate::shared::shared;
use crate::world::{client, until_tools_under};

/// Of the route, of its rewrite and of the server, in spellings that are the same host.
const INTERNAL: [&str; 7] = [
    "inner.mcp.local",
    "INNER.mcp.Local",
    "inner.mcp.local:8080",
    "inner.mcp.local.",
    "inner.example.com",
    "inner.example.com:80",
    "self.inner.example",
];

tests! {
    async fn whoever_asks_at_an_internal_host_is_refused_and_the_server_hears_nothing() {
        let world = shared().await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("inner", upstream.address()).authority("self.inner.example")).await;
        until_tools_under(world.gateway(), "inner_", &["inner_greet"]).await;
        let asking = client(world.gateway());
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}});
        let request = asking.post(call.to_string());
        for protocol in PROTOCOLS {
            for host in INTERNAL {
                let refused = request.clone().host(host).send(asking.address, protocol).await;
                assert_eq!(refused.status, 403, "{host} over {protocol:?}: {}", refused.shown());
            }
            // Where control reaches the gateway is no endpoint either, and neither is what nobody has named.
            for host in [&asking.address.to_string(), "other.example"] {
                let unknown = request.clone().host(host).send(asking.address, protocol).await;
                assert_eq!(unknown.status, 404, "{host} over {protocol:?}: {}", unknown.shown());
            }
        }
        assert!(upstream.received_from(asking.mark()).is_empty());
        asking.call("inner_greet", json!({})).await.result();
        assert_eq!(upstream.call_from(asking.mark()).header("host"), Some("self.inner.example"));
    }
}

//! `resources/subscribe` and `resources/unsubscribe` go where the resource is read.

use harness::caller::Protocol;
use harness::everything::Everything;
use harness::gateway::Gateway;
use harness::manifests::{Manifests, Server};
use harness::sessions::Client;
use serde_json::json;

use crate::shared::scripted;

const METHODS: [&str; 2] = ["resources/subscribe", "resources/unsubscribe"];

everywhere! {
    async fn a_subscription_arrives_as_it_was_sent(role, protocol) {
        let shared = scripted(role).await;
        for method in METHODS {
            for (server, uri) in [(&shared.kept, "kept://one"), (&shared.plain, "test://one"), (&shared.plain, "test://by-id/7/data")] {
                let client = shared.connected(protocol).await;
                let sent = format!(r#"{{ "params":{{"x":1.0,"uri" : "{uri}"}},"method":"{method}","id":1E0,"jsonrpc":"2.0"}}"#);
                let reply = client.send(sent.as_str()).await;
                assert_eq!(reply.status, 200, "{method} {uri}: {}", reply.shown());
                let received = server.received_from(client.mark());
                let texts: Vec<_> = received.iter().map(harness::upstream::Received::text).collect();
                assert_eq!(texts, [sent.as_str()]);
                assert_eq!(received[0].header("x-mcp-method"), Some(method));
                assert_eq!(received[0].header("x-mcp-resourceuri"), Some(uri));
            }
        }
    }

    async fn what_nobody_has_is_not_found(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for method in METHODS {
            let reply = client.request(method, &json!({"uri": "nobody://x"})).await;
            reply.assert_error(200, -32002, &json!(1));
            client.request(method, &json!({})).await.assert_error(200, -32602, &json!(1));
        }
    }
}

in_both_roles! {
    async fn a_real_server_takes_a_subscription_and_ends_it(role) {
        let everything = Everything::start().await;
        let manifests = Manifests::gateway().server(&Server::new("everything", everything.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let mut client = Client::new(gateway.address(), Protocol::Http1);
        let reply = client.initialize("2025-11-25", json!({})).await;
        assert_eq!(reply.result()["capabilities"]["resources"], json!({}), "nobody could tell of a change");
        for method in METHODS {
            let reply = client.request(method, &json!({"uri": "demo://resource/dynamic/text/1"})).await;
            assert_eq!(reply.result(), json!({}), "{method}: {}", reply.shown());
        }
    }
}

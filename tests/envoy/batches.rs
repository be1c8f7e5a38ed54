//! Batches, which 2025-03-26 alone has.

use std::time::Duration;

use harness::sessions::Client;
use harness::upstream::Received;
use harness::wait::until;
use serde_json::{Value, json};

use crate::shared::scripted;

everywhere! {
    async fn a_batch_is_answered_in_one_array(role, protocol) {
        let shared = scripted(role).await;
        let mut client = shared.client(protocol);
        client.initialize("2025-03-26", json!({})).await.result();
        client.version = None;
        let batch = json!([message(1, "ping"), {"jsonrpc": "2.0", "method": "notifications/initialized"}, message(2, "tools/list")]);
        for client in [client.clone(), shared.client(protocol)] {
            let reply = client.send(batch.to_string()).await;
            assert_eq!(reply.status, 200, "{}", reply.shown());
            let answers: Vec<Value> = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(answers.len(), 2);
            assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!(1), &json!({})));
            assert!(!answers[1]["result"]["tools"].as_array().unwrap().is_empty());
        }
        let newer = shared.connected(protocol).await;
        newer.send(batch.to_string()).await.assert_error(400, -32600, &Value::Null);
    }

    async fn answers_and_notifications_of_a_batch_reach_their_servers(role, protocol) {
        let shared = scripted(role).await;
        let mut client = Client::new(shared.gateway.address(), protocol);
        client.initialize("2025-03-26", json!({"roots": {"listChanged": true}})).await.result();
        client.version = None;
        let mut call = client.open_call("kept_roots", json!({})).await;
        let question = call.event().await.expect("a question");
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [], "of": client.mark()}});
        let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
        let reply = client.send(json!([answer, changed]).to_string()).await;
        assert_eq!((reply.status, reply.text()), (202, ""), "{}", reply.shown());
        let told = call.event().await.expect("the call's answer");
        assert_eq!(told["result"]["structuredContent"]["answer"]["result"], answer["result"]);
        let session = shared.kept.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        let is_told = |request: &Received| {
            request.header("mcp-session-id") == Some(&session) && request.rpc_method() == "notifications/roots/list_changed"
        };
        until("the server is told", Duration::from_secs(10), || async {
            shared.kept.received().iter().any(is_told).then_some(())
        }).await;
    }
}

fn message(id: i32, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

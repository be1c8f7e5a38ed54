//! Batches, which 2025-03-26 alone has.

use std::time::Duration;

use harness::caller::Protocol::Http1;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Eras, Script, Tool};
use harness::sessions::Client;
use harness::upstream::{Received, Upstream};
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

in_both_roles! {
    async fn requests_of_a_batch_reach_their_servers_by_mcp_streams(role) {
        let (gateway, servers) = streaming(role).await;
        let mut client = Client::new(gateway.address(), Http1);
        client.initialize("2025-03-26", json!({})).await.result();
        client.version = None;
        let batch = json!([
            message(1, "ping"), call(2, "plain_echo"), call(3, "kept_echo"), call(4, "none"),
            {"jsonrpc": "2.0", "method": "notifications/initialized"}, call(5, "kept_echo_stream"),
        ]).to_string();
        let on_stream = client.send(batch.clone()).await;
        assert_eq!(on_stream.header("content-type"), Some("text/event-stream"), "{}", on_stream.shown());
        let events = harness::message::events(&on_stream.body);
        let events: Vec<Value> = events.iter().map(|event| serde_json::from_slice(event).unwrap()).collect();
        assert!(events.iter().any(|event| event["method"] == "notifications/message"), "{events:?}");
        let mut post = client.post(batch);
        post.headers.retain(|(name, _)| name != "accept");
        let in_array = post.header("accept", "application/json").send(client.address, client.protocol).await;
        let answers: Vec<Value> = serde_json::from_slice(&in_array.body).unwrap_or_else(|_| panic!("{}", in_array.shown()));
        assert_eq!(answers.len(), 5, "{answers:?}");
        for answers in [events, answers] {
            let answer = |id: i32| answers.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id} of {answers:?}"));
            assert_eq!(answer(1)["result"], json!({}));
            for id in [2, 3, 5] {
                assert!(answer(id)["result"]["structuredContent"]["params"].is_object(), "{answers:?}");
            }
            assert_eq!(answer(4)["error"]["code"], -32602);
        }
        // Both calls of both batches, in the one session of the client's.
        let calls: Vec<Received> = servers[1].received_from(client.mark()).into_iter().filter(|one| one.rpc_method() == "tools/call").collect();
        assert_eq!(calls.len(), 4);
        assert!(calls.iter().all(|one| one.header("mcp-session-id").is_some()));
    }

    async fn a_server_asks_its_client_within_a_batch(role) {
        let (gateway, _servers) = streaming(role).await;
        let mut client = Client::new(gateway.address(), Http1);
        client.initialize("2025-03-26", json!({"roots": {}})).await.result();
        client.version = None;
        let mut stream = client.open(json!([message(1, "ping"), call(2, "kept_roots")]).to_string()).await;
        let mut events = vec![stream.event().await.expect("a message"), stream.event().await.expect("another")];
        events.sort_by_key(|event| event["method"].is_null());
        assert_eq!((&events[0]["method"], &events[1]["id"]), (&json!("roots/list"), &json!(1)), "{events:?}");
        let answer = json!({"jsonrpc": "2.0", "id": events[0]["id"], "result": {"roots": []}});
        assert_eq!(client.send(answer.to_string()).await.status, 202);
        let told = stream.event().await.expect("the call's answer");
        assert_eq!((&told["id"], &told["result"]["structuredContent"]["answer"]["result"]), (&json!(2), &answer["result"]));
        assert_eq!(stream.event().await, None);
    }

    async fn what_is_no_message_is_refused_in_its_place_and_a_question_is_an_error_of_the_tool(role) {
        let script = Script { eras: Eras::Stateless, ..Script::with_tools(vec![Tool::new("once", Answer::NeedsInput(1))]) };
        let server = Upstream::start(script).await;
        let gateway = Gateway::streaming(role, &Manifests::gateway().server(&Server::new("new", server.address()))).await;
        let mut client = Client::new(gateway.address(), Http1);
        client.initialize("2025-03-26", json!({"elicitation": {}})).await.result();
        client.version = None;
        let twice = r#"{"jsonrpc":"2.0","id":3,"method":"ping","method":"ping"}"#;
        let mut post = client.post(format!(r#"[{},{{"id":2}},1,{twice},[]]"#, call(1, "new_once")));
        post.headers.retain(|(name, _)| name != "accept");
        let reply = post.header("accept", "application/json").send(client.address, client.protocol).await;
        let answers: Vec<Value> = serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{}", reply.shown()));
        let (results, errors): (Vec<&Value>, Vec<&Value>) = answers.iter().partition(|one| one["error"].is_null());
        assert_eq!((results.len(), &results[0]["id"], &results[0]["result"]["isError"]), (1, &json!(1), &json!(true)), "{answers:?}");
        let codes: Vec<&Value> = errors.iter().map(|one| &one["error"]["code"]).collect();
        assert_eq!(codes, [-32600; 4], "{answers:?}");
        let asked = server.received_from(client.mark()).pop().expect("a call");
        assert!(!String::from_utf8_lossy(&asked.body).contains("elicitation"), "{asked:?}");
    }
}

/// With `mcp-streams`, before a server without sessions (`plain_`) and one with them (`kept_`).
async fn streaming(role: Role) -> (Gateway, [Upstream; 2]) {
    let plain = Upstream::start(Script::standard()).await;
    let kept = Upstream::start(Script::standard().with_sessions()).await;
    let manifests = Manifests::gateway()
        .server(&Server::new("plain", plain.address()))
        .server(&Server::new("kept", kept.address()));
    (Gateway::streaming(role, &manifests).await, [plain, kept])
}

fn call(id: i32, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn message(id: i32, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

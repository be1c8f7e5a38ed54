//! Requests of servers to clients: elicitation, sampling, roots. Their ids find the way home.

use std::time::Duration;

use harness::caller::{Open, PROTOCOLS, Protocol};
use harness::gateway::Gateway;
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::within;
use serde_json::{Value, json};

use crate::shared::{HasGateway, Used, joined, scripted};

/// The tools that ask, the question's method, and the id that the server gave it.
fn questions() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("elicit_number_id", "elicitation/create", json!(7)),
        ("elicit_string_id", "elicitation/create", json!("7")),
        (
            "elicit_odd_id",
            "elicitation/create",
            json!("a\"b\\\u{e9}.:/\u{e9}"),
        ),
        ("sample", "sampling/createMessage", json!(0)),
        ("roots", "roots/list", json!(9_007_199_254_740_993_u64)),
    ]
}

everywhere! {
    async fn an_answer_comes_home_with_the_id_that_the_server_gave(role, protocol) {
        let shared = scripted(role).await;
        for prefix in ["kept_", "plain_"] {
            for (tool, method, id) in questions() {
                let client = able(&shared, protocol).await;
                let mut call = client.open_call(&format!("{prefix}{tool}"), json!({})).await;
                let question = call.event().await.expect("a question");
                assert_eq!(question["method"], method);
                let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": client.mark(), "n": 1.5}}});
                assert_eq!(client.send(answer.to_string()).await.status, 202, "{tool}");
                let told = told(&mut call).await;
                assert_eq!(told["id"], id, "value and type of the server's id");
                assert_eq!(told["result"], answer["result"]);
            }
        }
    }

    async fn answers_of_two_clients_to_equal_ids_do_not_cross(role, protocol) {
        let shared = scripted(role).await;
        let (one, two) = (able(&shared, protocol).await, able(&shared, protocol).await);
        let mut call_one = one.open_call("kept_elicit_number_id", json!({})).await;
        let mut call_two = two.open_call("kept_elicit_number_id", json!({})).await;
        let (asked_one, asked_two) = (call_one.event().await.unwrap(), call_two.event().await.unwrap());
        assert_ne!(asked_one["id"], asked_two["id"]);
        assert_eq!(answer(&two, &asked_two["id"], "two").await, 202);
        assert_eq!(answer(&one, &asked_one["id"], "one").await, 202);
        assert_eq!(told(&mut call_one).await["result"]["content"]["name"], "one");
        assert_eq!(told(&mut call_two).await["result"]["content"]["name"], "two");
    }

    async fn an_answer_with_an_id_that_was_never_given_out_is_refused(role, protocol) {
        let shared = scripted(role).await;
        let client = able(&shared, protocol).await;
        let other = able(&shared, protocol).await;
        let mut call = client.open_call("kept_elicit_number_id", json!({})).await;
        let id = call.event().await.unwrap()["id"].clone();
        let text = id.as_str().expect("a sealed id is a string").to_owned();
        let mut forged = vec![json!(7), json!("7"), json!(""), json!(0), json!(format!("{text}A")), json!(text[1..])];
        forged.extend((0..text.len()).step_by(4).map(|at| {
            let changed = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            json!(format!("{}{changed}{}", &text[..at], &text[at + 1..]))
        }));
        for id in &forged {
            assert_eq!(answer(&client, id, "forged").await, 400, "{id}");
        }
        assert_eq!(answer(&other, &id, "stolen").await, 400, "another session's id");
        let stranger = shared.client(protocol);
        assert_eq!(answer(&stranger, &id, "stolen").await, 400, "without a session");
        assert_eq!(answer(&client, &id, "genuine").await, 202);
        assert_eq!(told(&mut call).await["result"]["content"]["name"], "genuine");
    }

    async fn an_error_is_an_answer_and_a_large_one_passes_whole(role, protocol) {
        let shared = scripted(role).await;
        let client = able(&shared, protocol).await;
        let mut call = client.open_call("kept_sample", json!({})).await;
        let id = call.event().await.unwrap()["id"].clone();
        let error = json!({"jsonrpc": "2.0", "error": {"code": -1, "message": "User rejected"}, "id": id});
        assert_eq!(client.send(error.to_string()).await.status, 202);
        assert_eq!(told(&mut call).await["error"], error["error"]);

        let mut call = client.open_call("kept_sample", json!({})).await;
        let id = call.event().await.unwrap()["id"].clone();
        let image = "QUJD".repeat(150_000);
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"content": {"type": "image", "data": image}}});
        let sent = client.send(answer.to_string()).await;
        assert_eq!(sent.status, 202, "{}", sent.shown());
        assert_eq!(told(&mut call).await["result"]["content"]["data"], image);
    }

    async fn everything_asks_for_elicitation_and_sampling(role, protocol) {
        let shared = joined(role).await;
        let client = able(&shared, protocol).await;
        let mut call = client.open_call("everything_trigger-elicitation-request", json!({})).await;
        let id = question(&mut call, "elicitation/create").await;
        assert_eq!(answer(&client, &id, "Grace").await, 202);
        assert!(last(&mut call).await.to_string().contains("Grace"));

        let mut call = client.open_call("everything_trigger-sampling-request", json!({"prompt": "p", "maxTokens": 5})).await;
        let id = question(&mut call, "sampling/createMessage").await;
        let sampled = json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "sampled-words"}});
        assert_eq!(client.send(json!({"jsonrpc": "2.0", "id": id, "result": sampled}).to_string()).await.status, 202);
        assert!(last(&mut call).await.to_string().contains("sampled-words"));
    }

    async fn progress_of_a_long_call_passes_as_it_comes(role, protocol) {
        let shared = joined(role).await;
        let client = shared.connected(protocol).await;
        let body = json!({"jsonrpc": "2.0", "id": "long", "method": "tools/call", "params": {
            "name": "everything_trigger-long-running-operation", "arguments": {"duration": 1, "steps": 4}, "_meta": {"progressToken": "tok-1"},
        }});
        let mut call = client.open(body.to_string()).await;
        for step in 1..=4 {
            let event = call.event().await.unwrap();
            assert_eq!(event["method"], "notifications/progress", "{event}");
            assert_eq!((&event["params"]["progressToken"], &event["params"]["progress"]), (&json!("tok-1"), &json!(step)));
        }
        assert_eq!(last(&mut call).await["id"], "long");
    }
}

in_both_roles! {
    async fn an_answer_is_accepted_without_what_the_server_says_to_it(role) {
        let script = Script { talks_back: true, ..Script::standard().with_sessions() };
        let server = Upstream::start(script).await;
        let manifests = Manifests::gateway().server(&Server::new("kept", server.address()));
        let gateway = Gateway::start(role, &manifests).await;
        for protocol in PROTOCOLS {
            let client = Client::with_capabilities(gateway.address(), protocol, json!({"elicitation": {}})).await;
            let mut call = client.open_call("kept_elicit_number_id", json!({})).await;
            let id = call.event().await.unwrap()["id"].clone();
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"action": "decline"}}).to_string();
            let reply = within("the end of an answer's POST", Duration::from_secs(5), client.send(answer)).await;
            assert_eq!((reply.status, reply.text(), reply.complete), (202, "", true), "{}", reply.shown());
            assert_eq!(reply.header("content-type"), None);
            assert_eq!(told(&mut call).await["result"]["action"], "decline");
        }
    }
}

async fn able<T: HasGateway>(shared: &Used<T>, protocol: Protocol) -> Client {
    let capabilities = json!({"elicitation": {}, "sampling": {}, "roots": {"listChanged": true}});
    Client::with_capabilities(shared.gateway().address(), protocol, capabilities).await
}

/// Answers a question of a server with a name, and tells the status.
async fn answer(client: &Client, id: &Value, name: &str) -> u16 {
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"name": name}}});
    client.send(answer.to_string()).await.status
}

/// The answer that the scripted server got, as its last event repeats it.
async fn told(call: &mut Open) -> Value {
    last(call).await["result"]["structuredContent"]["answer"].clone()
}

/// The answer to the call.
async fn last(call: &mut Open) -> Value {
    loop {
        let event = call
            .event()
            .await
            .expect("an answer before the stream ends");
        if event.get("result").is_some() || event.get("error").is_some() {
            return event;
        }
    }
}

/// The id of the question of this method.
async fn question(call: &mut Open, method: &str) -> Value {
    loop {
        let event = call
            .event()
            .await
            .expect("a question before the stream ends");
        if event["method"] == method {
            return event["id"].clone();
        }
    }
}

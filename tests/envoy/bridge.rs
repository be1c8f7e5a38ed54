//! Conversations between the eras: a server of one asks a client of the other.

use std::time::Duration;

use harness::caller::{Open, Protocol};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::message::Reply;
use harness::script::{Answer, Eras, Script, Tool};
use harness::sessions::Client;
use harness::stateless::{ask, meta};
use harness::upstream::Upstream;
use harness::wait::{until, within};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

/// A gateway with `mcp-streams` before a server of sessions (`kept_`) and a stateless one (`new_`).
struct World {
    gateway: Gateway,
    kept: Upstream,
    new: Upstream,
}

async fn start(role: Role) -> World {
    let kept = Upstream::start(Script::standard().with_sessions()).await;
    let tools = vec![
        Tool::new("once", Answer::NeedsInput(1)),
        Tool::new("twice", Answer::NeedsInput(2)),
        Tool::new("for_ever", Answer::NeedsInput(u32::MAX)),
    ];
    let script = Script {
        eras: Eras::Stateless,
        ..Script::with_tools(tools)
    };
    let new = Upstream::start(script).await;
    let manifests = Manifests::gateway()
        .server(&Server::new("kept", kept.address()))
        .server(&Server::new("new", new.address()));
    let gateway = Gateway::streaming(role, &manifests).await;
    World { gateway, kept, new }
}

fn able() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}})
}

/// A call of a stateless client that can answer, with these members more.
async fn call(client: &Client, tool: &str, more: &Value) -> Reply {
    let mut params = json!({"name": tool, "arguments": {}, "_meta": meta(&able())});
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    ask(client, "tools/call", &params).await
}

/// The only question of a result, and its state.
fn question(result: &Value) -> (String, Value, Value) {
    assert_eq!(result["resultType"], "input_required", "{result}");
    let questions = result["inputRequests"].as_object().expect("questions");
    let [(key, question)] = questions.iter().collect::<Vec<_>>()[..] else {
        panic!("one question: {result}")
    };
    (
        key.clone(),
        question.clone(),
        result["requestState"].clone(),
    )
}

async fn event(call: &mut Open) -> Value {
    within("an event", SOON, call.event())
        .await
        .expect("an event before the end")
}

async fn answer(client: &Client, id: &Value, result: Value) {
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
    let reply = client.send(answer.to_string()).await;
    assert_eq!(reply.status, 202, "{}", reply.shown());
}

async fn session(world: &World) -> Client {
    Client::with_capabilities(world.gateway.address(), Protocol::Http1, able()).await
}

in_both_roles! {
    async fn a_server_of_sessions_asks_a_stateless_client(role) {
        let world = start(role).await;
        let client = Client::new(world.gateway.address(), Protocol::Http1);
        for (tool, method, given) in [
            ("kept_elicit_number_id", "elicitation/create", json!({"action": "accept", "content": {"name": "Grace", "n": 1.50}})),
            ("kept_elicit_odd_id", "elicitation/create", json!({"action": "decline"})),
            ("kept_sample", "sampling/createMessage", json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "t"}})),
            ("kept_roots", "roots/list", json!({"roots": [{"uri": "file:///a"}]})),
        ] {
            let asked = call(&client, tool, &json!({})).await.result();
            let (key, question, state) = question(&asked);
            assert_eq!(question["method"], method, "{asked}");
            let more = json!({"inputResponses": {key: given}, "requestState": state});
            let result = call(&client, tool, &more).await.result();
            assert_eq!(result["resultType"], "complete", "{result}");
            assert_eq!(result["structuredContent"]["answer"]["result"], given, "{result}");
        }
        until("the sessions of the calls have ended", SOON, || async {
            // The one that is left is discovery's.
            (world.kept.sessions().len() <= 1).then_some(())
        }).await;
    }

    async fn a_conversation_is_its_clients_and_of_its_call(role) {
        let world = start(role).await;
        let client = Client::new(world.gateway.address(), Protocol::Http1);
        let asked = call(&client, "kept_elicit_number_id", &json!({})).await.result();
        let (key, _, state) = question(&asked);
        let given = json!({"action": "accept", "content": {}});
        let with = |state: Value| json!({"inputResponses": {key.clone(): given.clone()}, "requestState": state});
        for forged in [json!("forged"), json!("")] {
            call(&client, "kept_elicit_number_id", &with(forged)).await.assert_error(400, -32602, &json!(7));
        }
        call(&client, "kept_sample", &with(state.clone())).await.assert_error(400, -32602, &json!(7));
        // What is missing is asked for once more, and nothing is lost by it.
        let again = call(&client, "kept_elicit_number_id", &json!({"inputResponses": {}, "requestState": state})).await.result();
        let (_, _, state) = question(&again);
        let result = call(&client, "kept_elicit_number_id", &with(state)).await.result();
        assert_eq!(result["structuredContent"]["answer"]["result"], given, "{result}");
    }

    async fn a_stateless_server_asks_a_client_with_a_session(role) {
        let world = start(role).await;
        let client = session(&world).await;
        for (tool, rounds) in [("new_once", 1), ("new_twice", 2)] {
            let mut call = client.open_call(tool, json!({"n": 1})).await;
            for round in 1..=rounds {
                let asked = event(&mut call).await;
                assert_eq!(asked["method"], "elicitation/create", "{asked}");
                assert_eq!(asked["params"]["message"], format!("Who? {round}"));
                answer(&client, &asked["id"], json!({"action": "accept", "content": {"round": round}})).await;
            }
            let last = event(&mut call).await;
            assert_eq!(last["id"], 1, "{last}");
            let params = &last["result"]["structuredContent"]["params"];
            assert_eq!(params["arguments"], json!({"n": 1}), "{last}");
            let given = &params["inputResponses"][format!("who-{rounds}")];
            assert_eq!(*given, json!({"action": "accept", "content": {"round": rounds}}), "{last}");
        }
        for request in world.new.received() {
            let mut names = request.headers.keys().map(http::HeaderName::as_str);
            assert!(names.all(|name| !name.starts_with("x-mcp-streams")), "{request:?}");
        }
    }

    async fn a_conversation_without_end_is_an_error_of_the_tool(role) {
        let world = start(role).await;
        let client = session(&world).await;
        let mut call = client.open_call("new_for_ever", json!({})).await;
        let last = loop {
            let asked = event(&mut call).await;
            if asked.get("method").is_none() {
                break asked;
            }
            answer(&client, &asked["id"], json!({"action": "accept", "content": {}})).await;
        };
        assert_eq!(last["result"]["isError"], true, "{last}");
    }

    async fn an_answer_of_another_session_is_refused(role) {
        let world = start(role).await;
        let (client, other) = (session(&world).await, session(&world).await);
        let mut call = client.open_call("new_once", json!({})).await;
        let asked = event(&mut call).await;
        let stolen = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {}}});
        assert_eq!(other.send(stolen.to_string()).await.status, 400);
        answer(&client, &asked["id"], json!({"action": "decline"})).await;
        let last = event(&mut call).await;
        assert_eq!(last["result"]["structuredContent"]["params"]["inputResponses"]["who-1"]["action"], "decline");
    }

    async fn who_can_answer_nothing_is_not_asked(role) {
        let world = start(role).await;
        let client = Client::connected(world.gateway.address(), Protocol::Http1).await;
        let last = client.call("new_once", json!({})).await;
        assert_eq!(last.result()["isError"], true, "{}", last.shown());
    }
}

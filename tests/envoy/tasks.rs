//! Tasks of 2025-11-25: calls that are asked for later, under ids that lead home.

use std::time::Duration;

use harness::caller::Protocol::Http1;
use harness::everything::Everything;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::sessions::Client;
use harness::wait::until;
use serde_json::{Value, json};

const RELATED: &str = "io.modelcontextprotocol/related-task";
const TOOL: &str = "everything_simulate-research-query";

in_both_roles! {
    async fn a_task_is_followed_asked_for_its_answer_and_answered(role) {
        let (_everything, gateway) = start(role).await;
        let client = able(&gateway).await;
        let task = create(&client, true).await;
        until("the task wants input", Duration::from_secs(30), || async {
            let got = ask(&client, "tasks/get", &task).await;
            assert_eq!(got["taskId"], task.as_str(), "{got}");
            (got["status"] == "input_required").then_some(())
        }).await;
        let mut stream = client.open(message("tasks/result", &json!({"taskId": task}))).await;
        let question = stream.event().await.expect("a question");
        assert_eq!(question["method"], "elicitation/create");
        assert_eq!(question["params"]["_meta"][RELATED]["taskId"], task.as_str());
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {
            "_meta": {RELATED: {"taskId": task}},
            "action": "accept", "content": {"interpretation": "technical"},
        }});
        assert_eq!(client.send(answer.to_string()).await.status, 202);
        let answer = loop {
            let event = stream.event().await.expect("the task's answer");
            if event["id"] == 1 {
                break event;
            }
        };
        assert_eq!(answer["result"]["_meta"][RELATED]["taskId"], task.as_str(), "{answer}");
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("technical"));
        assert_eq!(ask(&client, "tasks/get", &task).await["status"], "completed");
    }

    async fn a_task_is_cancelled(role) {
        let (_everything, gateway) = start(role).await;
        let client = able(&gateway).await;
        let task = create(&client, false).await;
        let cancelled = ask(&client, "tasks/cancel", &task).await;
        assert_eq!((&cancelled["taskId"], &cancelled["status"]), (&json!(task), &json!("cancelled")));
        client.request("tasks/cancel", &json!({"taskId": task})).await.assert_error(200, -32602, &json!(1));
    }

    async fn a_task_is_nobody_elses(role) {
        let (_everything, gateway) = start(role).await;
        let client = able(&gateway).await;
        let task = create(&client, false).await;
        let stranger = Client { session: None, ..client.clone() };
        let changed = format!("{}{}", if task.starts_with('A') { "B" } else { "A" }, &task[1..]);
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            for other in [able(&gateway).await, stranger.clone()] {
                other.request(method, &json!({"taskId": task})).await.assert_error(200, -32602, &json!(1));
            }
            for id in [json!(changed), json!("7"), json!(""), json!(7), json!(null)] {
                client.request(method, &json!({"taskId": id})).await.assert_error(200, -32602, &json!(1));
            }
        }
        client.request("tasks/list", &json!({})).await.assert_error(200, -32601, &json!(1));
        assert_eq!(ask(&client, "tasks/get", &task).await["taskId"], task.as_str());
    }
}

async fn start(role: Role) -> (Everything, Gateway) {
    let everything = Everything::start().await;
    let manifests = Manifests::gateway().server(&Server::new("everything", everything.address()));
    let gateway = Gateway::start(role, &manifests).await;
    (everything, gateway)
}

async fn able(gateway: &Gateway) -> Client {
    let mut client = Client::new(gateway.address(), Http1);
    let reply = client
        .initialize("2025-11-25", json!({"elicitation": {}}))
        .await;
    let tasks = reply.result()["capabilities"]["tasks"].clone();
    assert_eq!(
        tasks,
        json!({"cancel": {}, "requests": {"tools": {"call": {}}}})
    );
    client
}

fn message(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// Begins a task and gives its id.
async fn create(client: &Client, ambiguous: bool) -> String {
    let params = json!({"name": TOOL, "arguments": {"topic": "t", "ambiguous": ambiguous}, "task": {"ttl": 60_000}});
    let reply = client.request("tools/call", &params).await;
    let id = reply.result()["task"]["taskId"]
        .as_str()
        .expect("a task")
        .to_owned();
    let is_sealed = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    assert!(is_sealed && (64..512).contains(&id.len()), "{id}");
    id
}

async fn ask(client: &Client, method: &str, task: &str) -> Value {
    let reply = client.request(method, &json!({"taskId": task})).await;
    reply.result()
}

//! Batches of 2025-03-26.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::Bench;
use super::client::Answer;
use super::stand_in::Asked;

const ARRAY: &[(&str, &str)] = &[("accept", "application/json")];
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

async fn batch(bench: &Bench, more: &[(&str, &str)], members: &[Value]) -> Answer {
    let body = Value::from(members.to_vec()).to_string();
    bench.client.post("sessions", "batch", (more, &body)).await
}

fn request(id: i32, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

fn result(id: i32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {}})
}

fn response(kind: &str, body: String) -> Response {
    let response = Response::builder().header("content-type", kind);
    response.body(Body::from(body)).unwrap()
}

/// `a` is answered at once, `b` on a stream with a word before, and of `c` nothing comes.
fn answer(asked: &Asked) -> Option<Response> {
    let message: Value = serde_json::from_slice(&asked.body).unwrap();
    let id = message["id"].as_i64().map(|id| i32::try_from(id).unwrap());
    Some(match (message["method"].as_str(), id) {
        (Some("a"), Some(id)) => response(JSON, result(id).to_string()),
        (Some("b"), Some(id)) => {
            let word = json!({"jsonrpc": "2.0", "method": "word"});
            response(EVENTS, format!("data: {word}\n\ndata: {}\n\n", result(id)))
        }
        (Some("c"), Some(_)) => response(EVENTS, String::new()),
        (_, None) => Response::builder().status(202).body(Body::empty()).unwrap(),
        other => panic!("{other:?}"),
    })
}

fn sorted(mut answers: Vec<Value>) -> Vec<Value> {
    answers.sort_by_key(|answer| answer["id"].as_i64());
    answers
}

#[tokio::test]
async fn each_member_is_asked_for_by_itself_and_the_answers_are_one_array() {
    let bench = Bench::new().await;
    bench.gateway.answer(answer);
    let note = json!({"jsonrpc": "2.0", "method": "note"});
    let answered = batch(&bench, ARRAY, &[request(1, "a"), note, request(2, "b")]).await;
    assert_eq!(
        (answered.status(), answered.header("content-type")),
        (http::StatusCode::OK, Some(JSON))
    );
    let answers = answered.json().await.as_array().unwrap().clone();
    assert_eq!(sorted(answers), [result(1), result(2)]);
    // What is no request went first, and all with what the client has sent.
    let first = bench.gateway.asked("POST call note").await;
    assert_eq!(first.path, "/mcp?a=%41");
    assert_eq!(first.header("mcp-session-id"), Some("s"));
    assert_eq!(first.header("authorization"), Some("Bearer a"));
    let mut rest = bench.gateway.so_far().await;
    rest.sort();
    assert_eq!(rest, ["POST call a", "POST call b"]);
}

#[tokio::test]
async fn a_client_that_takes_events_gets_all_that_comes() {
    let bench = Bench::new().await;
    bench.gateway.answer(answer);
    let answered = batch(&bench, &[], &[request(1, "a"), request(2, "b")]).await;
    assert_eq!(answered.header("content-type"), Some(EVENTS));
    let mut stream = answered.events();
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(stream.message().await.1);
    }
    assert_eq!(stream.event().await, None);
    let word = messages
        .iter()
        .position(|message| message["method"] == "word");
    messages.remove(word.expect("what came before the answer"));
    assert_eq!(sorted(messages), [result(1), result(2)]);
}

#[tokio::test]
async fn what_is_not_answered_is_an_error_with_its_id() {
    let bench = Bench::new().await;
    bench.gateway.answer(answer);
    let answered = batch(&bench, ARRAY, &[request(1, "a"), request(3, "c")]).await;
    let answers = sorted(answered.json().await.as_array().unwrap().clone());
    assert_eq!(answers[0], result(1));
    let error = &answers[1]["error"];
    assert_eq!(
        (&answers[1]["id"], &error["code"], &error["data"]),
        (&json!(3), &json!(-32603), &json!({"retry": true}))
    );
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let bench = Bench::new().await;
    for body in [
        "{}".to_owned(),
        Value::from(vec![request(1, "a"); 33]).to_string(),
    ] {
        let refused = bench.client.post("sessions", "batch", (&[], &body)).await;
        assert_eq!(refused.status(), 400);
    }
}

//! Batches of 2025-03-26.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::response::Response;
use futures::stream::{self, Stream, StreamExt as _};
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

fn streamed(body: impl Stream<Item = String> + Send + 'static) -> Response {
    let body = body.map(Ok::<_, std::convert::Infallible>);
    let response = Response::builder().header("content-type", EVENTS);
    response.body(Body::from_stream(body)).unwrap()
}

/// `a` is answered at once, `b` on a stream with a word before, of `c` nothing comes, and `d` waits for ever.
fn answer(asked: &Asked) -> Option<Response> {
    let message: Value = serde_json::from_slice(&asked.body).unwrap();
    let text = str::from_utf8(&asked.body).unwrap();
    if message["jsonrpc"] != "2.0" || text.matches("method").count() > 1 {
        let error = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32600}});
        return Some(response(JSON, error.to_string()));
    }
    let id = message["id"].as_i64().map(|id| i32::try_from(id).unwrap());
    Some(match (message["method"].as_str(), id) {
        (Some("a"), Some(id)) => response(JSON, result(id).to_string()),
        (Some("b"), Some(id)) => {
            let word = json!({"jsonrpc": "2.0", "method": "word"});
            response(EVENTS, format!("data: {word}\n\ndata: {}\n\n", result(id)))
        }
        (Some("c"), Some(_)) => response(EVENTS, String::new()),
        (Some("d"), Some(_)) => streamed(stream::pending()),
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
    let first = bench.gateway.asked("POST member note").await;
    assert_eq!(first.path, "/mcp?a=%41");
    assert_eq!(first.header("mcp-session-id"), Some("s"));
    assert_eq!(first.header("authorization"), Some("Bearer a"));
    let mut rest = bench.gateway.so_far().await;
    rest.sort();
    assert_eq!(rest, ["POST member a", "POST member b"]);
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

#[tokio::test]
async fn what_is_no_message_is_refused_in_its_place() {
    let bench = Bench::new().await;
    bench.gateway.answer(answer);
    let twice = r#"{"jsonrpc":"2.0","id":3,"method":"a","method":"a"}"#;
    let body = format!(r#"[{},{{"id":2}},1,{twice}]"#, request(1, "a"));
    let answered = bench
        .client
        .post("sessions", "batch", (ARRAY, &body))
        .await
        .json()
        .await;
    let told = answered.as_array().unwrap().iter();
    let told = told.map(|one| (one["id"].as_i64(), one["error"]["code"].as_i64()));
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    let invalid = Some(-32600);
    assert_eq!(
        told,
        [
            (None, invalid),
            (Some(1), None),
            (Some(2), invalid),
            (Some(3), invalid)
        ]
    );
}

#[tokio::test]
async fn an_array_that_grows_too_large_is_given_up_and_leaves_its_place() {
    let bench = Bench::with(|settings| {
        settings.bounds.event = 256;
        settings.bounds.calls = NonZeroUsize::MIN;
    })
    .await;
    bench.gateway.answer(answer);
    let many: Vec<Value> = (0..32).map(|id| request(id, "a")).collect();
    let refused = batch(&bench, ARRAY, &many).await.json().await;
    assert_eq!(
        refused["error"]["message"],
        "the answers together are larger than 256 bytes"
    );
    let next = batch(&bench, ARRAY, &[request(1, "a")]).await;
    assert_eq!(next.json().await, json!([result(1)]));
}

#[tokio::test]
async fn an_array_ends_with_the_program() {
    let mut bench = Bench::new().await;
    let end = bench.end.take().unwrap();
    bench.gateway.answer(answer);
    let refused = {
        let hanging = [request(1, "d")];
        let answered = batch(&bench, ARRAY, &hanging);
        tokio::pin!(answered);
        tokio::select! {
            _ = &mut answered => panic!("answered"),
            _ = bench.gateway.asked("POST member d") => {}
        }
        end.send(()).unwrap();
        answered.await.json().await
    };
    assert_eq!(refused["error"]["data"], json!({"retry": true}));
    bench.ended().await;
}

#[tokio::test]
async fn only_some_members_are_asked_for_at_once() {
    let bench = Bench::new().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    bench.gateway.answer(move |asked| {
        let message: Value = serde_json::from_slice(&asked.body).unwrap();
        let id = i32::try_from(message["id"].as_i64().unwrap()).unwrap();
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let now = Arc::clone(&now);
        Some(streamed(stream::once(async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            format!("data: {}\n\n", result(id))
        })))
    });
    let many: Vec<Value> = (0..32).map(|id| request(id, "a")).collect();
    let answers = batch(&bench, ARRAY, &many).await.json().await;
    assert_eq!(answers.as_array().map(Vec::len), Some(32));
    let most = most.load(Ordering::SeqCst);
    assert!((1..=4).contains(&most), "{most} at once");
}

//! A client of sessions calls a server that answers with its questions.

use serde_json::{Value, json};

use crate::gateway::{Answer, World, soon};

const CALL: (&str, &str, &str) = ("alice", "sessions", "tools/call");
const ANSWER: (&str, &str, &str) = ("alice", "sessions", "response");

const BODY: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{"n":1.0, "a":"\u0041"},"_meta":{"progressToken":1}}}"#;
const ASKS: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"m", "n":1.0}},"where":{"method":"roots/list"}},"requestState":"s"}}"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ],"n":1.0}}"#;

/// A call whose server has asked: the client's stream, and the ids of both questions.
async fn asked(world: &mut World) -> (Answer, [Value; 2]) {
    let answer = world.send(CALL, BODY);
    world.post_with("tools/call").await.answer_json(ASKS);
    let mut answer = soon(answer).await.unwrap();
    let first = answer.next_json().await;
    assert_eq!(first["method"], "elicitation/create");
    assert_eq!(first["params"], json!({"message": "m", "n": 1.0}));
    let second = answer.next_json().await;
    assert_eq!(second["method"], "roots/list");
    (answer, [first["id"].clone(), second["id"].clone()])
}

fn response(id: &Value, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

#[tokio::test]
async fn a_result_that_asks_becomes_requests_and_the_call_is_made_again() {
    for is_stream in [false, true] {
        let mut world = World::new().await;
        let answer = world.send(CALL, BODY);
        let inner = world.post_with("tools/call").await;
        assert_eq!(inner.text(), BODY);
        assert_eq!(inner.header("x-mcp-streams"), Some("call"));
        let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1.0}}"#;
        if is_stream {
            inner.stream().send_all(&[progress, ASKS]);
        } else {
            inner.answer_json(ASKS);
        }
        let mut answer = soon(answer).await.unwrap();
        if is_stream {
            assert_eq!(answer.next().await.as_deref(), Some(progress));
        }
        let first = answer.next_json().await["id"].clone();
        let second = answer.next_json().await["id"].clone();
        world.ticket = "newer";
        world.authorization = "Bearer newer";
        let roots = response(&second, r#"{"roots":[ ]}"#);
        assert_eq!(soon(world.send(ANSWER, &roots)).await.unwrap().status, 202);
        let who = response(&first, r#"{"action":"accept","content":{"n":1.0}}"#);
        assert_eq!(soon(world.send(ANSWER, &who)).await.unwrap().status, 202);

        let inner = world.post_with("tools/call").await;
        assert_eq!(inner.header("x-mcp-streams-ticket"), Some("newer"));
        assert_eq!(inner.header("authorization"), Some("Bearer newer"));
        let again = inner.json();
        assert_ne!(again["id"], 7);
        let params = r#""params":{"name":"t","arguments":{"n":1.0, "a":"\u0041"},"_meta":{"progressToken":1},"inputResponses":{"who":{"action":"accept","content":{"n":1.0}},"where":{"roots":[ ]}},"requestState":"s"}"#;
        assert!(inner.text().contains(params), "{}", inner.text());
        let done = DONE.replace("\"id\":7", &format!("\"id\":{}", again["id"]));
        if is_stream {
            inner.stream().send(&done);
        } else {
            inner.answer_json(done);
        }
        assert_eq!(answer.next().await.as_deref(), Some(DONE));
        assert_eq!(answer.next().await, None);
    }
}

#[tokio::test]
async fn an_answer_without_a_question_passes() {
    for is_stream in [false, true] {
        let mut world = World::new().await;
        let answer = world.send(CALL, BODY);
        let inner = world.post_with("tools/call").await;
        if is_stream {
            inner.stream().send(DONE);
            assert_eq!(
                soon(answer).await.unwrap().next().await.as_deref(),
                Some(DONE)
            );
        } else {
            inner.answer_json(DONE);
            let done: Value = serde_json::from_str(DONE).unwrap();
            assert_eq!(soon(answer).await.unwrap().json().await, done);
        }
    }
}

#[tokio::test]
async fn nobody_else_answers_and_nothing_else_is_answered() {
    let mut world = World::new().await;
    let (_answer, [first, _]) = asked(&mut world).await;
    let mallory = ("mallory", "sessions", "response");
    for (caller, id) in [
        (mallory, first.clone()),
        (ANSWER, json!("00.1")),
        (ANSWER, json!(1)),
    ] {
        let answer = soon(world.send(caller, &response(&id, "{}")))
            .await
            .unwrap();
        assert_eq!(answer.status, 400, "{id}");
    }
}

#[tokio::test]
async fn a_client_that_cannot_answer_gets_a_result_that_says_so() {
    let mut world = World::new().await;
    let (mut answer, [first, _]) = asked(&mut world).await;
    let error =
        format!(r#"{{"jsonrpc":"2.0","id":{first},"error":{{"code":-1,"message":"no form"}}}}"#);
    soon(world.send(ANSWER, &error)).await.unwrap();
    let result = answer.next_json().await;
    assert_eq!(
        (&result["id"], &result["result"]["isError"]),
        (&json!(7), &json!(true))
    );
    let text = result["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no form"), "{text}");
}

#[tokio::test]
async fn a_client_that_does_not_answer_gets_a_result_that_says_so() {
    let patience = std::time::Duration::from_millis(50);
    let mut world = World::with(|settings| settings.patience = patience).await;
    let (mut answer, _) = asked(&mut world).await;
    let result = answer.next_json().await;
    assert_eq!(result["result"]["isError"], true);
    let text = result["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("in time"), "{text}");
}

#[tokio::test]
async fn a_client_that_is_gone_ends_its_call_at_the_server() {
    let mut world = World::new().await;
    let answer = world.send(CALL, BODY);
    let events = world.post_with("tools/call").await.stream();
    drop(soon(answer).await.unwrap());
    events.closed().await;
}

#[tokio::test]
async fn a_stream_that_ends_without_an_answer_is_an_error() {
    let mut world = World::new().await;
    let answer = world.send(CALL, BODY);
    drop(world.post_with("tools/call").await.stream());
    let error = soon(answer).await.unwrap().next_json().await;
    assert_eq!(
        (&error["id"], &error["error"]["code"]),
        (&json!(7), &json!(-32603))
    );
}

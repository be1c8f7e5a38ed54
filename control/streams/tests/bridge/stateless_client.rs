//! A client of 2026-07-28 calls a server that asks by requests of its own.

use serde_json::{Value, json};

use crate::gateway::{Answer, Events, World, soon};

const CALL: (&str, &str, &str) = ("alice", "stateless", "tools/call");
const MALLORY: (&str, &str, &str) = ("mallory", "stateless", "tools/call");

/// A call with this id, and what a retry adds.
fn call(id: &str, more: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","arguments":{{"n":1.0, "a":"\u0041"}}{more},"_meta":{{"progressToken":"p{id}","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{"elicitation":{{"form":{{}},"url":{{}}}},"roots":{{}}}}}}}}}}"#
    )
}

fn retry(id: &str, state: &Value, responses: &str) -> String {
    call(
        id,
        &format!(r#","inputResponses":{responses},"requestState":{state}"#),
    )
}

const ELICIT: &str = r#"{"jsonrpc":"2.0","id":"sealed-1","method":"elicitation/create","params":{"message":"m", "n":1.0}}"#;
const ROOTS: &str = r#"{"jsonrpc":"2.0","id":"sealed-2","method":"roots/list"}"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"n":1.0}}"#;

/// A call that has begun: the client's stream, and the server's.
async fn begun(world: &mut World) -> (Answer, Events) {
    let answer = world.send(CALL, &call("7", ""));
    world.open_session().await;
    let events = world.post_with("tools/call").await.stream();
    (soon(answer).await.unwrap(), events)
}

/// A call whose server has asked, with the state to come back with.
async fn asked(world: &mut World) -> (Value, Events) {
    let (mut answer, events) = begun(world).await;
    events.send(ELICIT);
    let question = answer.next_json().await;
    assert_eq!(answer.next().await, None);
    (question["result"]["requestState"].clone(), events)
}

fn progress(token: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"{token}","progress":1.0}}}}"#
    )
}

#[tokio::test]
async fn a_servers_question_is_a_result_and_the_retry_gets_the_answer() {
    let mut world = World::new().await;
    let answer = world.send(CALL, &call("7", ""));
    let initialize = world.open_session().await;
    assert_eq!(initialize.header("authorization"), Some("Bearer a"));
    assert_eq!(initialize.header("host"), Some("mcp.example.com"));
    assert_eq!(
        initialize.json()["params"]["capabilities"],
        json!({"elicitation": {"form": {}, "url": {}}, "roots": {}})
    );
    let inner = world.post_with("tools/call").await;
    assert_eq!(inner.header("mcp-session-id"), Some("in-1"));
    assert_eq!(inner.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(inner.header("mcp-param-x"), None);
    assert_eq!(inner.header("x-mcp-streams"), Some("call"));
    assert_eq!(inner.header("x-mcp-streams-ticket"), Some("ticket"));
    assert_eq!(
        inner.text(),
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{"n":1.0, "a":"\u0041"},"_meta":{"progressToken":"p7"}}}"#
    );
    let events = inner.stream();
    let mut answer = soon(answer).await.unwrap();
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    events.send(&progress("p7"));
    assert_eq!(answer.next().await, Some(progress("p7")));
    events.send_all(&[ELICIT, ROOTS]);
    let question = answer.next_json().await;
    assert_eq!(question["id"], 7);
    assert_eq!(question["result"]["resultType"], "input_required");
    assert_eq!(
        question["result"]["inputRequests"],
        json!({"1": {"method": "elicitation/create", "params": {"message": "m", "n": 1.0}}, "2": {"method": "roots/list"}})
    );
    assert_eq!(answer.next().await, None);

    events.send(&progress("p7"));
    let responses = r#"{"1":{"action":"accept","content":{"n":1.0}},"2":{"roots":[ ]}}"#;
    let state = &question["result"]["requestState"];
    world.ticket = "newer";
    let answer = world.send(
        CALL,
        &retry("\"r\"", state, responses).replace("p\"r\"", "pr"),
    );
    for expected in [
        r#"{"jsonrpc":"2.0","id":"sealed-1","result":{"action":"accept","content":{"n":1.0}}}"#,
        r#"{"jsonrpc":"2.0","id":"sealed-2","result":{"roots":[ ]}}"#,
    ] {
        let inner = world.post_with(expected).await;
        assert_eq!(inner.header("mcp-session-id"), Some("in-1"));
        assert_eq!(inner.header("x-mcp-streams-ticket"), Some("newer"));
        inner.accept();
    }
    let mut answer = soon(answer).await.unwrap();
    assert_eq!(answer.next().await, Some(progress("pr")));
    events.send(DONE);
    let done = DONE.replace("\"id\":7", "\"id\":\"r\"");
    assert_eq!(answer.next().await, Some(done));
    assert_eq!(answer.next().await, None);
    world.closes_session().await;
}

#[tokio::test]
async fn an_answer_without_a_question_passes_and_the_session_ends() {
    for is_stream in [false, true] {
        let mut world = World::new().await;
        let answer = world.send(CALL, &call("7", ""));
        world.open_session().await;
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
        world.closes_session().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_be_looked_at_passes_as_it_is() {
    let mut world = World::with(|settings| settings.bounds.event = 64).await;
    let answer = world.send(CALL, &call("7", ""));
    world.open_session().await;
    let long = DONE.replace("[]", &format!("[\"{}\"]", "x".repeat(100_000)));
    world.post_with("tools/call").await.answer_json(&*long);
    let long: Value = serde_json::from_str(&long).unwrap();
    assert_eq!(soon(answer).await.unwrap().json().await, long);
    world.closes_session().await;
}

#[tokio::test]
async fn a_state_is_good_once_and_for_its_own_caller_and_call_alone() {
    let mut world = World::new().await;
    let (state, events) = asked(&mut world).await;
    let responses = r#"{"1":{"action":"accept"}}"#;
    let other_tool = retry("8", &state, responses).replace("\"t\"", "\"u\"");
    for (caller, body) in [
        (MALLORY, retry("8", &state, responses)),
        (CALL, other_tool),
        (CALL, retry("8", &json!("invented"), responses)),
        (CALL, retry("8", &json!(7), responses)),
    ] {
        let answer = soon(world.send(caller, &body)).await.unwrap();
        assert_eq!(answer.status, 400);
        let refused = answer.json().await;
        assert_eq!(
            (&refused["error"]["code"], &refused["id"]),
            (&json!(-32602), &json!(8))
        );
    }
    let answer = world.send(CALL, &retry("8", &state, responses));
    world.post_with("sealed-1").await.accept();
    let mut answer = soon(answer).await.unwrap();
    let again = soon(world.send(CALL, &retry("9", &state, responses)))
        .await
        .unwrap();
    assert_eq!(again.status, 400);
    events.send(DONE);
    assert_eq!(answer.next_json().await["id"], 8);
}

#[tokio::test]
async fn what_is_not_answered_is_asked_again_under_another_state() {
    let mut world = World::new().await;
    let (state, _events) = asked(&mut world).await;
    let mut answer = soon(world.send(CALL, &retry("8", &state, "{}")))
        .await
        .unwrap();
    let question = answer.next_json().await;
    assert!(
        question["result"]["inputRequests"]["1"].is_object(),
        "{question}"
    );
    assert_ne!(question["result"]["requestState"], state);
}

#[tokio::test]
async fn a_ping_is_answered_while_nobody_waits_and_the_answer_is_kept_for_the_retry() {
    let mut world = World::new().await;
    let (state, events) = asked(&mut world).await;
    events.send(r#"{"jsonrpc":"2.0","id":"sealed-9","method":"ping"}"#);
    let pong = r#"{"jsonrpc":"2.0","id":"sealed-9","result":{}}"#;
    world.post_with(pong).await.accept();
    events.send(DONE);
    drop(events);
    let answer = world.send(CALL, &retry("8", &state, "{}"));
    let mut answer = soon(answer).await.unwrap();
    assert_eq!(
        answer.next_json().await["result"],
        json!({"content": [], "n": 1.0})
    );
    world.closes_session().await;
}

#[tokio::test]
async fn a_server_that_leaves_without_an_answer_is_told_to_the_client() {
    let mut world = World::new().await;
    let (mut answer, events) = begun(&mut world).await;
    drop(events);
    let error = answer.next_json().await;
    assert_eq!(
        (&error["error"]["code"], &error["id"]),
        (&json!(-32603), &json!(7))
    );

    let mut world = World::new().await;
    let (state, events) = asked(&mut world).await;
    drop(events);
    let mut answer = soon(world.send(CALL, &retry("8", &state, "{}")))
        .await
        .unwrap();
    let error = answer.next_json().await;
    assert_eq!(
        (&error["error"]["code"], &error["id"]),
        (&json!(-32603), &json!(8))
    );
}

#[tokio::test]
async fn a_client_that_is_gone_cancels_its_call() {
    let mut world = World::new().await;
    let (answer, events) = begun(&mut world).await;
    drop(answer);
    events.closed().await;
    let cancelled = world.post_with("notifications/cancelled").await;
    assert_eq!(cancelled.json()["params"], json!({"requestId": 7}));
    assert_eq!(cancelled.header("mcp-session-id"), Some("in-1"));
    cancelled.accept();
    world.closes_session().await;
}

#[tokio::test]
async fn a_client_that_is_gone_before_the_server_says_anything_cancels_its_call() {
    let mut world = World::new().await;
    let answer = world.send(CALL, &call("7", ""));
    world.open_session().await;
    let _silent = world.post_with("tools/call").await;
    answer.abort();
    let cancelled = world.post_with("notifications/cancelled").await;
    assert_eq!(cancelled.json()["params"], json!({"requestId": 7}));
    cancelled.accept();
    world.closes_session().await;
}

#[tokio::test]
async fn a_client_that_does_not_come_back_has_cancelled_its_call() {
    let patience = std::time::Duration::from_millis(50);
    let mut world = World::with(|settings| settings.patience = patience).await;
    let (state, events) = asked(&mut world).await;
    events.closed().await;
    world.post_with("notifications/cancelled").await.accept();
    world.closes_session().await;
    let late = soon(world.send(CALL, &retry("8", &state, "{}")))
        .await
        .unwrap();
    assert_eq!(late.status, 400);
}

#[tokio::test]
async fn a_call_counts_as_waiting_until_its_client_is_back() {
    let mut world = World::new().await;
    world.waiting_calls(0).await;
    let (state, _events) = asked(&mut world).await;
    let _other = begun(&mut world).await;
    world.waiting_calls(1).await;
    let responses = r#"{"1":{"action":"accept"}}"#;
    let _answer = world.send(CALL, &retry("8", &state, responses));
    world.post_with("sealed-1").await.accept();
    world.waiting_calls(0).await;
}

#[tokio::test]
async fn no_more_calls_wait_than_may() {
    let mut world =
        World::with(|settings| settings.bounds.parked = std::num::NonZeroUsize::MIN).await;
    let (_state, _events) = asked(&mut world).await;
    let (mut answer, events) = begun(&mut world).await;
    events.send(ELICIT);
    let refused = answer.next_json().await;
    assert_eq!(refused["error"]["data"]["retry"], true, "{refused}");
    world.post_with("notifications/cancelled").await.accept();
    world.closes_session().await;
}

#[tokio::test]
async fn a_client_whose_calls_wait_leaves_room_for_others() {
    let one = std::num::NonZeroUsize::MIN;
    let mut world = World::with(|settings| settings.bounds.parked_per_client = one).await;
    let (_state, _events) = asked(&mut world).await;
    let (mut answer, events) = begun(&mut world).await;
    events.send(ELICIT);
    let refused = answer.next_json().await;
    assert_eq!(refused["error"]["data"]["retry"], true, "{refused}");
    world.post_with("notifications/cancelled").await.accept();
    world.closes_session().await;
    let answer = world.send(MALLORY, &call("7", ""));
    world.open_session().await;
    let events = world.post_with("tools/call").await.stream();
    events.send(ELICIT);
    let question = soon(answer).await.unwrap().next_json().await;
    assert_eq!(question["result"]["resultType"], "input_required");
}

#[tokio::test]
async fn a_client_that_has_its_share_of_calls_leaves_room_for_others() {
    let one = std::num::NonZeroUsize::MIN;
    let mut world = World::with(|settings| settings.bounds.per_client = one).await;
    let (_answer, _events) = begun(&mut world).await;
    let refused = soon(world.send(CALL, &call("8", ""))).await.unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json().await["error"]["data"]["retry"], true);
    let _other = world.send(MALLORY, &call("9", ""));
    world.open_session().await;
}

#[tokio::test]
async fn calls_take_no_room_of_streams() {
    let one = std::num::NonZeroUsize::MIN;
    let mut world = World::with(|settings| settings.bounds.streams = one).await;
    let _one = begun(&mut world).await;
    let _two = begun(&mut world).await;
}

#[tokio::test]
async fn a_server_that_goes_on_talking_does_not_put_its_question_off() {
    let mut world = World::new().await;
    let (mut answer, events) = begun(&mut world).await;
    events.send(ELICIT);
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#;
    let talk = async {
        loop {
            events.send(log);
            let told = answer.next_json().await;
            if told["id"] == 7 {
                return told;
            }
        }
    };
    let question = soon(talk).await;
    assert_eq!(question["result"]["resultType"], "input_required");
}

#[tokio::test]
async fn a_server_that_asks_more_than_is_kept_is_heard_out_later() {
    let mut world = World::with(|settings| settings.bounds.buffered = 1).await;
    let (mut answer, events) = begun(&mut world).await;
    events.send_all(&[ELICIT, ROOTS]);
    let question = answer.next_json().await;
    let requests = &question["result"]["inputRequests"];
    assert!(requests["2"].is_null(), "{question}");
    let state = &question["result"]["requestState"];
    let answer = world.send(CALL, &retry("8", state, r#"{"1":{"action":"decline"}}"#));
    world.post_with("sealed-1").await.accept();
    let question = soon(answer).await.unwrap().next_json().await;
    let requests = &question["result"]["inputRequests"];
    assert_eq!(requests["2"]["method"], "roots/list", "{question}");
}

#[tokio::test]
async fn a_server_that_takes_no_answers_is_not_read_until_it_does() {
    let mut world = World::new().await;
    let (_state, events) = asked(&mut world).await;
    let ping = r#"{"jsonrpc":"2.0","id":"sealed-9","method":"ping"}"#;
    events.send_all(&[ping; 20]);
    let mut untaken = Vec::new();
    for _ in 0..8 {
        untaken.push(world.post_with("sealed-9").await);
    }
    // Had more been read, more answers would be under way before the next call is.
    let _other = begun(&mut world).await;
    for inner in untaken {
        inner.accept();
    }
    for _ in 8..20 {
        world.post_with("sealed-9").await.accept();
    }
}

#[tokio::test]
async fn the_program_does_not_end_before_its_sessions_have() {
    let mut world = World::new().await;
    let (_state, _events) = asked(&mut world).await;
    world.end();
    let cancelled = world.post_with("notifications/cancelled").await;
    assert!(world.is_serving());
    cancelled.accept();
    world.closes_session().await;
    world.ended().await;
}

#[tokio::test]
async fn a_call_that_its_server_is_silent_about_is_cancelled_when_the_program_ends() {
    let mut world = World::new().await;
    let answer = world.send(CALL, &call("7", ""));
    world.open_session().await;
    let _silent = world.post_with("tools/call").await;
    world.end();
    world.post_with("notifications/cancelled").await.accept();
    world.closes_session().await;
    let refused = soon(answer).await.unwrap().json().await;
    assert_eq!(refused["error"]["data"]["retry"], true);
    world.ended().await;
}

#[tokio::test]
async fn what_comes_past_the_bound_waits_at_the_server_and_nothing_of_it_is_lost() {
    let mut world = World::with(|settings| settings.bounds.buffered = 1).await;
    let (state, events) = asked(&mut world).await;
    let log = |n: u32| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"data":{n}}}}}"#)
    };
    for n in 0..1_000 {
        events.send(&log(n));
    }
    events.send(DONE);
    let answer = world.send(CALL, &retry("8", &state, r#"{"1":{"action":"decline"}}"#));
    world.post_with("sealed-1").await.accept();
    let mut answer = soon(answer).await.unwrap();
    for n in 0..1_000 {
        assert_eq!(answer.next().await, Some(log(n)));
    }
    assert_eq!(answer.next_json().await["id"], 8);
}

const LINKS: &str = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","url":"u","elicitationId":"e","message":"m"}]}}}"#;

#[tokio::test]
async fn links_to_be_followed_first_are_a_question_and_the_call_is_made_again() {
    for is_stream in [false, true] {
        let mut world = World::new().await;
        let answer = world.send(CALL, &call("7", ""));
        world.open_session().await;
        let inner = world.post_with("tools/call").await;
        if is_stream {
            inner.stream().send(LINKS);
        } else {
            inner.answer_json(LINKS);
        }
        let mut answer = soon(answer).await.unwrap();
        let question = answer.next_json().await;
        let link = &question["result"]["inputRequests"]["1"];
        assert_eq!(link["params"]["url"], "u", "{question}");
        let state = &question["result"]["requestState"];
        let answer = world.send(CALL, &retry("8", state, r#"{"1":{"action":"accept"}}"#));
        let inner = world.post_with("tools/call").await;
        assert_eq!(inner.header("mcp-session-id"), Some("in-1"));
        assert!(!inner.text().contains("requestState"), "{}", inner.text());
        inner.answer_json(DONE.replace("\"id\":7", "\"id\":8"));
        let mut answer = soon(answer).await.unwrap();
        assert_eq!(answer.next_json().await["id"], 8);
        world.closes_session().await;
    }
}

#[tokio::test]
async fn a_gateway_that_opens_no_session_is_told_to_the_client() {
    let mut world = World::new().await;
    let answer = world.send(CALL, &call("7", ""));
    world.inner().await.answer(503, &[], "");
    let answer = soon(answer).await.unwrap();
    assert_eq!(answer.status, 502);
    let refused = answer.json().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["data"]["retry"]),
        (&json!(7), &json!(true))
    );
}

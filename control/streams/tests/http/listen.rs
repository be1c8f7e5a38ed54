//! `subscriptions/listen`.

use std::num::NonZeroUsize;

use serde_json::json;

use super::Bench;
use super::client::Answer;

const ID: &str = "io.modelcontextprotocol/subscriptionId";

async fn listen(bench: &Bench, params: &str) -> Answer {
    listen_as(bench, &[], params).await
}

async fn listen_as(bench: &Bench, client: &[(&str, &str)], params: &str) -> Answer {
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{params}}}"#);
    bench
        .client
        .post("stateless", "subscriptions/listen", (client, &body))
        .await
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_told_what_it_asked_for() {
    let mut bench = Bench::new().await;
    let asked = r#"{"notifications":{"promptsListChanged":true,"other":true},"_meta":{}}"#;
    let answer = listen(&bench, asked).await;
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let mut stream = answer.events();
    let (id, acknowledged) = stream.message().await;
    assert_eq!(id, None);
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    let honoured = json!({"_meta": {ID: 7}, "notifications": {"promptsListChanged": true}});
    assert_eq!(acknowledged["params"], honoured);
    bench.gateway.change([8, 9, 10]);
    let (_, told) = stream.message().await;
    assert_eq!(told["method"], "notifications/prompts/list_changed");
    assert_eq!(told["params"], json!({"_meta": {ID: 7}}));
    bench.end();
    let (_, last) = stream.message().await;
    let result = json!({"resultType": "complete", "_meta": {ID: 7}});
    assert_eq!(last, json!({"jsonrpc": "2.0", "id": 7, "result": result}));
    assert_eq!(stream.event().await, None);
    bench.ended().await;
}

#[tokio::test]
async fn who_does_not_say_what_to_tell_is_refused() {
    let bench = Bench::new().await;
    for params in ["{}", r#"{"notifications":[]}"#] {
        let refused = listen(&bench, params).await;
        assert_eq!(refused.status(), 400);
        let error = refused.json().await;
        assert_eq!(
            (&error["id"], &error["error"]["code"]),
            (&json!(7), &json!(-32602))
        );
    }
}

#[tokio::test]
async fn a_status_that_answers_no_subscription_is_not_passed_on() {
    let bench = Bench::new().await;
    let params = r#"{"notifications":{}}"#;
    for status in [404, 405] {
        bench.gateway.refuse("Bearer a", status);
        let refused = listen(&bench, params).await;
        assert_eq!(refused.status(), 502);
        let error = refused.json().await;
        let told = (&error["id"], &error["error"]["data"]["retry"]);
        assert_eq!(told, (&json!(7), &json!(true)));
    }
    for status in [401, 403] {
        bench.gateway.refuse("Bearer a", status);
        assert_eq!(listen(&bench, params).await.status(), status);
    }
}

#[tokio::test]
async fn several_subscriptions_of_one_client_go_on_side_by_side() {
    let bench = Bench::new().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = listen(&bench, r#"{"notifications":{"toolsListChanged":true}}"#)
            .await
            .events();
        stream.message().await;
        streams.push(stream);
    }
    bench.gateway.change([8, 2, 3]);
    for stream in &mut streams {
        assert_eq!(
            stream.message().await.1["method"],
            "notifications/tools/list_changed"
        );
    }
}

#[tokio::test]
async fn a_subscription_that_there_is_no_room_for_is_refused() {
    let bench = Bench::with(|settings| settings.bounds.streams = NonZeroUsize::MIN).await;
    let params = r#"{"notifications":{}}"#;
    let _stream = listen(&bench, params).await;
    let refused = listen(&bench, params).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.json().await["error"]["code"], -32603);
}

#[tokio::test]
async fn a_subscription_to_too_much_is_refused() {
    let bench = Bench::with(|settings| {
        settings.bounds.subscriptions = 2;
        settings.bounds.uris = 10;
    })
    .await;
    for uris in [r#"["a","b","c"]"#, r#"["a:1","a:23"]"#] {
        let params = format!(r#"{{"notifications":{{"resourceSubscriptions":{uris}}}}}"#);
        let refused = listen(&bench, &params).await;
        assert_eq!(refused.status(), 429, "{uris}");
        assert_eq!(refused.json().await["error"]["data"]["retry"], true);
    }
}

#[tokio::test]
async fn a_client_that_has_its_share_of_streams_leaves_room_for_others() {
    let bench = Bench::with(|settings| settings.bounds.per_client = NonZeroUsize::MIN).await;
    let params = r#"{"notifications":{}}"#;
    let _stream = listen(&bench, params).await;
    assert_eq!(listen(&bench, params).await.status(), 429);
    let other = [("x-mcp-streams-caller", "other")];
    assert_eq!(listen_as(&bench, &other, params).await.status(), 200);
}

#[tokio::test]
async fn a_client_has_one_share_in_all_its_sessions() {
    let bench = Bench::with(|settings| settings.bounds.per_client = NonZeroUsize::MIN).await;
    let of = |session, share| [("mcp-session-id", session), ("x-mcp-streams-share", share)];
    let _stream = bench.client.get(&of("1", "named=a")).await;
    assert_eq!(bench.client.get(&of("2", "named=a")).await.status(), 503);
    assert_eq!(bench.client.get(&of("2", "named=b")).await.status(), 200);
}

#[tokio::test]
async fn a_body_past_the_bound_is_refused() {
    let bench = Bench::with(|settings| settings.bounds.body = 16).await;
    assert_eq!(listen(&bench, "{}").await.status(), 413);
}

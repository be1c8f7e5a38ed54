//! Updates of resources.

mod faults;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{Answer, Events};
use super::stand_in::Asked;
use super::{Bench, PATIENCE};

const UPDATED: &str = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:1","n":1e2}}"#;

fn json_answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

fn events(text: &'static str) -> Response {
    let response = Response::builder()
        .header("content-type", "text/event-stream")
        .header("x-mcp-servername", "a/b");
    response.body(Body::from(text)).unwrap()
}

/// A gateway with the server `a/b` of this era, which has every resource but `a:none`.
fn server(era: &'static str) -> impl Fn(&Asked) -> Option<Response> {
    move |asked| {
        let by = [("x-mcp-servername", "a/b"), ("x-mcp-streams-era", era)];
        match asked.what().as_str() {
            "POST call initialize" => Some(json_answer(200, &[("mcp-session-id", "own")], "{}")),
            "POST call notifications/initialized" => Some(json_answer(202, &[], "")),
            "DELETE call" => Some(json_answer(200, &[], "")),
            "POST call" => Some(json_answer(202, &[], "")),
            "POST call resources/subscribe" | "POST call resources/unsubscribe" => {
                let message: Value = serde_json::from_slice(&asked.body).unwrap();
                let outcome = match message["params"]["uri"].as_str() {
                    Some("a:none") => r#""error":{"code":-32002,"message":"no"}"#,
                    _ => r#""result":{}"#,
                };
                let body = format!(r#"{{"jsonrpc":"2.0","id":{},{outcome}}}"#, message["id"]);
                Some(json_answer(200, &by, &body))
            }
            _ => None,
        }
    }
}

async fn bench(era: &'static str) -> Bench {
    let bench = Bench::new().await;
    bench.gateway.answer(server(era));
    bench
}

async fn ask(bench: &Bench, method: &str, uri: &str) -> Answer {
    let method = format!("resources/{method}");
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":3,"method":"{method}","params":{{"uri":"{uri}"}}}}"#);
    bench.client.post("sessions", &method, (&[], &body)).await
}

async fn open(bench: &Bench) -> Events {
    let mut stream = bench.client.get(&[]).await.events();
    stream.event().await.unwrap();
    stream
}

async fn listen(bench: &Bench, uris: &[&str]) -> Events {
    let params = json!({"notifications": {"resourceSubscriptions": uris}, "_meta": {"own": 1}});
    let body =
        json!({"jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen", "params": params});
    let more = [
        ("mcp-method", "subscriptions/listen"),
        ("mcp-protocol-version", "2026-07-28"),
    ];
    let body = body.to_string();
    let asked = bench
        .client
        .post("stateless", "subscriptions/listen", (&more, &body));
    asked.await.events()
}

#[tokio::test]
async fn a_session_hears_of_what_it_is_subscribed_to() {
    let bench = bench("sessions").await;
    let mut stream = open(&bench).await;
    let answer = ask(&bench, "subscribe", "a:1").await;
    assert_eq!(answer.header("x-mcp-streams-era"), None);
    assert_eq!(
        answer.json().await,
        json!({"jsonrpc": "2.0", "id": 3, "result": {}})
    );
    let asked = bench.gateway.asked("GET server=a/b").await;
    assert_eq!(asked.header("mcp-session-id"), Some("s"));
    // The gateway's own business.
    bench
        .gateway
        .say("a/b", r#"{"method":"notifications/tools/list_changed"}"#);
    bench.gateway.say("a/b", UPDATED);
    let event = stream.event().await.unwrap();
    let told = bench.client.metrics().await;
    assert!(told.contains("mcp_streams_relays 1\n"), "{told}");
    let one = "mcp_streams_messages_relayed_total 1\n";
    let counted = async { while !bench.client.metrics().await.contains(one) {} };
    timeout(PATIENCE, counted).await.expect("it is not counted");
    let (id, data) = event.split_once('\n').unwrap();
    assert!(id.starts_with("id: 0000000000000001."), "{id}");
    assert_eq!(data, format!("data: {UPDATED}"));
    ask(&bench, "unsubscribe", "a:1").await;
    bench.gateway.unheard().await;
}

#[tokio::test]
async fn a_session_hears_what_it_was_subscribed_to_before() {
    let bench = bench("sessions").await;
    ask(&bench, "subscribe", "a:1").await;
    let first = open(&bench).await;
    bench.gateway.asked("GET server=a/b").await;
    drop(first);
    bench.gateway.unheard().await;
    let mut second = open(&bench).await;
    bench.gateway.asked("GET server=a/b").await;
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(second.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn a_subscription_that_was_refused_is_not_remembered() {
    let bench = bench("sessions").await;
    let refused = ask(&bench, "subscribe", "a:none").await;
    assert_eq!(refused.json().await["error"]["code"], -32002);
    let mut stream = open(&bench).await;
    bench.gateway.change([9, 9, 9]);
    stream.message().await;
    let asked = bench.gateway.so_far().await;
    assert!(!asked.contains(&"GET server=a/b".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_server_without_sessions_is_asked_by_its_own_rules() {
    let bench = bench("stateless").await;
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    ask(&bench, "subscribe", "a:2").await;
    bench
        .gateway
        .asked("POST server=a/b subscriptions/listen")
        .await;
    let asked = bench
        .gateway
        .asked("POST server=a/b subscriptions/listen")
        .await;
    assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(asked.header("mcp-method"), Some("subscriptions/listen"));
    assert_eq!(asked.header("mcp-session-id"), None);
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        body["params"]["notifications"]["resourceSubscriptions"],
        json!(["a:1", "a:2"])
    );
    let tagged = UPDATED.replace(
        r#""n":1e2"#,
        r#""_meta":{"io.modelcontextprotocol/subscriptionId":0}"#,
    );
    bench.gateway.say("a/b", &tagged);
    assert_eq!(
        stream.message().await.1["params"],
        json!({"uri": "a:1", "_meta": {}})
    );
}

#[tokio::test]
async fn a_session_has_so_many_subscriptions_and_no_more() {
    let bench = Bench::with(|settings| settings.bounds.subscriptions = 1).await;
    bench.gateway.answer(server("sessions"));
    ask(&bench, "subscribe", "a:1").await;
    let refused = ask(&bench, "subscribe", "a:2").await;
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.json().await["error"]["code"], -32603);
    let again = ask(&bench, "subscribe", "a:1").await;
    assert_eq!(again.json().await["result"], json!({}));
}

#[tokio::test]
async fn a_stream_without_room_for_its_session_is_held_and_its_subscription_refused() {
    let one = std::num::NonZeroUsize::MIN;
    let bench = Bench::with(|settings| settings.bounds.sessions = one).await;
    bench.gateway.answer(server("sessions"));
    let _first = open(&bench).await;
    let other = [("mcp-session-id", "t")];
    let mut second = bench.client.get(&other).await.events();
    second.event().await.unwrap();
    let refusals = |count| {
        let of = r#"{of="sessions with subscriptions"}"#;
        format!("mcp_streams_refused_total{of} {count}\n")
    };
    let told = bench.client.metrics().await;
    assert!(told.contains(&refusals(0)), "{told}");
    bench.gateway.so_far().await;
    let method = "resources/subscribe";
    let body = r#"{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"a:1"}}"#;
    let asked = bench.client.post("sessions", method, (&other, body)).await;
    assert_eq!(asked.json().await["error"]["code"], -32603);
    let told = bench.client.metrics().await;
    assert!(told.contains(&refusals(1)), "{told}");
    let asked = bench.gateway.so_far().await;
    let what = "POST call resources/subscribe".to_owned();
    assert!(!asked.contains(&what), "{asked:?}");
}

#[tokio::test]
async fn a_subscription_without_a_session_has_one_at_servers_that_have_sessions() {
    let bench = bench("sessions").await;
    let mut stream = listen(&bench, &["a:1", "a:none"]).await;
    let opened = bench.gateway.asked("POST call initialize").await;
    assert_eq!(opened.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(
        (opened.header("mcp-method"), opened.header("mcp-session-id")),
        (None, None)
    );
    let initialized = bench
        .gateway
        .asked("POST call notifications/initialized")
        .await;
    assert_eq!(initialized.header("mcp-session-id"), Some("own"));
    let asked = bench.gateway.asked("GET server=a/b").await;
    assert_eq!(asked.header("mcp-session-id"), Some("own"));
    let meta = json!({"io.modelcontextprotocol/subscriptionId": "l"});
    let (_, acknowledged) = stream.message().await;
    let honoured = json!({"_meta": meta, "notifications": {"resourceSubscriptions": ["a:1"]}});
    assert_eq!(acknowledged["params"], honoured);
    bench
        .gateway
        .say("a/b", r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    let pong = bench.gateway.asked("POST call").await;
    assert_eq!(&pong.body[..], br#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    bench.gateway.say("a/b", UPDATED);
    let event = stream.event().await.unwrap();
    let tagged = UPDATED.replace(r#"{"uri""#, &format!(r#"{{"_meta":{meta},"uri""#));
    assert_eq!(event, format!("data: {tagged}"));
    drop(stream);
    let closed = bench.gateway.asked("DELETE call").await;
    assert_eq!(closed.header("mcp-session-id"), Some("own"));
    bench.gateway.unheard().await;
}

#[tokio::test]
async fn the_session_of_a_subscription_is_closed_before_the_program_ends() {
    let mut bench = bench("sessions").await;
    let mut stream = listen(&bench, &["a:1"]).await;
    stream.event().await.unwrap();
    bench.end();
    let (_, last) = stream.message().await;
    assert_eq!(last["result"]["resultType"], "complete");
    let served = timeout(PATIENCE, bench.serving).await;
    served.expect("it goes on").unwrap().unwrap();
    let asked = bench.gateway.so_far().await;
    assert!(asked.iter().any(|what| what == "DELETE call"), "{asked:?}");
}

#[tokio::test]
async fn a_subscription_at_a_server_without_sessions_is_its_own() {
    let bench = bench("stateless").await;
    let mut stream = listen(&bench, &["a:1"]).await;
    stream.message().await;
    let asked = bench
        .gateway
        .asked("POST server=a/b subscriptions/listen")
        .await;
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["params"]["_meta"], json!({"own": 1}));
    let foreign = UPDATED.replace(
        r#""n":1e2"#,
        r#""_meta":{"io.modelcontextprotocol/subscriptionId":0}"#,
    );
    bench.gateway.say("a/b", &foreign);
    let meta = json!({"io.modelcontextprotocol/subscriptionId": "l"});
    assert_eq!(
        stream.message().await.1["params"],
        json!({"uri": "a:1", "_meta": meta})
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_left_out() {
    let bench = bench("sessions").await;
    bench.gateway.answer(|asked| {
        let is_slow = asked.what() == "POST call resources/subscribe"
            && asked.body.windows(6).any(|part| part == b"a:slow");
        if is_slow {
            let never = futures::stream::pending::<Result<String, std::convert::Infallible>>();
            return Some(Response::new(Body::from_stream(never)));
        }
        server("sessions")(asked)
    });
    let mut stream = listen(&bench, &["a:slow", "a:1"]).await;
    let honoured = json!({"resourceSubscriptions": ["a:1"]});
    assert_eq!(
        stream.message().await.1["params"]["notifications"],
        honoured
    );
}

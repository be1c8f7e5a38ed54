//! A server over time: failures, recovery, changes, and its stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcp_control::discovery::{Outcome, PublicEndpoint};
use mcp_control::gateway_client::Credential;
use tokio::sync::Notify;

use crate::asking::{follow, next, subject, timing, tools, welcome};
use crate::fake_server::{Asked, FakeServer, Reply};

const CHANGED: &str =
    "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
const TOOL: &str = r#"{"name":"a","inputSchema":{"type":"object"}}"#;
const NOTHING: fn() -> Reply = || Reply::Status(202, "", String::new());

/// A server with a switch: while it is off, everything is answered with 500.
async fn switched(on: &Arc<AtomicBool>) -> FakeServer {
    let on = Arc::clone(on);
    FakeServer::start(move |asked| match asked.what() {
        "GET" => Reply::Status(405, "", String::new()),
        _ if !on.load(Ordering::SeqCst) => Reply::Status(500, "", String::new()),
        "initialize" => welcome(asked, r#"{"tools":{}}"#),
        "tools/list" => tools(asked, &[TOOL]),
        _ => NOTHING(),
    })
    .await
}

#[tokio::test]
async fn the_third_failure_in_a_row_loses_the_offer_and_a_good_pass_brings_it_back() {
    let on = Arc::new(AtomicBool::new(true));
    let server = switched(&on).await;
    let mut discovery = follow(server.address, subject(), timing());
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    on.store(false, Ordering::SeqCst);
    discovery.hurry(&subject().name);
    assert!(matches!(next(&mut discovery).await, Outcome::Failed(_)));
    assert!(matches!(next(&mut discovery).await, Outcome::Failed(_)));
    assert!(matches!(next(&mut discovery).await, Outcome::Lost(_)));
    on.store(true, Ordering::SeqCst);
    while !matches!(next(&mut discovery).await, Outcome::Found(_)) {}
}

#[tokio::test]
async fn a_gateway_that_is_down_loses_nothing() {
    let server = FakeServer::start(|_| Reply::Hang).await;
    let address = server.address;
    drop(server);
    let mut discovery = follow(address, subject(), timing());
    for _ in 0..5 {
        let Outcome::Failed(error) = next(&mut discovery).await else {
            panic!()
        };
        assert_eq!(error.reason().as_str(), "GatewayUnreachable");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_gateway_that_answers_without_its_filter_is_not_taken_for_the_server() {
    let server = FakeServer::start(|_| Reply::Status(500, "", String::new())).await;
    let mut discovery = follow(server.address, subject(), timing());
    discovery.ask_at(Some(PublicEndpoint {
        host: "localhost".into(),
        path: "/mcp".into(),
    }));
    for _ in 0..5 {
        let Outcome::Failed(error) = next(&mut discovery).await else {
            panic!()
        };
        assert_eq!(error.reason().as_str(), "GatewayUnreachable");
    }
}

#[tokio::test]
async fn a_failure_behind_a_live_gateway_is_the_servers() {
    let server = FakeServer::start(|asked| match asked.what() {
        "GET" => Reply::Json(r#"{"generation":"abc"}"#.into()),
        _ => Reply::Status(500, "", String::new()),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    discovery.ask_at(Some(PublicEndpoint {
        host: "localhost".into(),
        path: "/mcp".into(),
    }));
    while !matches!(next(&mut discovery).await, Outcome::Lost(_)) {}
    let asked = server.asked();
    let probe = asked.iter().find(|asked| asked.what() == "GET").unwrap();
    assert_eq!(probe.header("host"), Some("localhost"));
    assert_eq!(probe.header("x-mcp-upstream-authorization"), None);
}

#[tokio::test]
async fn a_new_credential_is_tried_at_once_and_the_rest_goes_on() {
    let on = Arc::new(AtomicBool::new(true));
    let server = switched(&on).await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    discovery.follow([subject()]);
    let renewed = |secret: &str| {
        let mut subject = subject();
        subject.credential = Some(Credential::new(secret));
        subject
    };
    discovery.follow([renewed("Bearer renewed")]);
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    let opened: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.what() == "initialize")
        .collect();
    let secrets: Vec<_> = opened
        .iter()
        .map(|asked| asked.header("x-mcp-upstream-authorization").unwrap())
        .collect();
    assert_eq!(secrets, ["Bearer secret-token", "Bearer renewed"]);
}

/// A server that tells changes, counts its passes in its list, and loses its sessions on demand.
async fn telling(news: &Arc<Notify>, stream: fn(&Arc<Notify>) -> Reply) -> FakeServer {
    let news = Arc::clone(news);
    FakeServer::start(move |asked: &Asked| match asked.what() {
        "initialize" => welcome(asked, r#"{"tools":{"listChanged":true}}"#),
        "tools/list" => {
            let name = format!(
                r#"{{"name":"at {}","inputSchema":{{"type":"object"}}}}"#,
                asked.message["id"]
            );
            tools(asked, &[&name])
        }
        "GET" => stream(&news),
        _ => NOTHING(),
    })
    .await
}

#[tokio::test]
async fn a_change_that_the_server_tells_is_read_in_the_same_session() {
    let news = Arc::new(Notify::new());
    let server = telling(&news, |news| Reply::EventsOn(Arc::clone(news), CHANGED)).await;
    let mut discovery = follow(server.address, subject(), timing());
    let Outcome::Found(before) = next(&mut discovery).await else {
        panic!()
    };
    server.wait_for("GET", 1).await;
    news.notify_one();
    let Outcome::Found(after) = next(&mut discovery).await else {
        panic!()
    };
    assert_ne!(before, after);
    discovery.stop().await;
    assert_eq!(
        server.order(),
        [
            "initialize",
            "notifications/initialized",
            "tools/list",
            "server/discover",
            "GET",
            "tools/list",
            "DELETE"
        ]
    );
    let stream = server.asked().remove(4);
    assert_eq!(stream.header("accept"), Some("text/event-stream"));
    assert_eq!(stream.header("mcp-session-id"), Some("session-1"));
}

#[tokio::test]
async fn a_server_without_a_stream_is_asked_for_it_once() {
    let server = telling(&Arc::new(Notify::new()), |_| {
        Reply::Status(405, "", String::new())
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("DELETE", 1).await;
    discovery.hurry(&subject().name);
    server.wait_for("DELETE", 2).await;
    assert_eq!(
        server
            .order()
            .iter()
            .filter(|asked| *asked == "GET")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_stream_that_breaks_is_opened_again() {
    let server = telling(&Arc::new(Notify::new()), |_| {
        Reply::Events(": bye\n\n".into())
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("GET", 3).await;
    assert_eq!(
        server
            .order()
            .iter()
            .filter(|asked| *asked == "initialize")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_session_that_is_lost_on_the_stream_is_opened_anew() {
    let server = telling(&Arc::new(Notify::new()), |_| {
        Reply::Status(404, "", String::new())
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("initialize", 2).await;
}

#[tokio::test]
async fn stopping_with_a_hung_server_takes_no_longer_than_a_courtesy() {
    let server = FakeServer::start(|asked| match asked.what() {
        "initialize" => welcome(asked, r#"{"tools":{}}"#),
        _ => Reply::Hang,
    })
    .await;
    let discovery = follow(server.address, subject(), timing());
    server.wait_for("notifications/initialized", 1).await;
    let stopped = tokio::time::timeout(Duration::from_secs(15), discovery.stop()).await;
    assert!(stopped.is_ok());
    assert_eq!(server.order().last().map(String::as_str), Some("DELETE"));
}

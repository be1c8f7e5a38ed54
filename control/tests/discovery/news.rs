//! Servers of the stateless revision that tell when their lists change: the subscription that discovery holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_control::discovery::{Discovery, Outcome, Timing};
use mcp_control::gateway_client::Credential;
use tokio::sync::Notify;

use crate::asking::{follow, next, ordinary, subject, timing, tools, welcome};
use crate::fake_server::{Asked, FakeServer, Reply};

const JSON: &str = "application/json";
const LISTEN: &str = "subscriptions/listen";
const META: &str = r#""_meta":{"io.modelcontextprotocol/subscriptionId":"news"}"#;
const TELLS: &str = r#"{"tools":{"listChanged":true}}"#;

/// `subscriptions/acknowledged` of a server that will tell what was asked.
fn acknowledged() -> String {
    event(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{META},"notifications":{{"toolsListChanged":true}}}}}}"#
    ))
}

fn changed() -> String {
    event(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{META}}}}}"#
    ))
}

fn event(message: &str) -> String {
    format!("data: {message}\n\n")
}

/// The part of a server that speaks the revision. Its list counts how often it was asked for.
fn stateless(
    asked: &Asked,
    (capabilities, lists): (&str, &AtomicUsize),
    listen: &dyn Fn(&Asked) -> Reply,
) -> Reply {
    match asked.what() {
        "server/discover" => Reply::Json(asked.result(&format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{capabilities}}}"#
        ))),
        "tools/list" => {
            let number = lists.fetch_add(1, Ordering::SeqCst);
            let tool = format!(r#"{{"name":"at {number}","inputSchema":{{"type":"object"}}}}"#);
            tools(asked, &[&tool])
        }
        LISTEN => listen(asked),
        _ => {
            let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
            Reply::Status(400, JSON, asked.error(refusal))
        }
    }
}

/// A server that has no sessions.
async fn alone(
    capabilities: &'static str,
    listen: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> FakeServer {
    let lists = AtomicUsize::new(0);
    FakeServer::start(move |asked| stateless(asked, (capabilities, &lists), &listen)).await
}

/// Subscribes at a server, and says how often it was asked for its list when `times` subscriptions were opened.
async fn lists_until(server: &FakeServer, times: usize) -> usize {
    let mut discovery = follow(server.address, subject(), timing());
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    server.wait_for(LISTEN, times).await;
    count(server, "tools/list")
}

fn count(server: &FakeServer, what: &str) -> usize {
    let order = server.order();
    order.iter().filter(|asked| *asked == what).count()
}

/// Makes four passes after the first, with a while after each in which a subscription may be asked for.
async fn pass(discovery: &mut Discovery, server: &FakeServer) {
    for _ in 0..4 {
        discovery.hurry(&subject().name);
        assert!(matches!(next(discovery).await, Outcome::Found(_)));
        let another = server.wait_for(LISTEN, usize::MAX);
        let waited = tokio::time::timeout(Duration::from_millis(50), another).await;
        assert!(waited.is_err());
    }
}

/// Acknowledges, and tells a change at each notification.
fn on(news: &Arc<Notify>) -> Reply {
    Reply::EventsThen(acknowledged(), Arc::clone(news), changed())
}

#[tokio::test]
async fn a_change_that_a_server_without_sessions_tells_is_read_and_the_subscription_goes_on() {
    let news = Arc::new(Notify::new());
    let teller = Arc::clone(&news);
    let server = alone(TELLS, move |_| on(&teller)).await;
    let mut discovery = follow(server.address, subject(), timing());
    let Outcome::Found(mut before) = next(&mut discovery).await else {
        panic!()
    };
    server.wait_for(LISTEN, 1).await;
    for _ in 0..3 {
        news.notify_one();
        let Outcome::Found(after) = next(&mut discovery).await else {
            panic!()
        };
        assert_ne!(before, after);
        before = after;
    }
    discovery.stop().await;
    assert_eq!(count(&server, LISTEN), 1);
    assert_eq!(count(&server, "tools/list"), 4);
}

#[tokio::test]
async fn a_subscription_keeps_the_rules_for_requests_and_asks_for_what_is_announced() {
    let both = r#"{"tools":{"listChanged":true},"prompts":{"listChanged":false},"resources":{"listChanged":true}}"#;
    let server = FakeServer::start(move |asked| match asked.what() {
        "prompts/list" => Reply::Json(asked.result(r#"{"prompts":[]}"#)),
        "resources/list" => Reply::Json(asked.result(r#"{"resources":[]}"#)),
        "resources/templates/list" => Reply::Json(asked.result(r#"{"resourceTemplates":[]}"#)),
        _ => stateless(asked, (both, &AtomicUsize::new(0)), &|_| {
            Reply::OpenEvents(acknowledged())
        }),
    });
    let server = server.await;
    let _discovery = follow(server.address, subject(), timing());
    server.wait_for(LISTEN, 1).await;
    let asked = server.asked();
    let asked = asked.iter().find(|asked| asked.what() == LISTEN).unwrap();
    assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(asked.header("mcp-method"), Some(LISTEN));
    assert_eq!(
        asked.header("accept"),
        Some("application/json, text/event-stream")
    );
    let secret = asked.header("x-mcp-upstream-authorization");
    assert_eq!(secret, Some("Bearer secret-token"));
    let wanted = serde_json::json!({"toolsListChanged": true, "resourcesListChanged": true});
    assert_eq!(asked.message["params"]["notifications"], wanted);
}

#[tokio::test]
async fn a_server_that_tells_nothing_is_not_subscribed_to() {
    let server = alone(r#"{"tools":{}}"#, |_| Reply::OpenEvents(acknowledged())).await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    pass(&mut discovery, &server).await;
    assert_eq!(count(&server, LISTEN), 0);
}

#[tokio::test]
async fn a_server_that_refuses_a_subscription_is_asked_for_one_once() {
    let refusals: [fn(&Asked) -> Reply; 6] = [
        |asked| Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |_| Reply::Status(405, "", String::new()),
        |asked| Reply::Json(asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| Reply::Json(asked.result("{}")),
        |asked| Reply::Events(event(&asked.error(r#"{"code":-32601,"message":"no"}"#))),
        |_| {
            Reply::OpenEvents(
                acknowledged().replace(r#""toolsListChanged":true"#, r#""toolsListChanged":false"#),
            )
        },
    ];
    for refusal in refusals {
        let server = alone(TELLS, refusal).await;
        let mut discovery = follow(server.address, subject(), timing());
        next(&mut discovery).await;
        server.wait_for(LISTEN, 1).await;
        pass(&mut discovery, &server).await;
        // A pass may have come before the refusal.
        assert!(count(&server, LISTEN) <= 2, "{:?}", server.order());
    }
}

#[tokio::test]
async fn what_may_be_had_another_time_is_asked_for_again_and_brings_no_pass() {
    let failures: [fn(&Asked) -> Reply; 7] = [
        |_| Reply::Status(503, "", String::new()),
        |_| Reply::Events(String::new()),
        |_| Reply::Events(acknowledged()),
        |asked| Reply::Events(acknowledged() + &event(&asked.result("{}"))),
        |asked| Reply::OpenEvents(acknowledged() + &event(&asked.result("{}"))),
        |asked| Reply::OpenEvents(event(&asked.error(r#"{"code":-32603,"message":"no"}"#))),
        |_| Reply::Cut("text/event-stream", acknowledged()),
    ];
    for failure in failures {
        let server = alone(TELLS, failure).await;
        assert_eq!(lists_until(&server, 4).await, 1, "{:?}", server.order());
    }
}

#[tokio::test]
async fn a_server_that_ends_every_subscription_at_once_is_left_alone_for_longer_and_longer() {
    let server = alone(TELLS, |_| Reply::Events(acknowledged())).await;
    let pauses = Timing {
        first_retry: Duration::from_millis(40),
        longest_retry: Duration::from_secs(600),
        ..timing()
    };
    let mut discovery = follow(server.address, subject(), pauses);
    next(&mut discovery).await;
    let start = std::time::Instant::now();
    server.wait_for(LISTEN, 5).await;
    // 40, 80, 160 and 320 ms, give or take a fifth.
    assert!(start.elapsed() > Duration::from_millis(450));
}

#[tokio::test]
async fn who_never_acknowledges_is_not_listened_to_for_ever() {
    let silences: [fn(&Asked) -> Reply; 4] = [
        |_| Reply::Hang,
        |_| Reply::OpenEvents(": nothing\n\n".to_owned()),
        |_| Reply::OpenEvents("data: garbage\n\ndata: [7]\n\n\u{fffd}data\n\n".to_owned()),
        |asked| {
            let foreign = asked.result("{}").replace("news", "another");
            Reply::OpenEvents(event(&foreign))
        },
    ];
    for silence in silences {
        let server = alone(TELLS, silence).await;
        let hasty = Timing {
            pass: Duration::from_secs(2),
            ..timing()
        };
        let mut discovery = follow(server.address, subject(), hasty);
        assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
        server.wait_for(LISTEN, 2).await;
        assert_eq!(count(&server, "tools/list"), 1);
        let nothing = tokio::time::timeout(Duration::from_millis(20), discovery.next());
        assert!(nothing.await.is_err());
    }
}

#[tokio::test]
async fn garbage_between_news_is_passed_over() {
    let server = alone(TELLS, |_| {
        let garbage =
            "data: {\n\nevent: other\ndata: {}\n\ndata: \u{e9}\n\ndata: {\"method\":7}\n\n";
        Reply::OpenEvents(acknowledged() + garbage + &changed())
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    assert_eq!(
        (count(&server, LISTEN), count(&server, "tools/list")),
        (1, 2)
    );
}

#[tokio::test]
async fn an_event_without_end_is_not_kept() {
    let server = alone(TELLS, |_| {
        Reply::OpenEvents(format!("{}data: {}", acknowledged(), "x".repeat(3 << 20)))
    })
    .await;
    assert_eq!(lists_until(&server, 3).await, 1);
}

#[tokio::test]
async fn where_a_session_has_no_stream_news_come_by_subscription() {
    let news = Arc::new(Notify::new());
    let teller = Arc::clone(&news);
    let lists = AtomicUsize::new(0);
    let server = FakeServer::start(move |asked| match asked.what() {
        _ if asked.header("mcp-method").is_some() => {
            stateless(asked, (TELLS, &lists), &|_| on(&teller))
        }
        "initialize" => welcome(asked, TELLS),
        _ => ordinary(asked, &|asked| tools(asked, &[])),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for(LISTEN, 1).await;
    // Nothing is heard in the session, so it has ended.
    server.wait_for("DELETE", 1).await;
    news.notify_one();
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    assert_eq!((count(&server, "GET"), count(&server, LISTEN)), (1, 1));
}

#[tokio::test]
async fn where_a_session_has_a_stream_there_is_no_subscription() {
    let lists = AtomicUsize::new(0);
    let server = FakeServer::start(move |asked| match asked.what() {
        _ if asked.header("mcp-method").is_some() => stateless(asked, (TELLS, &lists), &|_| {
            Reply::OpenEvents(acknowledged())
        }),
        "initialize" => welcome(asked, TELLS),
        "GET" => Reply::OpenEvents(": open\n\n".to_owned()),
        _ => ordinary(asked, &|asked| tools(asked, &[])),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("GET", 1).await;
    pass(&mut discovery, &server).await;
    assert_eq!(count(&server, LISTEN), 0);
}

#[tokio::test]
async fn a_changed_registration_has_a_subscription_of_its_own_and_the_former_one_ends() {
    let open = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&open);
    let server = alone(TELLS, move |_| {
        Reply::CountedEvents(acknowledged(), Arc::clone(&opened))
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for(LISTEN, 1).await;
    let mut renewed = subject();
    renewed.credential = Some(Credential::new("Bearer renewed"));
    discovery.follow([renewed]);
    server.wait_for(LISTEN, 2).await;
    until(|| open.load(Ordering::SeqCst) == 1).await;
    discovery.follow([]);
    until(|| open.load(Ordering::SeqCst) == 0).await;
}

async fn until(is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within a minute");
}

//! Servers of the stateless revision that tell when their lists change: the subscription that discovery holds.

use std::collections::HashSet;
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
const TELLS: &str = r#"{"tools":{"listChanged":true}}"#;

/// `subscriptions/acknowledged` of a server that will tell what was asked.
fn acknowledged(asked: &Asked) -> String {
    let params = r#""notifications":{"toolsListChanged":true}"#;
    notification(asked, "subscriptions/acknowledged", params)
}

fn changed(asked: &Asked) -> String {
    notification(asked, "tools/list_changed", r#""other":1"#)
}

/// In the subscription that was asked for.
fn notification(asked: &Asked, what: &str, params: &str) -> String {
    let id = &asked.message["id"];
    event(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/{what}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},{params}}}}}"#
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

/// Makes four passes after the first, and leaves time after each in which a subscription could be asked for.
async fn pass(discovery: &mut Discovery) {
    for _ in 0..4 {
        leave_time().await;
        pass_once(discovery).await;
    }
    leave_time().await;
}

async fn pass_once(discovery: &mut Discovery) {
    discovery.hurry(&subject().name);
    assert!(matches!(next(discovery).await, Outcome::Found(_)));
}

/// Until another server was followed from its first pass to its subscription, which is more than any other has to do.
async fn leave_time() {
    let witness = alone(TELLS, |asked| Reply::OpenEvents(acknowledged(asked))).await;
    let _discovery = follow(witness.address, subject(), timing());
    witness.wait_for(LISTEN, 1).await;
}

/// Acknowledges, and tells a change at each notification.
fn on(asked: &Asked, news: &Arc<Notify>) -> Reply {
    Reply::EventsThen(acknowledged(asked), Arc::clone(news), changed(asked))
}

#[tokio::test]
async fn a_change_that_a_server_without_sessions_tells_is_read_and_the_subscription_goes_on() {
    let news = Arc::new(Notify::new());
    let teller = Arc::clone(&news);
    let server = alone(TELLS, move |asked| on(asked, &teller)).await;
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
        _ => stateless(asked, (both, &AtomicUsize::new(0)), &|asked| {
            Reply::OpenEvents(acknowledged(asked))
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
    let server = alone(r#"{"tools":{}}"#, |asked| {
        Reply::OpenEvents(acknowledged(asked))
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    pass(&mut discovery).await;
    assert_eq!(count(&server, LISTEN), 0);
}

#[tokio::test]
async fn a_server_that_has_no_subscriptions_is_asked_for_one_once() {
    let refusals: [fn(&Asked) -> Reply; 6] = [
        |_| Reply::Status(404, "", String::new()),
        |_| Reply::Status(405, "", String::new()),
        |asked| Reply::Status(400, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| Reply::Json(asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| Reply::Events(event(&asked.error(r#"{"code":-32601,"message":"no"}"#))),
        |asked| Reply::OpenEvents(acknowledged(asked).replace("true", "false")),
    ];
    for refusal in refusals {
        let server = alone(TELLS, refusal).await;
        let mut discovery = follow(server.address, subject(), timing());
        next(&mut discovery).await;
        server.wait_for(LISTEN, 1).await;
        pass(&mut discovery).await;
        // A pass may have come before the refusal.
        assert!(count(&server, LISTEN) <= 2, "{:?}", server.order());
    }
}

#[tokio::test]
async fn a_server_that_has_no_subscriptions_is_asked_again_after_many_passes() {
    let server = alone(TELLS, |_| Reply::Status(405, "", String::new())).await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for(LISTEN, 1).await;
    leave_time().await;
    for _ in 0..59 {
        assert_eq!(count(&server, LISTEN), 1);
        pass_once(&mut discovery).await;
    }
    pass_once(&mut discovery).await;
    server.wait_for(LISTEN, 2).await;
}

#[tokio::test]
async fn a_server_that_announces_something_else_is_asked_again() {
    let more = Arc::new(AtomicUsize::new(0));
    let (renewed, lists) = (Arc::clone(&more), AtomicUsize::new(0));
    let server = FakeServer::start(move |asked| {
        let capabilities = match renewed.load(Ordering::SeqCst) {
            0 => TELLS,
            _ => r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true}}"#,
        };
        match asked.what() {
            "prompts/list" => Reply::Json(asked.result(r#"{"prompts":[]}"#)),
            _ => stateless(asked, (capabilities, &lists), &|_| {
                Reply::Status(405, "", String::new())
            }),
        }
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for(LISTEN, 1).await;
    pass(&mut discovery).await;
    assert_eq!(count(&server, LISTEN), 1);
    more.store(1, Ordering::SeqCst);
    pass_once(&mut discovery).await;
    server.wait_for(LISTEN, 2).await;
}

#[tokio::test]
async fn what_may_be_had_another_time_is_asked_for_again_and_brings_no_pass() {
    let failures: [fn(&Asked) -> Reply; 9] = [
        |_| Reply::Status(503, "", String::new()),
        |_| Reply::Status(400, "text/plain", "what?".to_owned()),
        |_| Reply::Status(401, "", String::new()),
        |_| Reply::Status(403, "", String::new()),
        |_| Reply::Status(406, "", String::new()),
        |asked| Reply::Json(asked.result("{}")),
        |asked| Reply::Json(asked.error(r#"{"code":-32603,"message":"no"}"#)),
        |_| Reply::Events(String::new()),
        |asked| Reply::OpenEvents(event(&asked.error(r#"{"code":-32603,"message":"no"}"#))),
    ];
    for failure in failures {
        let server = alone(TELLS, failure).await;
        assert_eq!(lists_until(&server, 4).await, 1, "{:?}", server.order());
    }
}

#[tokio::test]
async fn a_subscription_that_ends_is_opened_again() {
    let ends: [fn(&Asked) -> Reply; 4] = [
        |asked| Reply::Events(acknowledged(asked)),
        |asked| Reply::Events(acknowledged(asked) + &event(&asked.result("{}"))),
        |asked| Reply::OpenEvents(acknowledged(asked) + &event(&asked.result("{}"))),
        |asked| Reply::Cut("text/event-stream", acknowledged(asked)),
    ];
    for end in ends {
        let server = alone(TELLS, end).await;
        // One pass at first, and at most one for each that was opened again.
        let lists = lists_until(&server, 4).await;
        assert!((1..=4).contains(&lists), "{:?}", server.order());
    }
}

#[tokio::test]
async fn what_has_changed_while_a_subscription_was_away_is_read_when_it_is_back() {
    let opened = AtomicUsize::new(0);
    let server = alone(TELLS, move |asked| {
        match opened.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Events(acknowledged(asked)),
            1 => Reply::Status(503, "", String::new()),
            _ => Reply::OpenEvents(acknowledged(asked)),
        }
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    leave_time().await;
    assert_eq!(
        (count(&server, LISTEN), count(&server, "tools/list")),
        (3, 2)
    );
    let asked = server.asked();
    let asked = asked.iter().filter(|asked| asked.what() == LISTEN);
    let ids: HashSet<&str> = asked
        .map(|asked| asked.message["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn news_in_one_piece_cost_one_pass() {
    let server = listed_after_news_in_one_piece().await;
    // What another has to wait for before its pass is over, this one would have waited for, too.
    listed_after_news_in_one_piece().await;
    assert_eq!(count(&server.0, "tools/list"), 2);
}

async fn listed_after_news_in_one_piece() -> (FakeServer, Discovery) {
    let news = Arc::new(Notify::new());
    let teller = Arc::clone(&news);
    let server = alone(TELLS, move |asked| {
        let together = changed(asked).repeat(3);
        Reply::EventsThen(acknowledged(asked), Arc::clone(&teller), together)
    })
    .await;
    let patient = Timing {
        gather: Duration::from_millis(200),
        ..timing()
    };
    let mut discovery = follow(server.address, subject(), patient);
    next(&mut discovery).await;
    server.wait_for(LISTEN, 1).await;
    news.notify_one();
    assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
    (server, discovery)
}

#[tokio::test]
async fn a_server_that_tells_news_because_it_was_listed_is_listed_less_and_less() {
    let news = Arc::new(Notify::new());
    let lists = AtomicUsize::new(0);
    let server = FakeServer::start(move |asked| {
        if asked.what() == "tools/list" {
            news.notify_one();
        }
        stateless(asked, (TELLS, &lists), &|asked| on(asked, &news))
    })
    .await;
    let slow = Timing {
        settle: Duration::from_millis(20),
        ..timing()
    };
    let start = std::time::Instant::now();
    let _discovery = follow(server.address, subject(), slow);
    server.wait_for("tools/list", 9).await;
    // Four times 20 ms, then 40, 80 and 160.
    assert!(start.elapsed() > Duration::from_millis(350));
}

#[tokio::test]
async fn a_server_that_ends_every_subscription_at_once_is_left_alone_for_longer_and_longer() {
    let server = alone(TELLS, |asked| Reply::Events(acknowledged(asked))).await;
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
    let server = alone(TELLS, |asked| {
        let garbage =
            "data: {\n\nevent: other\ndata: {}\n\ndata: \u{e9}\n\ndata: {\"method\":7}\n\n";
        Reply::OpenEvents(acknowledged(asked) + garbage + &changed(asked))
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
    let server = alone(TELLS, |asked| {
        let endless = "x".repeat(3 << 20);
        Reply::OpenEvents(acknowledged(asked) + "data: " + &endless)
    })
    .await;
    assert!(lists_until(&server, 3).await <= 3);
}

#[tokio::test]
async fn where_a_session_has_no_stream_news_come_by_subscription() {
    for status in [405, 400] {
        let news = Arc::new(Notify::new());
        let teller = Arc::clone(&news);
        let lists = AtomicUsize::new(0);
        let server = FakeServer::start(move |asked| match asked.what() {
            _ if asked.header("mcp-method").is_some() => {
                stateless(asked, (TELLS, &lists), &|asked| on(asked, &teller))
            }
            "initialize" => welcome(asked, TELLS),
            "GET" => Reply::Status(status, "", String::new()),
            _ => ordinary(asked, &|asked| tools(asked, &[])),
        })
        .await;
        let mut discovery = follow(server.address, subject(), timing());
        next(&mut discovery).await;
        server.wait_for(LISTEN, 1).await;
        news.notify_one();
        assert!(matches!(next(&mut discovery).await, Outcome::Found(_)));
        assert_eq!(count(&server, LISTEN), 1);
        if status == 405 {
            // Nothing is heard in the session, so it has ended.
            server.wait_for("DELETE", 1).await;
            assert_eq!(count(&server, "GET"), 1);
        }
    }
}

#[tokio::test]
async fn where_a_session_has_a_stream_there_is_no_subscription() {
    let lists = AtomicUsize::new(0);
    let server = FakeServer::start(move |asked| match asked.what() {
        _ if asked.header("mcp-method").is_some() => stateless(asked, (TELLS, &lists), &|asked| {
            Reply::OpenEvents(acknowledged(asked))
        }),
        "initialize" => welcome(asked, TELLS),
        "GET" => Reply::OpenEvents(": open\n\n".to_owned()),
        _ => ordinary(asked, &|asked| tools(asked, &[])),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("GET", 1).await;
    pass(&mut discovery).await;
    assert_eq!(count(&server, LISTEN), 0);
}

#[tokio::test]
async fn a_changed_registration_has_a_subscription_of_its_own_and_the_former_one_ends() {
    let open = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&open);
    let server = alone(TELLS, move |asked| {
        Reply::CountedEvents(acknowledged(asked), Arc::clone(&opened))
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

//! The stream of `GET`.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::Bench;
use super::stand_in::LAPSED;

const CHANGED: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
];

#[tokio::test]
async fn a_stream_opens_with_an_id_and_tells_of_changes() {
    let bench = Bench::new().await;
    let mut stream = bench.client.get(&[]).await.events();
    let first = stream.event().await.unwrap();
    assert!(
        first.starts_with("id: 0000000000000001.0000000000000002.0000000000000003."),
        "{first}"
    );
    assert!(first.ends_with("\nretry: 1000\ndata:"), "{first}");
    bench.gateway.change([1, 7, 8]);
    for method in &CHANGED[1..] {
        assert_eq!(stream.message().await.1["method"], *method);
    }
}

#[tokio::test]
async fn who_comes_back_hears_at_once_what_has_changed_since() {
    let bench = Bench::new().await;
    let mut stream = bench.client.get(&[]).await.events();
    stream.event().await.unwrap();
    bench.gateway.change([4, 2, 3]);
    let (id, _) = stream.message().await;
    drop(stream);
    bench.gateway.change([4, 2, 5]);
    let last = id.unwrap();
    let mut again = bench.client.get(&[("last-event-id", &last)]).await.events();
    again.event().await.unwrap();
    assert_eq!(again.message().await.1["method"], CHANGED[2]);
    for foreign in ["0", "x.y.z", "\"1\""] {
        let mut other = bench
            .client
            .get(&[("last-event-id", foreign)])
            .await
            .events();
        other.event().await.unwrap();
        bench.gateway.change([9, 2, 5]);
        assert_eq!(other.message().await.1["method"], CHANGED[0], "{foreign}");
        bench.gateway.change([4, 2, 5]);
        assert_eq!(other.message().await.1["method"], CHANGED[0], "{foreign}");
    }
}

#[tokio::test]
async fn who_takes_no_events_gets_none() {
    let bench = Bench::new().await;
    let refused = bench.client.get(&[("accept", "application/json")]).await;
    assert_eq!(refused.status(), 406);
    assert_eq!(refused.json().await["error"]["code"], -32600);
}

#[tokio::test]
async fn what_did_not_come_by_the_filter_is_refused() {
    let bench = Bench::new().await;
    let refused = bench.client.get(&[("x-mcp-method", "PUT")]).await;
    assert_eq!(refused.status(), 400);
    let refused = bench.client.get(&[("x-mcp-method", "tools/call")]).await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn the_gateway_is_asked_as_the_client_would_ask_it() {
    let bench = Bench::new().await;
    let _stream = bench.client.get(&[("x-mcp-virtualserver", "a/b")]).await;
    let first = bench.gateway.asked("GET catalog").await;
    assert_eq!(first.path, "/mcp?a=%41");
    for (name, value) in [
        ("host", Some("mcp.example.com")),
        ("authorization", Some("Bearer a")),
        ("mcp-session-id", Some("s")),
        ("x-mcp-virtualserver", Some("a/b")),
        ("x-mcp-streams-ticket", Some("first")),
        ("x-mcp-streams-caller", None),
        ("x-mcp-method", None),
        ("x-forwarded-for", None),
    ] {
        assert_eq!(first.header(name), value, "{name}");
    }
    let later = bench.gateway.asked("GET catalog").await;
    assert_eq!(later.header("x-mcp-streams-ticket"), Some("renewed"));
}

#[tokio::test]
async fn a_newer_stream_of_a_session_ends_the_older() {
    let bench = Bench::new().await;
    let mut older = bench.client.get(&[]).await.events();
    older.event().await.unwrap();
    let mut other = bench
        .client
        .get(&[("mcp-session-id", "other")])
        .await
        .events();
    other.event().await.unwrap();
    let mut newer = bench.client.get(&[]).await.events();
    newer.event().await.unwrap();
    assert_eq!(older.event().await, None);
    bench.gateway.change([7, 2, 3]);
    assert_eq!(newer.message().await.1["method"], CHANGED[0]);
    assert_eq!(other.message().await.1["method"], CHANGED[0]);
}

#[tokio::test]
async fn who_may_not_have_a_stream_is_told_as_the_gateway_tells() {
    let bench = Bench::new().await;
    for status in [401, 404] {
        bench.gateway.refuse("Bearer a", status);
        assert_eq!(bench.client.get(&[]).await.status(), status);
    }
}

#[tokio::test]
async fn a_stream_that_the_gateway_makes_of_the_question_is_not_passed_on() {
    let bench = Bench::new().await;
    bench.gateway.refuse("Bearer a", LAPSED);
    assert_eq!(bench.client.get(&[]).await.status(), 502);
}

#[tokio::test]
async fn a_stream_ends_when_its_client_may_no_longer_have_it() {
    let bench = Bench::new().await;
    let other = [("authorization", "Bearer b"), ("mcp-session-id", "other")];
    for status in [401, 403, 404, 405, LAPSED] {
        bench.gateway.refuse("Bearer b", 200);
        let mut ends = bench.client.get(&other).await.events();
        let mut goes_on = bench.client.get(&[]).await.events();
        ends.event().await.unwrap();
        goes_on.event().await.unwrap();
        bench.gateway.refuse("Bearer b", status);
        assert_eq!(ends.event().await, None, "{status}");
        bench.gateway.change([u64::from(status), 2, 3]);
        assert_eq!(goes_on.message().await.1["method"], CHANGED[0]);
    }
}

#[tokio::test]
async fn what_the_gateway_says_once_ends_nothing() {
    let long = |settings: &mut mcp_streams::Settings| settings.second_look = super::PATIENCE * 9;
    let bench = Bench::with(long).await;
    let mut stream = bench.client.get(&[]).await.events();
    stream.event().await.unwrap();
    for (number, status) in [(7, 405), (8, 403), (9, 404), (10, LAPSED)] {
        bench.gateway.refuse("Bearer a", status);
        bench.gateway.so_far().await;
        for _ in 0..2 {
            bench.gateway.asked("GET catalog").await;
        }
        bench.gateway.change([number, 2, 3]);
        bench.gateway.refuse("Bearer a", 200);
        assert_eq!(stream.message().await.1["method"], CHANGED[0], "{status}");
    }
}

#[tokio::test]
async fn a_stream_that_the_gateway_does_not_serve_for_a_moment_is_opened() {
    let bench = Bench::new().await;
    for status in [405, 403, LAPSED] {
        bench.gateway.refuse_once("Bearer a", status);
        let mut stream = bench.client.get(&[]).await.events();
        stream.event().await.unwrap();
    }
    bench.gateway.refuse("Bearer a", 405);
    assert_eq!(bench.client.get(&[]).await.status(), 405);
}

#[tokio::test]
async fn a_gateway_that_fails_ends_nothing() {
    let bench = Bench::new().await;
    let mut stream = bench.client.get(&[]).await.events();
    stream.event().await.unwrap();
    bench.gateway.refuse("Bearer a", 503);
    // One more than was under way.
    for _ in 0..3 {
        bench.gateway.asked("GET catalog").await;
    }
    bench.gateway.change([7, 2, 3]);
    bench.gateway.refuse("Bearer a", 200);
    assert_eq!(stream.message().await.1["method"], CHANGED[0]);
    bench.gateway.refuse("Bearer a", 503);
    assert_eq!(
        bench
            .client
            .get(&[("mcp-session-id", "new")])
            .await
            .status(),
        502
    );
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let bench = Bench::with(|settings| settings.keep_alive = Duration::from_millis(1)).await;
    let mut stream = bench.client.get(&[]).await.events();
    assert!(stream.next().await.unwrap().starts_with("id: "));
    for _ in 0..3 {
        assert_eq!(stream.next().await.as_deref(), Some(":"));
    }
}

#[tokio::test]
async fn more_streams_than_there_is_room_for_are_refused_until_one_ends() {
    let bench = Bench::with(|settings| settings.bounds.streams = NonZeroUsize::MIN).await;
    let stream = bench.client.get(&[]).await;
    assert_eq!(stream.status(), 200);
    let other = [("mcp-session-id", "other")];
    let refused = bench.client.get(&other).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json().await["error"]["data"]["retry"], true);
    drop(stream);
    while bench.client.get(&other).await.status() != 200 {}
}

#[tokio::test]
async fn what_is_held_and_refused_is_counted() {
    let bench = Bench::with(|settings| settings.bounds.streams = NonZeroUsize::MIN).await;
    let stream = bench.client.get(&[]).await;
    bench.client.get(&[("mcp-session-id", "other")]).await;
    let told = bench.client.metrics().await;
    for line in [
        "mcp_streams_get_streams 1",
        "mcp_streams_listens 0",
        r#"mcp_streams_refused_total{of="streams"} 1"#,
    ] {
        assert!(told.lines().any(|one| one == line), "{line}: {told}");
    }
    drop(stream);
    let none = "mcp_streams_get_streams 0";
    let gone = async { while !bench.client.metrics().await.contains(none) {} };
    let gone = tokio::time::timeout(super::PATIENCE, gone).await;
    gone.expect("it is counted still");
}

#[tokio::test]
async fn a_stream_ends_when_the_program_does() {
    let mut bench = Bench::new().await;
    let mut stream = bench.client.get(&[]).await.events();
    stream.event().await.unwrap();
    bench.end();
    assert_eq!(stream.event().await, None);
    bench.ended().await;
}

#[tokio::test]
async fn when_one_sees_a_change_all_are_asked_for() {
    // Turn by turn, the last would hear of it after 20 s.
    let slow = |settings: &mut mcp_streams::Settings| {
        settings.poll = Duration::from_millis(500);
        settings.recheck = Duration::from_secs(60);
    };
    let bench = Bench::with(slow).await;
    let mut streams = Vec::new();
    for number in 0..40 {
        let session = format!("s{number}");
        let more = [("mcp-session-id", session.as_str())];
        let mut stream = bench.client.get(&more).await.events();
        stream.event().await.unwrap();
        streams.push(stream);
    }
    bench.gateway.change([7, 2, 3]);
    let all = async {
        for stream in &mut streams {
            assert_eq!(stream.message().await.1["method"], CHANGED[0]);
        }
    };
    let told = tokio::time::timeout(super::PATIENCE, all).await;
    told.expect("some are not told at once");
}

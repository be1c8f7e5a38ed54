//! Servers and gateways that refuse, fail and forget.

use std::sync::Arc;

use tokio::sync::Notify;

use super::*;

#[tokio::test]
async fn a_server_that_lost_the_session_is_told_again() {
    let bench = bench("sessions").await;
    let lost = AtomicBool::new(true);
    bench.gateway.answer(move |asked| {
        let is_get = asked.what() == "GET server=a/b";
        let is_lost = is_get && lost.swap(false, Ordering::Relaxed);
        if is_lost {
            Some(json_answer(404, &[], ""))
        } else {
            server("sessions")(asked)
        }
    });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    for what in [
        "POST call resources/subscribe",
        "GET server=a/b",
        "POST call resources/subscribe",
    ] {
        bench.gateway.asked(what).await;
    }
    bench.gateway.asked("GET server=a/b").await;
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

/// An answer to a subscription, whose body comes when it is `released`.
fn held_back(released: Arc<Notify>) -> Response {
    let body = futures::stream::once(async move {
        released.notified().await;
        Ok::<_, std::convert::Infallible>(r#"{"jsonrpc":"2.0","id":0,"result":{}}"#)
    });
    let mut response = json_answer(200, &[("x-mcp-servername", "a/b")], "");
    let era = http::HeaderValue::from_static("sessions");
    response.headers_mut().insert("x-mcp-streams-era", era);
    *response.body_mut() = Body::from_stream(body);
    response
}

#[tokio::test]
async fn what_a_client_takes_back_while_it_is_told_again_is_taken_back() {
    let bench = bench("sessions").await;
    let (is_lost, released) = (AtomicBool::new(true), Arc::new(Notify::new()));
    let released_later = released.clone();
    bench.gateway.answer(move |asked| {
        let body = String::from_utf8_lossy(&asked.body);
        let is_first = body.contains(r#""id":0"#) && body.contains("a:1");
        match asked.what().as_str() {
            "GET server=a/b" if is_lost.swap(false, Ordering::Relaxed) => {
                Some(json_answer(404, &[], ""))
            }
            "POST call resources/subscribe" if is_first => Some(held_back(released_later.clone())),
            _ => server("sessions")(asked),
        }
    });
    for uri in ["a:1", "a:2", "a:3"] {
        ask(&bench, "subscribe", uri).await;
    }
    bench.gateway.so_far().await;
    let _stream = open(&bench).await;
    bench.gateway.asked("POST call resources/subscribe").await;
    for uri in ["a:1", "a:2"] {
        ask(&bench, "unsubscribe", uri).await;
        bench.gateway.asked("POST call resources/unsubscribe").await;
    }
    released.notify_one();
    for (what, uri) in [("unsubscribe", "a:1"), ("subscribe", "a:3")] {
        let what = format!("POST call resources/{what}");
        let told = bench.gateway.asked(&what).await;
        let message: Value = serde_json::from_slice(&told.body).unwrap();
        assert_eq!(message["params"]["uri"], uri, "{what}");
    }
}

#[tokio::test]
async fn a_server_that_takes_subscriptions_and_knows_no_session_is_left_alone_until_the_next() {
    let bench = bench("sessions").await;
    let is_deaf = Arc::new(AtomicBool::new(true));
    let deaf = is_deaf.clone();
    bench.gateway.answer(move |asked| {
        let is_get = asked.what() == "GET server=a/b";
        if is_get && deaf.load(Ordering::Relaxed) {
            return Some(json_answer(404, &[], ""));
        }
        server("sessions")(asked)
    });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    let none = "mcp_streams_relays 0\n";
    let stopped = async { while !bench.client.metrics().await.contains(none) {} };
    timeout(PATIENCE, stopped).await.expect("it is asked on");
    is_deaf.store(false, Ordering::Relaxed);
    bench.gateway.so_far().await;
    ask(&bench, "subscribe", "a:1").await;
    bench.gateway.asked("GET server=a/b").await;
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn what_nobody_will_tell_is_not_promised() {
    // A server that has no stream, and one that has no sessions.
    for status in [405, 404] {
        let bench = bench("sessions").await;
        bench
            .gateway
            .answer(move |asked| match asked.what().as_str() {
                "GET server=a/b" => Some(json_answer(status, &[], "")),
                _ => server("sessions")(asked),
            });
        let mut stream = listen(&bench, &["a:1"]).await;
        assert_eq!(
            stream.message().await.1["params"]["notifications"],
            json!({}),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_stream_ends_whose_session_is_gone() {
    let bench = bench("sessions").await;
    let gone = AtomicBool::new(false);
    bench
        .gateway
        .answer(move |asked| match asked.what().as_str() {
            "GET server=a/b" if gone.swap(true, Ordering::Relaxed) => {
                Some(json_answer(404, &[], ""))
            }
            "GET server=a/b" => Some(events("")),
            "POST call resources/subscribe" if gone.load(Ordering::Relaxed) => {
                Some(json_answer(404, &[], ""))
            }
            _ => server("sessions")(asked),
        });
    let mut stream = listen(&bench, &["a:1"]).await;
    stream.message().await;
    assert_eq!(stream.message().await.1["result"]["resultType"], "complete");
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn a_server_that_fails_is_heard_again_when_it_does_not() {
    let bench = bench("sessions").await;
    let left = AtomicUsize::new(3);
    bench.gateway.answer(move |asked| {
        let count = |left: usize| left.checked_sub(1);
        let fails = asked.what() == "GET server=a/b"
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
                .is_ok();
        if fails {
            Some(json_answer(502, &[], ""))
        } else {
            server("sessions")(asked)
        }
    });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    for _ in 0..4 {
        bench.gateway.asked("GET server=a/b").await;
    }
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

/// Hears the server once, then answers `GET` with each of `statuses`, then with a stream again.
async fn interrupted(statuses: &'static [u16]) -> Bench {
    let bench = bench("sessions").await;
    let count = AtomicUsize::new(0);
    bench.gateway.answer(move |asked| {
        if asked.what() != "GET server=a/b" {
            return server("sessions")(asked);
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => Some(events("")),
            after => Some(json_answer(*statuses.get(after - 1)?, &[], "")),
        }
    });
    bench
}

#[tokio::test]
async fn a_server_that_was_heard_is_heard_again_after_it_has_refused() {
    let bench = interrupted(&[405, 404, 404, 403, 404]).await;
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    for _ in 0..7 {
        bench.gateway.asked("GET server=a/b").await;
    }
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn a_subscription_without_a_session_ends_when_its_server_refuses() {
    for refusal in [405, 404] {
        let bench = bench("sessions").await;
        let heard = AtomicBool::new(false);
        bench
            .gateway
            .answer(move |asked| match asked.what().as_str() {
                "GET server=a/b" if heard.swap(true, Ordering::Relaxed) => {
                    Some(json_answer(refusal, &[], ""))
                }
                "GET server=a/b" => Some(events("")),
                _ => server("sessions")(asked),
            });
        let mut stream = listen(&bench, &["a:1"]).await;
        stream.message().await;
        assert_eq!(stream.message().await.1["result"]["resultType"], "complete");
    }
}

#[tokio::test]
async fn a_subscription_without_a_session_goes_on_when_its_server_refuses_once() {
    let bench = interrupted(&[405, 403, 405]).await;
    let mut stream = listen(&bench, &["a:1"]).await;
    stream.message().await;
    for _ in 0..5 {
        bench.gateway.asked("GET server=a/b").await;
    }
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn a_session_whose_server_refuses_at_first_hears_it_later() {
    let bench = bench("sessions").await;
    let refuses = AtomicBool::new(true);
    bench
        .gateway
        .answer(move |asked| match asked.what().as_str() {
            "GET server=a/b" if refuses.swap(false, Ordering::Relaxed) => {
                Some(json_answer(405, &[], ""))
            }
            _ => server("sessions")(asked),
        });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    for _ in 0..2 {
        bench.gateway.asked("GET server=a/b").await;
    }
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn a_subscription_that_was_promised_late_ends_when_nobody_will_tell() {
    let bench = bench("sessions").await;
    let is_promised = Arc::new(AtomicBool::new(false));
    let (promised, count) = (is_promised.clone(), AtomicUsize::new(0));
    bench.gateway.answer(move |asked| {
        let status = match asked.what().as_str() {
            "GET server=a/b" if !promised.load(Ordering::Relaxed) => 502,
            // The session is lost, also once it was told again; then it has no stream.
            "GET server=a/b" if count.fetch_add(1, Ordering::Relaxed) < 2 => 404,
            "GET server=a/b" => 405,
            _ => return server("sessions")(asked),
        };
        Some(json_answer(status, &[], ""))
    });
    let mut stream = listen(&bench, &["a:1"]).await;
    let (_, acknowledged) = stream.message().await;
    let honoured = json!({"resourceSubscriptions": ["a:1"]});
    assert_eq!(acknowledged["params"]["notifications"], honoured);
    is_promised.store(true, Ordering::Relaxed);
    assert_eq!(stream.message().await.1["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_server_that_speaks_otherwise_now_is_asked_by_its_new_rules() {
    let bench = bench("sessions").await;
    let turned = AtomicBool::new(false);
    bench
        .gateway
        .answer(move |asked| match asked.what().as_str() {
            "GET server=a/b" if turned.swap(true, Ordering::Relaxed) => {
                Some(json_answer(404, &[], ""))
            }
            "GET server=a/b" => Some(events("")),
            _ if turned.load(Ordering::Relaxed) => server("stateless")(asked),
            _ => server("sessions")(asked),
        });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    let what = "POST server=a/b subscriptions/listen";
    bench.gateway.asked(what).await;
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

#[tokio::test]
async fn a_stream_of_somebody_else_is_not_taken_for_the_servers() {
    let bench = bench("sessions").await;
    let first = AtomicBool::new(true);
    bench.gateway.answer(move |asked| {
        if asked.what() == "GET server=a/b" && first.swap(false, Ordering::Relaxed) {
            let nested = Response::builder().header("content-type", "text/event-stream");
            let said = format!("data: {}\n\n", UPDATED.replace("a:1", "a:foreign"));
            return Some(nested.body(Body::from(said)).unwrap());
        }
        server("sessions")(asked)
    });
    let mut stream = open(&bench).await;
    ask(&bench, "subscribe", "a:1").await;
    for _ in 0..2 {
        bench.gateway.asked("GET server=a/b").await;
    }
    bench.gateway.say("a/b", UPDATED);
    assert_eq!(stream.message().await.1["params"]["uri"], "a:1");
}

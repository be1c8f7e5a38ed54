//! Servers that are dead, hung or slow, and clients that leave: each costs its own calls only.

use std::time::Duration;

use harness::caller::Protocol;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::runtime;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::{until, within};
use harness::wire::Wire;
use serde_json::json;
use tokio::time::Instant;

use crate::shared::scripted;

/// What a call to a healthy server takes at most, whatever others do.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What a start takes on a busy machine, and less than the minute after which a server is asked again.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_secs(30);

/// Growth of Envoy that is taken for none.
const FLAT: u64 = 16 * 1024 * 1024;

everywhere! {
    async fn a_server_that_is_silent_for_too_long_is_given_up(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let started = Instant::now();
        let reply = client.call("hasty_hang", json!({})).await;
        reply.assert_error(200, -32603, &json!(1));
        assert!(reply.text().contains("mcp-test/hasty"), "{}", reply.shown());
        let took = started.elapsed();
        assert!((Duration::from_millis(900)..Duration::from_secs(5)).contains(&took), "{took:?}");
    }

    async fn a_stream_that_is_silent_for_too_long_is_cut(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let mut call = client.open_call("hasty_hang_stream", json!({})).await;
        assert_eq!(call.event().await.unwrap()["method"], "notifications/message");
        let rest = within("the end of a silent stream", Duration::from_secs(6), call.rest()).await;
        assert!(!rest.complete || rest.message()["error"]["code"].is_i64(), "{}", rest.shown());
        shared.hasty.until_hanging_from(client.mark(), 0).await;
    }

    async fn a_slow_answer_within_the_bound_is_waited_for(role, protocol) {
        let shared = scripted(role).await;
        shared.connected(protocol).await.call("hasty_slow", json!({})).await.result();
    }

    async fn a_cancelled_call_ends_soon_after_the_server_was_told(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["kept_hang", "kept_hang_stream"] {
            let client = shared.connected(protocol).await;
            let body = json!({"jsonrpc": "2.0", "id": "c-1", "method": "tools/call", "params": {"name": tool}}).to_string();
            let call = runtime::spawn({ let client = client.clone(); async move { client.send(body).await } });
            shared.kept.until_hanging_from(client.mark(), 1).await;
            let started = Instant::now();
            let other = shared.connected(protocol).await;
            let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c-1","reason":"test"}}"#;
            assert_eq!(other.send(cancel).await.status, 202);
            assert_eq!(client.send(cancel).await.status, 202);
            let told = || async {
                let received = shared.kept.received();
                received.into_iter().find(|request| {
                    request.rpc_method() == "notifications/cancelled" && request.text().contains("c-1")
                })
            };
            let told = until("the server is told", Duration::from_secs(5), told).await;
            assert!(told.text().contains(r#""requestId":"c-1""#), "{}", told.text());
            let reply = within("the end of a cancelled call", Duration::from_secs(8), call).await.unwrap();
            assert!(started.elapsed() >= Duration::from_secs(4), "the server has time to end it itself");
            assert!(!reply.complete || reply.message()["id"] == "c-1", "{}", reply.shown());
            shared.kept.until_hanging_from(client.mark(), 0).await;
        }
    }

    async fn a_client_that_leaves_ends_its_call(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_hang", "kept_hang", "plain_hang_stream", "kept_hang_stream"] {
            let server = if tool.starts_with("plain") { &shared.plain } else { &shared.kept };
            let client = shared.connected(protocol).await;
            let call = runtime::spawn({ let client = client.clone(); async move { client.call(tool, json!({})).await } });
            server.until_hanging_from(client.mark(), 1).await;
            call.abort();
            server.until_hanging_from(client.mark(), 0).await;
        }
    }
}

in_both_roles! {
    async fn a_dead_server_costs_its_own_calls_only_until_it_is_back(role) {
        let (gateway, dying, _healthy) = two_servers(role).await;
        let port = dying.port();
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("dying_echo", json!({})).await.result();
        dying.end().await;
        for _ in 0..5 {
            let reply = within("an answer for a dead server", AT_ONCE, client.call("dying_echo", json!({}))).await;
            reply.assert_error(200, -32603, &json!(1));
            assert!(reply.text().contains("mcp-test/dying"), "{}", reply.shown());
            within("an answer of a healthy server", AT_ONCE, client.call("healthy_echo", json!({}))).await.result();
        }
        let _back = Upstream::start_at(port, Script::standard()).await;
        until("the server is back", Duration::from_secs(5), || async {
            let reply = client.call("dying_echo", json!({})).await;
            reply.message().get("result").map(|_| ())
        }).await;
    }

    async fn a_connection_that_breaks_in_a_call_is_told(role) {
        let (gateway, dying, _healthy) = two_servers(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let call = runtime::spawn({ let client = client.clone(); async move { client.call("dying_hang", json!({})).await } });
        let mut stream = client.open_call("dying_hang_stream", json!({})).await;
        stream.event().await.unwrap();
        dying.until_hanging(2).await;
        drop(dying);
        let reply = within("the end of a broken call", Duration::from_secs(10), call).await.unwrap();
        reply.assert_error(200, -32603, &json!(1));
        let rest = within("the end of a broken stream", Duration::from_secs(10), stream.rest()).await;
        assert!(!rest.complete || rest.message()["error"]["code"].is_i64(), "{}", rest.shown());
    }

    async fn a_server_that_does_not_open_a_session_is_given_up(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let healthy = Upstream::start(Script::standard().with_sessions()).await;
        let manifests = Manifests::gateway()
            .server(&Server::new("deaf", server.address()))
            .server(&Server::new("healthy", healthy.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        server.set_deaf(true);
        let call = runtime::spawn({ let client = client.clone(); async move { client.call("deaf_echo", json!({})).await } });
        within("an answer of a healthy server", AT_ONCE, client.call("healthy_echo", json!({}))).await.result();
        let reply = within("an answer for a deaf server", Duration::from_secs(9), call).await.unwrap();
        reply.assert_error(200, -32603, &json!(1));
        server.set_deaf(false);
        client.call("deaf_echo", json!({})).await.result();
    }

    async fn sixty_hung_calls_and_a_thousand_idle_connections_cost_little(role) {
        let (gateway, hung, _healthy) = two_servers(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        crowd(&gateway, &hung, &client).await;
        let before = gateway.envoy_bytes();
        for _ in 0..2 {
            crowd(&gateway, &hung, &client).await;
        }
        let grown = gateway.envoy_bytes().saturating_sub(before);
        assert!(grown < FLAT, "Envoy has grown by {grown} bytes");
    }

    async fn a_hung_server_does_not_hold_up_the_start(role) {
        let healthy = Upstream::start(Script::standard()).await;
        let hung = Upstream::start(Script::standard()).await;
        hung.set_deaf(true);
        let manifests = Manifests::gateway()
            .server(&Server::new("healthy", healthy.address()))
            .server(&Server::new("hung", hung.address()));
        let started = Instant::now();
        let gateway = Gateway::start(role, &manifests).await;
        assert!(started.elapsed() < BEFORE_ANOTHER_TRY, "{:?}", started.elapsed());
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("healthy_echo", json!({})).await.result();
        hung.set_deaf(false);
        until("the server is found when it answers", Duration::from_secs(60), || async {
            let tools = client.list("tools/list", "tools").await;
            tools.iter().any(|tool| tool.contains("hung_echo")).then_some(())
        }).await;
    }
}

/// Sixty hung calls and a thousand idle connections; others are served meanwhile; then all are gone.
async fn crowd(gateway: &Gateway, hung: &Upstream, client: &Client) {
    let calls: Vec<_> = (0..60)
        .map(|n| {
            let client = client.clone();
            let tool = ["dying_hang", "dying_hang_stream"][n % 2];
            runtime::spawn(async move { client.call(tool, json!({})).await })
        })
        .collect();
    hung.until_hanging(60).await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(Wire::open(gateway.address()).await);
    }
    for wire in idle.iter_mut().step_by(2) {
        wire.send(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\":",
        )
        .await;
    }
    for _ in 0..20 {
        within(
            "an answer of a healthy server",
            AT_ONCE,
            client.call("healthy_echo", json!({})),
        )
        .await
        .result();
        within("a list", AT_ONCE, client.list("tools/list", "tools")).await;
    }
    for call in calls {
        call.abort();
    }
    drop(idle);
    hung.until_hanging(0).await;
}

/// A gateway, a server `dying` and a server `healthy`, both without sessions.
async fn two_servers(role: Role) -> (Gateway, Upstream, Upstream) {
    let dying = Upstream::start(Script::standard()).await;
    let healthy = Upstream::start(Script::standard()).await;
    let manifests = Manifests::gateway()
        .server(&Server::new("dying", dying.address()))
        .server(&Server::new("healthy", healthy.address()));
    (Gateway::start(role, &manifests).await, dying, healthy)
}

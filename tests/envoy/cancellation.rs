//! Calls to servers without sessions, and those that the gateway has to open a session for or to send again: they end
//! when they are cancelled, and in time.

use std::time::Duration;

use harness::caller::Protocol;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::runtime;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::{until, within};
use serde_json::json;
use tokio::time::Instant;

use crate::shared::scripted;

everywhere! {
    async fn a_cancelled_call_to_a_server_without_sessions_ends_and_the_server_is_told(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_hang", "plain_hang_stream"] {
            let client = shared.connected(protocol).await;
            let id = client.mark();
            let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}).to_string();
            let call = runtime::spawn({ let client = client.clone(); async move { client.send(body).await } });
            shared.plain.until_hanging_from(client.mark(), 1).await;
            let started = Instant::now();
            let cancel = format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"reason":"\u0041","requestId":"{id}"}}}}"#);
            assert_eq!(shared.connected(protocol).await.send(cancel.as_str()).await.status, 202);
            assert_eq!(client.send(cancel.as_str()).await.status, 202);
            until("the server is told", Duration::from_secs(3), || async {
                shared.plain.received().iter().any(|request| request.text() == cancel).then_some(())
            }).await;
            let reply = within("the end of a cancelled call", Duration::from_secs(15), call).await.unwrap();
            let took = started.elapsed();
            assert!((Duration::from_millis(3900)..Duration::from_secs(7)).contains(&took), "{took:?}");
            assert!(!reply.complete || reply.text().contains("cancelled"), "{}", reply.shown());
            shared.plain.until_hanging_from(client.mark(), 0).await;
            let told = shared.plain.received().iter().filter(|request| request.text() == cancel).count();
            assert_eq!(told, 1, "the other session's word counts for nothing");
        }
    }
}

in_both_roles! {
    async fn nobody_without_a_session_cancels_a_call(role) {
        let shared = scripted(role).await;
        let client = shared.client(Protocol::Http1);
        let id = client.mark();
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "plain_hang_stream"}}).to_string();
        let mut call = client.open(body).await;
        call.event().await.unwrap();
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string();
        assert_eq!(client.send(cancel.as_str()).await.status, 202);
        let rest = tokio::time::timeout(Duration::from_secs(6), call.rest()).await;
        assert!(rest.is_err(), "{}", rest.unwrap().shown());
        assert!(!shared.plain.received().iter().any(|request| request.text() == cancel));
    }

    async fn a_repeated_call_that_hangs_is_given_up_in_its_time(role) {
        for status in [404, 400] {
            let (gateway, server) = gateway_with_sessions(role, status, "3s").await;
            let client = Client::connected(gateway.address(), Protocol::Http1).await;
            client.call("kept_echo", json!({})).await.result();
            server.forget_sessions();
            let started = Instant::now();
            let reply = client.call("kept_hang", json!({})).await;
            let took = started.elapsed();
            assert_eq!(server.sessions().len(), 1, "after a {status}, the session was opened anew");
            reply.assert_error(200, -32603, &json!(1));
            assert!(reply.text().contains("mcp-test/kept did not answer in time"), "{}", reply.shown());
            assert!((Duration::from_millis(2900)..Duration::from_secs(6)).contains(&took), "{took:?}");
        }
    }

    async fn a_repeated_call_that_hangs_can_be_cancelled(role) {
        for status in [404, 400] {
            let (gateway, server) = gateway_with_sessions(role, status, "60s").await;
            let client = Client::connected(gateway.address(), Protocol::Http1).await;
            client.call("kept_echo", json!({})).await.result();
            server.forget_sessions();
            let call = runtime::spawn({ let client = client.clone(); async move { client.call("kept_hang", json!({})).await } });
            server.until_hanging(1).await;
            let started = Instant::now();
            let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
            assert_eq!(client.send(cancel).await.status, 202);
            let reply = within("the end of a cancelled call", Duration::from_secs(15), call).await.unwrap();
            let took = started.elapsed();
            reply.assert_error(200, -32603, &json!(1));
            assert!(reply.text().contains("cancelled"), "{}", reply.shown());
            assert!((Duration::from_millis(3900)..Duration::from_secs(6)).contains(&took), "{took:?}");
            client.call("kept_echo", json!({})).await.result();
        }
    }

    async fn a_session_that_is_opened_too_slowly_takes_no_more_than_the_calls_time(role) {
        let (gateway, server) = gateway_with_sessions(role, 404, "1s").await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        server.set_deaf(true);
        let started = Instant::now();
        let reply = client.call("kept_echo", json!({})).await;
        let took = started.elapsed();
        reply.assert_error(200, -32603, &json!(1));
        assert!(reply.text().contains("did not answer in time"), "{}", reply.shown());
        assert!(took < Duration::from_secs(4), "{took:?}");
        server.set_deaf(false);
        client.call("kept_echo", json!({})).await.result();
    }
}

/// A gateway before a server with sessions that may be silent for `time`.
async fn gateway_with_sessions(
    role: Role,
    lost_session_status: u16,
    time: &str,
) -> (Gateway, Upstream) {
    let server = Upstream::start(Script {
        lost_session_status,
        ..Script::standard().with_sessions()
    })
    .await;
    let manifests =
        Manifests::gateway().server(&Server::new("kept", server.address()).timeouts(time, time));
    (Gateway::start(role, &manifests).await, server)
}

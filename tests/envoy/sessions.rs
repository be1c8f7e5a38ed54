//! Sessions: the client's with the gateway, and the gateway's with each server.

use std::collections::HashSet;

use harness::caller::{Protocol, Request};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::shared::{GUARDED_TOKEN, scripted};

everywhere! {
    async fn each_session_revision_is_negotiated_and_any_other_becomes_the_latest(role, protocol) {
        let shared = scripted(role).await;
        for (asked, answered) in [
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2024-11-05", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("banana", "2025-11-25"),
        ] {
            let mut client = shared.client(protocol);
            let reply = client.initialize(asked, json!({})).await;
            let result = reply.result();
            assert_eq!(result["protocolVersion"], answered, "asked for {asked}");
            assert!(result["capabilities"]["tools"].is_object(), "{result}");
            assert!(result["serverInfo"]["name"].is_string() && result["serverInfo"]["version"].is_string(), "{result}");
            assert_eq!(reply.message()["id"], 1);
            assert!(!client.list("tools/list", "tools").await.is_empty());
            client.call("kept_echo", json!({})).await.result();
            client.call("plain_echo", json!({})).await.result();
        }
    }

    async fn session_ids_are_long_unlike_and_made_of_visible_ascii(role, protocol) {
        let shared = scripted(role).await;
        let mut ids = HashSet::new();
        for _ in 0..20 {
            let client = shared.connected(protocol).await;
            let id = client.session.unwrap();
            assert!(id.len() >= 32 && id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{id}");
            assert!(ids.insert(id), "an id comes twice");
        }
    }

    async fn an_invented_or_changed_session_id_gets_404(role, protocol) {
        let shared = scripted(role).await;
        let good = shared.connected(protocol).await;
        let id = good.session.clone().unwrap();
        let mut changed: Vec<String> = (0..id.len()).step_by(3).map(|at| {
            let other = if id.as_bytes()[at] == b'A' { "B" } else { "A" };
            format!("{}{other}{}", &id[..at], &id[at + 1..])
        }).collect();
        changed.extend(["x".to_owned(), "0".repeat(id.len()), format!("{id}A"), id[..id.len() - 1].to_owned(), "~".repeat(3000)]);
        for bad in changed {
            let client = Client { session: Some(bad.clone()), ..good.clone() };
            for method in ["tools/list", "ping"] {
                client.request(method, &json!({})).await.assert_error(404, -32600, &json!(1));
            }
            client.call("kept_echo", json!({})).await.assert_error(404, -32600, &json!(1));
            assert_eq!(client.delete().await.status, 404, "{bad}");
        }
        good.call("kept_echo", json!({})).await.result();
    }

    async fn a_deleted_session_is_gone(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let other = shared.connected(protocol).await;
        client.call("kept_echo", json!({})).await.result();
        let upstream = shared.kept.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        let deleted = client.delete().await;
        assert!(matches!(deleted.status, 200 | 202 | 204), "{}", deleted.shown());
        for method in ["tools/list", "ping"] {
            client.request(method, &json!({})).await.assert_error(404, -32600, &json!(1));
        }
        client.call("kept_echo", json!({})).await.assert_error(404, -32600, &json!(1));
        let note = client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        assert_eq!(note.status, 404);
        assert_eq!(client.delete().await.status, 404);
        other.call("kept_echo", json!({})).await.result();
        harness::wait::until("the upstream session is ended, too", std::time::Duration::from_secs(10), || async {
            (!shared.kept.sessions().contains(&upstream)).then_some(())
        }).await;
    }

    async fn two_clients_never_share_an_upstream_session(role, protocol) {
        let shared = scripted(role).await;
        let mut sessions = HashSet::new();
        let clients = futures::future::join_all((0..8).map(|_| shared.connected(protocol))).await;
        for client in &clients {
            for _ in 0..2 {
                client.call("kept_echo", json!({})).await.result();
            }
            let received = shared.kept.received_from(client.mark());
            let own: HashSet<_> = received.iter().map(|request| request.header("mcp-session-id").unwrap().to_owned()).collect();
            assert_eq!(own.len(), 1, "one client, one upstream session: {own:?}");
            assert!(own.is_disjoint(&sessions), "{own:?} belongs to another client");
            sessions.extend(own);
        }
    }

    async fn callers_without_a_session_get_one_each_and_leave_none_behind(role, protocol) {
        let shared = scripted(role).await;
        let mut sessions = HashSet::new();
        for _ in 0..5 {
            let client = shared.client(protocol);
            client.call("kept_echo", json!({})).await.result();
            let call = shared.kept.call_from(client.mark());
            assert!(sessions.insert(call.header("mcp-session-id").unwrap().to_owned()), "shared by two callers");
        }
        harness::wait::until("sessions of callers without one are ended", std::time::Duration::from_secs(10), || async {
            shared.kept.sessions().is_disjoint(&sessions).then_some(())
        }).await;
    }

    async fn another_credential_has_another_upstream_session(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let right = client.clone().header("x-guarded-token", GUARDED_TOKEN);
        right.call("guarded_echo", json!({})).await.result();
        let own = shared.guarded.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        let wrong = client.clone().header("x-guarded-token", "other");
        let reply = wrong.call("guarded_echo", json!({})).await;
        reply.assert_error(200, -32603, &json!(1));
        for request in shared.guarded.received() {
            let sent = request.header("authorization");
            assert!(sent == Some(&format!("Bearer {GUARDED_TOKEN}")) || request.header("mcp-session-id") != Some(&own), "{request:?}");
        }
    }

    async fn the_version_header_is_checked(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for (version, status) in [(None, 200), (Some("2025-06-18"), 200), (Some("1999-01-01"), 400), (Some("\u{e9}"), 400), (Some(""), 400)] {
            let client = Client { version: version.map(str::to_owned), ..client.clone() };
            let reply = client.request("tools/list", &json!({})).await;
            assert_eq!(reply.status, status, "{version:?}: {}", reply.shown());
            if status == 400 {
                reply.assert_error(400, -32600, &json!(1));
            }
        }
    }

    async fn a_second_initialize_opens_another_session(role, protocol) {
        let shared = scripted(role).await;
        let first = shared.connected(protocol).await;
        let mut second = shared.client(protocol);
        second.initialize("2025-11-25", json!({})).await.result();
        assert_ne!(first.session, second.session);
        first.request("ping", &json!({})).await.result();
    }
}

in_both_roles! {
    async fn upstream_sessions_are_opened_when_they_are_needed(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        let at_discovery = initializes(&server);
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.list("tools/list", "tools").await;
        client.request("ping", &json!({})).await.result();
        assert_eq!(initializes(&server), at_discovery, "lists and pings need no upstream session");
        for _ in 0..3 {
            client.call("kept_echo", json!({})).await.result();
        }
        assert_eq!(initializes(&server), at_discovery + 1, "the first call opens it, the others use it");
        assert!(server.received_from(client.mark()).iter().all(|request| request.header("mcp-session-id") != client.session.as_deref()));
    }

    async fn first_calls_at_once_agree_on_few_upstream_sessions(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        let client = Client::connected(gateway.address(), Protocol::Http2).await;
        futures::future::join_all((0..10).map(|_| client.call("kept_echo", json!({})))).await;
        let settled = initializes(&server);
        for _ in 0..5 {
            client.call("kept_echo", json!({})).await.result();
        }
        assert_eq!(initializes(&server), settled, "one of them is kept");
    }

    async fn the_upstream_handshake_tells_what_the_client_told(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        let capabilities = json!({"elicitation": {}, "sampling": {}, "roots": {"listChanged": true}});
        let client = Client::with_capabilities(gateway.address(), Protocol::Http1, capabilities.clone()).await;
        client.call("kept_echo", json!({})).await.result();
        let session = server.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        let received = server.received();
        let opened = received.iter().rfind(|request| request.rpc_method() == "initialize").unwrap();
        let told: Value = serde_json::from_str(opened.text()).unwrap();
        for name in ["elicitation", "sampling", "roots"] {
            assert!(told["params"]["capabilities"][name].is_object(), "{name} in {told}");
        }
        let done = received.iter().find(|request| {
            request.rpc_method() == "notifications/initialized" && request.header("mcp-session-id") == Some(&session)
        });
        assert_eq!(done.expect("notifications/initialized").header("mcp-protocol-version"), Some("2025-11-25"));
    }

    async fn an_expired_upstream_session_is_repaired_unseen(role) {
        // 400 is what servers made from the TypeScript SDK's example say after a restart.
        for status in [404, 400] {
            let (gateway, server) = gateway_with_sessions(role, status).await;
            for protocol in harness::caller::PROTOCOLS {
                let client = Client::connected(gateway.address(), protocol).await;
                let body = r#"{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{"arguments":{"n":1E400},"name":"kept_echo"}}"#;
                assert_eq!(client.send(body).await.status, 200);
                server.forget_sessions();
                let reply = client.send(body).await;
                assert_eq!(reply.status, 200, "after a {status}: {}", reply.shown());
                assert!(reply.text().contains(r#""id":"r","result""#), "after a {status}: {}", reply.shown());
                let calls = server.received_from(client.mark());
                let last = calls.iter().rfind(|request| request.rpc_method() == "tools/call").unwrap();
                assert_eq!(last.text(), body.replace("kept_", ""));
                let opened = initializes(&server);
                client.send(body).await;
                assert_eq!(initializes(&server), opened, "the new session is kept");
            }
        }
    }

    async fn an_expired_session_before_a_large_call_is_told_to_the_client_and_opened_anew(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("kept_echo", json!({})).await.result();
        server.forget_sessions();
        let large = json!({"s": "x".repeat(300_000)});
        let reply = client.call("kept_echo", large.clone()).await;
        assert_eq!(reply.status, 404, "{}", reply.shown());
        assert_eq!(reply.message()["id"], 1);
        let again = Client::connected(gateway.address(), Protocol::Http1).await;
        again.call("kept_echo", large).await.result();
    }

    async fn a_server_that_loses_every_session_is_not_asked_for_ever(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let reply = client.call("kept_lose_session", json!({})).await;
        assert!(reply.status == 200 || reply.status == 404, "{}", reply.shown());
        assert!(reply.message()["error"]["code"].is_i64() && reply.message()["id"] == 1, "{}", reply.shown());
        let calls = server.received_from(client.mark()).into_iter().filter(|request| request.rpc_method() == "tools/call");
        assert!(calls.count() <= 2);
    }

    async fn a_server_that_comes_back_from_a_restart_is_served(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let port = server.port();
        let manifests = Manifests::gateway().server(&Server::new("kept", port.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("kept_echo", json!({})).await.result();
        server.end().await;
        client.call("kept_echo", json!({})).await.assert_error(200, -32603, &json!(1));
        let _server = Upstream::start_at(port, Script::standard().with_sessions()).await;
        client.call("kept_echo", json!({})).await.result();
    }

    async fn three_thousand_sessions_need_no_memory(role) {
        let (gateway, server) = gateway_with_sessions(role, 404).await;
        open_sessions(&gateway, 500).await;
        let before = gateway.envoy_bytes();
        open_sessions(&gateway, 3000).await;
        let grown = gateway.envoy_bytes().saturating_sub(before);
        assert!(grown < 24 * 1024 * 1024, "3,000 sessions took {grown} bytes");
        assert!(server.sessions().len() >= 3000);
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("kept_echo", json!({})).await.result();
    }

    async fn a_session_is_known_to_the_next_gateway_with_the_same_work_folder(role) {
        let server = Upstream::start(Script::with_tools(vec![Tool::new("echo", harness::script::Answer::Echo)])).await;
        let manifests = Manifests::gateway().server(&Server::new("plain", server.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let next = gateway.restart().await;
        let later = client.moved_to(next.address());
        later.request("ping", &json!({})).await.result();
        later.call("plain_echo", json!({})).await.result();
    }

    async fn get_is_answered_405_with_the_allowed_methods(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        for method in ["GET", "PUT", "PATCH", "OPTIONS", "HEAD"] {
            let request = client.stamped(Request::bare(method).header("accept", "text/event-stream"));
            let reply = request.send(client.address, Protocol::Http1).await;
            assert_eq!(reply.status, 405, "{method}: {}", reply.shown());
            assert!(reply.header("allow").is_some_and(|allow| allow.contains("POST")), "{method}: {}", reply.shown());
        }
    }
}

async fn gateway_with_sessions(role: Role, lost_session_status: u16) -> (Gateway, Upstream) {
    let server = Upstream::start(Script {
        lost_session_status,
        ..Script::standard().with_sessions()
    })
    .await;
    let manifests = Manifests::gateway().server(&Server::new("kept", server.address()));
    (Gateway::start(role, &manifests).await, server)
}

fn initializes(server: &Upstream) -> usize {
    server
        .received()
        .iter()
        .filter(|request| request.rpc_method() == "initialize")
        .count()
}

/// Opens sessions, each with one call, a few at a time.
async fn open_sessions(gateway: &Gateway, count: usize) {
    use futures::stream::{self, StreamExt};
    stream::iter(0..count)
        .for_each_concurrent(8, |_| async {
            let client = Client::connected(gateway.address(), Protocol::Http1).await;
            client.call("kept_echo", json!({})).await.result();
        })
        .await;
}

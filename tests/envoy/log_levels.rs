//! `logging/setLevel`: answered by the gateway, for every server of a client's session that sends log messages.

use std::time::Duration;

use harness::caller::Protocol;
use harness::everything::Everything;
use harness::gateway::Gateway;
use harness::manifests::{Manifests, Server};
use harness::sessions::Client;
use harness::upstream::{Received, Upstream};
use harness::wait::until;
use serde_json::{Value, json};

use crate::shared::scripted;

everywhere! {
    async fn a_session_at_a_server_gets_the_level_that_was_set_before_it_was_opened(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for level in ["debug", "critical"] {
            let reply = client.request("logging/setLevel", &json!({"level": level})).await;
            assert_eq!(reply.result(), json!({}), "{}", reply.shown());
        }
        client.call("kept_echo", json!({})).await.result();
        let session = session_of(&shared.kept, &client);
        let received = of_session(&shared.kept, &session);
        let methods: Vec<_> = received.iter().map(Received::rpc_method).collect();
        assert_eq!(methods, ["notifications/initialized", "logging/setLevel", "tools/call"]);
        assert_eq!(levels(&shared.kept, &session), ["critical"]);
        client.call("kept_echo", json!({})).await.result();
        assert_eq!(levels(&shared.kept, &session), ["critical"], "told once");
    }

    async fn open_sessions_at_servers_are_told_and_those_of_others_are_not(role, protocol) {
        let shared = scripted(role).await;
        let (client, other) = (shared.connected(protocol).await, shared.connected(protocol).await);
        for client in [&client, &other] {
            client.call("kept_echo", json!({})).await.result();
        }
        let (own, others) = (session_of(&shared.kept, &client), session_of(&shared.kept, &other));
        let reply = client.request("logging/setLevel", &json!({"level": "warning"})).await;
        assert_eq!(reply.result(), json!({}), "{}", reply.shown());
        until("the server is told", Duration::from_secs(10), || async {
            (levels(&shared.kept, &own) == ["warning"]).then_some(())
        }).await;
        assert!(levels(&shared.kept, &others).is_empty());
    }

    async fn a_level_is_checked_and_answered_without_a_session_too(role, protocol) {
        let shared = scripted(role).await;
        for client in [shared.connected(protocol).await, shared.client(protocol)] {
            let reply = client.request("logging/setLevel", &json!({"level": "info"})).await;
            assert_eq!(reply.result(), json!({}), "{}", reply.shown());
            for params in [json!({"level": "loud"}), json!({"level": 3}), json!({})] {
                client.request("logging/setLevel", &params).await.assert_error(200, -32602, &json!(1));
            }
        }
    }
}

in_both_roles! {
    async fn a_real_server_takes_the_level_and_its_capability_is_told(role) {
        let everything = Everything::start().await;
        let manifests = Manifests::gateway().server(&Server::new("everything", everything.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let mut client = Client::new(gateway.address(), Protocol::Http1);
        let reply = client.initialize("2025-11-25", json!({})).await;
        assert_eq!(reply.result()["capabilities"]["logging"], json!({}));
        client.request("logging/setLevel", &json!({"level": "emergency"})).await.result();
        client.call("everything_echo", json!({"message": "hi"})).await.result();
    }
}

/// The session at the server in which the client's only call was made.
fn session_of(server: &Upstream, client: &Client) -> String {
    let call = server.call_from(client.mark());
    call.header("mcp-session-id").unwrap().to_owned()
}

/// What the server has got in a session.
fn of_session(server: &Upstream, session: &str) -> Vec<Received> {
    let mut received = server.received();
    received.retain(|request| request.header("mcp-session-id") == Some(session));
    received
}

/// The levels that the server was told in a session.
fn levels(server: &Upstream, session: &str) -> Vec<String> {
    let mut requests = of_session(server, session);
    requests.retain(|request| request.rpc_method() == "logging/setLevel");
    let level = |request: &Received| {
        let message: Value = serde_json::from_str(request.text()).unwrap();
        message["params"]["level"].as_str().unwrap().to_owned()
    };
    requests.iter().map(level).collect()
}

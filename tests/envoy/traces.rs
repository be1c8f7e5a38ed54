//! Traces: what the gateway asks of a server for a client's request is part of that request's trace.

use std::time::Duration;

use harness::caller::PROTOCOLS;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::{Received, Upstream};
use harness::wait::until;
use serde_json::json;

in_both_roles! {
    async fn the_session_for_a_call_is_opened_and_ended_under_the_call_s_trace(role) {
        let (gateway, server) = before_sessions(role).await;
        for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
            let parent = parent(number);
            let client = Client::new(gateway.address(), protocol)
                .header("traceparent", &parent)
                .header("tracestate", "vendor=value");
            client.call("kept_echo", json!({})).await.result();
            let traced = until("the session is ended", Duration::from_secs(5), || async {
                let traced = traced(&server, &parent);
                traced.iter().any(|request| request.method == "DELETE").then_some(traced)
            }).await;
            let told: Vec<_> = traced.iter().map(Received::rpc_method).collect();
            assert_eq!(told, ["initialize", "notifications/initialized", "tools/call", ""]);
            let request_id = traced[2].header("x-request-id").unwrap();
            for request in &traced {
                assert_eq!(request.header("tracestate"), Some("vendor=value"));
                assert_eq!(request.header("x-request-id"), Some(request_id));
            }
        }
    }

    async fn a_call_is_repeated_under_its_trace(role) {
        let (gateway, server) = before_sessions(role).await;
        for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
            let parent = parent(number);
            let client = Client::connected(gateway.address(), protocol).await;
            client.call("kept_echo", json!({})).await.result();
            server.forget_sessions();
            client.header("traceparent", &parent).call("kept_echo", json!({})).await.result();
            let told: Vec<_> = traced(&server, &parent).iter().map(Received::rpc_method).collect();
            assert_eq!(told, ["tools/call", "initialize", "notifications/initialized", "tools/call"]);
        }
    }
}

async fn before_sessions(role: Role) -> (Gateway, Upstream) {
    let server = Upstream::start(Script::standard().with_sessions()).await;
    let manifests = Manifests::gateway().server(&Server::new("kept", server.address()));
    (Gateway::start(role, &manifests).await, server)
}

fn parent(number: usize) -> String {
    format!("00-{:032x}-00f067aa0ba902b7-01", number + 1)
}

/// What a server has got under a trace, in order.
fn traced(server: &Upstream, parent: &str) -> Vec<Received> {
    let mut received = server.received();
    received.retain(|request| request.header("traceparent") == Some(parent));
    received
}

//! Servers that answer a call with something else than MCP: the client gets a JSON-RPC error with its id, or, once an
//! answer has begun to pass, a visibly cut one.

use harness::gateway::Gateway;
use harness::manifests::{Manifests, Server};
use harness::message::Reply;
use harness::raw_upstream::WILD_TOOLS;
use harness::script::{Answer, Eras, Script, Tool};
use harness::sessions::Client;
use harness::stateless::ask;
use harness::upstream::Upstream;
use serde_json::json;

use crate::shared::scripted;

/// What a server says that is not for clients.
const SECRETS: [&str; 4] = [
    "maintenance",
    "stack trace",
    "internal.example",
    "slow down",
];

everywhere! {
    async fn what_is_not_mcp_becomes_an_error_with_the_id(role, protocol) {
        let shared = scripted(role).await;
        for prefix in ["plain", "kept"] {
            for tool in [
                "html", "html_500", "plain_type", "not_json", "empty_json", "redirect", "accepted", "no_content",
                "unauthorized", "forbidden", "too_many", "unsound_json", "unsound_stream", "foreign_large",
            ] {
                let reply = shared.connected(protocol).await.call(&format!("{prefix}_{tool}"), json!({})).await;
                reply.assert_error(200, -32603, &json!(1));
                let stream = tool.ends_with("stream");
                let kind = if stream { "text/event-stream" } else { "application/json" };
                assert_eq!(reply.header("content-type"), Some(kind));
                assert_eq!(reply.header("location"), None);
                assert!(reply.complete, "{}", reply.shown());
                assert_no_secret(&reply);
                let message = reply.message()["error"]["message"].as_str().unwrap().to_owned();
                assert!(message.contains(&format!("mcp-test/{prefix}")), "the server is named: {message}");
            }
            shared.connected(protocol).await.call(&format!("{prefix}_echo"), json!({})).await.result();
        }
    }

    async fn an_error_message_with_an_error_status_is_an_answer(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_json_error_500", "kept_json_error_500", "plain_no_type"] {
            let reply = shared.connected(protocol).await.call(tool, json!({})).await;
            assert_eq!(reply.status, 200, "{tool}: {}", reply.shown());
            assert!(reply.complete && reply.message()["id"] == 1, "{tool}: {}", reply.shown());
        }
    }

    async fn a_400_in_a_session_that_lives_is_an_answer_and_the_call_is_made_once(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let reply = client.call("kept_json_error_400", json!({})).await;
        assert!(reply.status == 200 && reply.message()["error"].is_object(), "{}", reply.shown());
        let session = shared.kept.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        assert!(shared.kept.sessions().contains(&session));
        client.call("kept_echo", json!({})).await.result();
        let calls = shared.kept.received_from(client.mark());
        let used = calls.iter().rfind(|request| request.rpc_method() == "tools/call").unwrap();
        assert_eq!(used.header("mcp-session-id"), Some(session.as_str()), "the session goes on");
    }

    async fn an_answer_that_is_cut_is_an_error_or_visibly_cut(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["cut_json", "cut_stream"] {
            for prefix in ["plain", "kept"] {
                let reply = shared.connected(protocol).await.call(&format!("{prefix}_{tool}"), json!({})).await;
                assert_error_or_cut(tool, &reply);
            }
        }
    }

    async fn a_large_answer_to_another_request_is_cut_before_its_end(role, protocol) {
        let shared = scripted(role).await;
        for prefix in ["plain", "kept"] {
            let reply = shared.connected(protocol).await.call(&format!("{prefix}_foreign_late"), json!({})).await;
            assert!(!reply.complete && reply.status == 200, "{}", reply.shown());
            assert!(!reply.text().ends_with('}'), "{}", reply.shown());
        }
    }

    async fn a_stream_that_ends_without_the_answer_is_not_taken_for_one(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_empty_stream", "plain_stream_without_answer", "kept_empty_stream", "kept_stream_without_answer"] {
            let reply = shared.connected(protocol).await.call(tool, json!({})).await;
            assert_error_or_cut(tool, &reply);
        }
    }

    async fn a_server_that_breaks_http_costs_its_own_calls_only(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for (tool, wild) in WILD_TOOLS {
            let reply = client.call(&format!("raw_{tool}"), json!({})).await;
            assert_error_or_cut(&format!("{wild:?}"), &reply);
            assert!(reply.status == 200, "{wild:?}: {}", reply.shown());
            client.call("raw_echo", json!({})).await.result();
        }
    }

    async fn a_client_without_sessions_gets_a_status_that_fits_what_a_server_says_with_its_own(role, protocol) {
        let told = |status, body: &str| Answer::Response {
            status,
            headers: vec![("content-type", b"application/json".to_vec())],
            body: body.to_owned(),
        };
        let error = r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-32601,"message":"no"}}"#;
        let result = r#"{"jsonrpc":"2.0","id":$ID,"result":{}}"#;
        let page = r#"{"message":"internal.example"}"#;
        // Too large to be held until it is known to be an error.
        let large = error.replace("no", &"n".repeat(100_000));
        let tools = [
            ("page_404", told(404, page), 502), ("page_400", told(400, page), 502), ("page_500", told(500, page), 502),
            ("result_404", told(404, result), 502), ("error_404", told(404, error), 404),
            ("error_500", told(500, error), 200), ("large_404", told(404, &large), 502),
        ];
        let script = Script {
            eras: Eras::Stateless,
            ..Script::with_tools(tools.iter().map(|(name, answer, _)| Tool::new(name, answer.clone())).collect())
        };
        let upstream = Upstream::start(script).await;
        let manifests = Manifests::gateway().server(&Server::new("odd", upstream.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::new(gateway.address(), protocol);
        for (name, _, status) in tools {
            let reply = ask(&client, "tools/call", &json!({"name": format!("odd_{name}")})).await;
            assert!(reply.complete, "{name}: {}", reply.shown());
            assert_eq!((reply.status, &reply.message()["id"]), (status, &json!(7)), "{name}: {}", reply.shown());
            assert_eq!(reply.message()["error"]["code"], if status == 502 { -32603 } else { -32601 }, "{name}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_no_secret(&reply);
        }
    }
}

fn assert_no_secret(reply: &Reply) {
    for secret in SECRETS {
        assert!(
            !reply.text().contains(secret),
            "{secret} leaks: {}",
            reply.shown()
        );
    }
}

/// Asserts that nobody can take the reply for a good answer, and that a complete one echoes the id.
fn assert_error_or_cut(what: &str, reply: &Reply) {
    if !reply.complete {
        return;
    }
    let message = reply.message();
    assert!(
        message["error"]["code"].is_i64(),
        "{what}: {}",
        reply.shown()
    );
    assert_eq!(message["id"], 1, "{what}: {}", reply.shown());
}

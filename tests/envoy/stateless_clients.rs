//! Clients of the stateless revision 2026-07-28, before servers of sessions.

use std::time::Duration;

use harness::caller::Protocol;
use harness::sessions::Client;
use harness::stateless::{self, ask};
use harness::wait::until;
use serde_json::{Value, json};

use crate::shared::{joined, scripted};

/// What a side call takes on a busy machine.
const SOON: Duration = Duration::from_secs(30);

everywhere! {
    async fn discover_stands_for_the_handshake(role, protocol) {
        let shared = scripted(role).await;
        let reply = ask(&shared.client(protocol), "server/discover", &json!({})).await;
        let result = reply.result();
        assert_eq!(
            result["supportedVersions"],
            json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"])
        );
        assert_eq!(result["resultType"], "complete");
        for offered in ["tools", "prompts", "resources"] {
            assert_eq!(result["capabilities"][offered], json!({}), "{result}");
        }
        assert!(result["ttlMs"].is_u64(), "{result}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcp-proxy-wasm");
        assert_eq!(reply.header("mcp-session-id"), None);
    }

    async fn all_that_clients_of_sessions_see_is_listed(role, protocol) {
        let shared = scripted(role).await;
        let with_session = shared.connected(protocol).await;
        for (method, member) in [
            ("tools/list", "tools"),
            ("prompts/list", "prompts"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
        ] {
            let reply = ask(&shared.client(protocol), method, &json!({})).await;
            let result = reply.result();
            assert_eq!(result["resultType"], "complete");
            assert_eq!(result["cacheScope"], "public");
            let listed: Vec<Value> = with_session.list(method, member).await
                .iter()
                .map(|definition| serde_json::from_str(definition).unwrap())
                .collect();
            assert!(!listed.is_empty());
            assert_eq!(result[member], Value::from(listed), "{method}");
        }
    }

    async fn a_call_reaches_a_server_without_sessions(role, protocol) {
        let shared = scripted(role).await;
        for (tool, params) in [("plain_echo", json!({"n": 1})), ("plain_echo_stream", json!({}))] {
            let client = shared.client(protocol);
            let reply = ask(&client, "tools/call", &json!({"name": tool, "arguments": params})).await;
            assert_eq!(reply.status, 200, "{}", reply.shown());
            assert_eq!(reply.message()["id"], 7);
            assert_eq!(reply.result()["resultType"], "complete", "{}", reply.shown());
            let got = shared.plain.call_from(client.mark());
            for header in ["mcp-method", "mcp-name"] {
                assert_eq!(got.header(header), None, "{header}");
            }
            // A server of both eras would go by it.
            assert!(!got.text().contains("io.modelcontextprotocol/protocolVersion"), "{}", got.text());
        }
    }

    async fn a_call_to_a_server_with_sessions_has_one_of_its_own_that_ends_with_it(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        let reply = ask(&client, "tools/call", &json!({"name": "kept_echo"})).await;
        assert_eq!(reply.result()["resultType"], "complete", "{}", reply.shown());
        let session = shared.kept.call_from(client.mark()).header("mcp-session-id").unwrap().to_owned();
        until("its session ends", SOON, || {
            let ended = !shared.kept.sessions().contains(&session);
            async move { ended.then_some(()) }
        }).await;
    }

    async fn what_was_read_is_its_readers(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        let result = ask(&client, "resources/read", &json!({"uri": "kept://one"})).await.result();
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["ttlMs"], 0);
        assert_eq!(result["cacheScope"], "private");
    }

    async fn a_header_that_differs_from_the_body_is_refused(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        let call = json!({"name": "plain_echo"});
        let good = || stateless::request(&client, "tools/call", &call);
        for bad in [
            good().without("mcp-protocol-version"),
            good().without("mcp-method"),
            good().without("mcp-name"),
            good().without("mcp-method").header("mcp-method", "TOOLS/CALL"),
            good().without("mcp-name").header("mcp-name", "kept_echo"),
            good().without("mcp-name").header("mcp-name", "=?base64?cGxhaW5f?="),
        ] {
            let reply = bad.send(client.address, protocol).await;
            reply.assert_error(400, -32020, &json!(7));
        }
        assert!(shared.plain.received_from(client.mark()).is_empty());
    }

    async fn a_revision_that_is_not_served_is_told_from_one_that_is_said_twice(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        let body = stateless::body("tools/list", &json!({})).to_string().replace("2026-07-28", "v999.0.0");
        let request = |version| client.post(body.clone())
            .header("mcp-protocol-version", version)
            .header("mcp-method", "tools/list");
        let reply = request("v999.0.0").send(client.address, protocol).await;
        reply.assert_error(400, -32022, &json!(7));
        let data = &reply.message()["error"]["data"];
        assert_eq!(data["requested"], "v999.0.0");
        assert_eq!(data["supported"][0], "2026-07-28");
        let reply = request("2026-07-28").send(client.address, protocol).await;
        reply.assert_error(400, -32020, &json!(7));
    }

    async fn what_stands_for_the_handshake_must_be_there(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        for meta in [json!({}), json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"})] {
            let params = json!({"_meta": meta});
            ask(&client, "tools/list", &params).await.assert_error(400, -32602, &json!(7));
        }
    }

    async fn what_sessions_need_is_not_found(role, protocol) {
        let shared = scripted(role).await;
        for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/method"] {
            let reply = ask(&shared.client(protocol), method, &json!({})).await;
            reply.assert_error(404, -32601, &json!(7));
        }
    }

    async fn a_server_that_does_not_speak_mcp_is_a_bad_gateway(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        for (tool, status) in [("plain_html_500", 502), ("plain_redirect", 502), ("hasty_hang", 504)] {
            let reply = ask(&client, "tools/call", &json!({"name": tool})).await;
            reply.assert_error(status, -32603, &json!(7));
        }
    }

    async fn a_client_that_leaves_has_cancelled(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.client(protocol);
        // The gateway's own words carry no mark.
        let body = stateless::body("tools/call", &json!({
            "name": "kept_hang_stream",
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": stateless::REVISION,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/logLevel": "debug",
            },
        }));
        let request = client
            .post(body.to_string().replace(r#""id":7"#, &format!(r#""id":"{}""#, client.mark())))
            .header("mcp-protocol-version", stateless::REVISION)
            .header("mcp-method", "tools/call")
            .header("mcp-name", "kept_hang_stream");
        let mut open = request.open(client.address, protocol).await;
        open.event().await.expect("the server's notification");
        drop(open);
        let told = || {
            let received = shared.kept.received();
            let is_told = received.iter().any(|one| {
                one.rpc_method() == "notifications/cancelled" && one.text().contains(client.mark())
            });
            async move { is_told.then_some(()) }
        };
        until("the server is told", SOON, told).await;
    }
}

in_both_roles! {
    async fn servers_that_nobody_here_wrote_are_listed_and_called(role) {
        let shared = joined(role).await;
        let client = Client::new(shared.gateway.address(), Protocol::Http1)
            .header("x-github-pat", harness::github::token('m'));
        let listed = ask(&client, "tools/list", &json!({})).await.result();
        assert!(listed["tools"].as_array().unwrap().len() > 40, "{listed}");
        let params = json!({"name": "github_get_me", "arguments": {}});
        let me = ask(&client, "tools/call", &params).await.result();
        assert_eq!(me["resultType"], "complete");
        assert!(me.to_string().contains(&harness::github::login(&harness::github::token('m'))), "{me}");
        let params = json!({"name": "everything_echo", "arguments": {"message": "hi"}});
        let echo = ask(&client, "tools/call", &params).await.result();
        assert_eq!(echo["content"][0]["text"], "Echo: hi");
        assert_eq!(echo["resultType"], "complete");
    }
}

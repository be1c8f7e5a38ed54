//! Headers: what reaches a server, what reaches a client, and who may ask for what.

use harness::caller::{Protocol, Request};
use harness::gateway::Gateway;
use harness::github::{login, token};
use harness::manifests::{Manifests, Server, policy_denial};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wire::Wire;
use http::Version;
use serde_json::{Value, json};

use crate::shared::{GUARDED_TOKEN, joined, scripted};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#;

everywhere! {
    async fn a_policy_swaps_the_clients_header_for_the_credential(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await
            .header("x-guarded-token", GUARDED_TOKEN)
            .header("authorization", "Bearer of-the-gateway");
        client.call("guarded_echo", json!({})).await.result();
        let call = shared.guarded.call_from(client.mark());
        let sent: Vec<_> = call.headers.get_all("authorization").iter().collect();
        assert_eq!(sent, [&format!("Bearer {GUARDED_TOKEN}")]);
    }

    async fn a_policy_denies_in_its_own_words(role, protocol) {
        let shared = scripted(role).await;
        for client in [shared.connected(protocol).await, shared.connected(protocol).await.header("x-guarded-token", "")] {
            let reply = client.call("guarded_echo", json!({})).await;
            assert_eq!(reply.status, 400, "{}", reply.shown());
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(reply.text(), policy_denial("x-guarded-token"));
            assert!(shared.guarded.received_from(client.mark()).is_empty());
        }
    }

    async fn two_tokens_are_two_logins_at_github(role, protocol) {
        let shared = joined(role).await;
        for letter in ['a', 'b'] {
            let client = shared.connected(protocol).await.header("x-github-pat", token(letter));
            let reply = client.call("github_get_me", json!({})).await;
            let text = reply.result()["content"][0]["text"].clone();
            let me: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            assert_eq!(me["login"], login(&token(letter)));
        }
        let without = shared.connected(protocol).await.call("github_get_me", json!({})).await;
        assert_eq!((without.status, without.text()), (400, policy_denial("x-github-pat").as_str()));
        assert!(!shared.github.authorizations().iter().any(|sent| sent.contains("x-github-pat")));
    }

    async fn what_belongs_to_the_gateway_is_not_sent_to_a_server(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await
            .header("authorization", "Bearer of-the-gateway")
            .header("cookie", "gateway=secret")
            .header("x-guarded-token", "of-another-server")
            .header("accept-encoding", "gzip, br")
            .header("x-mcp-method", "forged")
            .header("x-mcp-servername", "forged")
            .header("x-mcp-toolname", "forged")
            .header("x-mcp-promptname", "forged")
            .header("x-mcp-resourceuri", "forged")
            .header("x-mcp-annotation-hints", "forged")
            .header("x-mcp-authorized", "forged")
            .header("x-mcp-upstream-authorization", "forged")
            .header("x-mcp-invented", "forged")
            .header("range", "bytes=0-1")
            .header("if-none-match", "*")
            .header("forwarded", "host=forged")
            .header("x-forwarded-host", "forged")
            .header("x-http-method-override", "GET")
            .header("authorization_", "Bearer of-the-gateway")
            .header("x-client-own", "kept");
        for tool in ["plain_echo", "kept_echo"] {
            client.call(tool, json!({})).await.result();
        }
        for (server, name) in [(&shared.plain, "plain"), (&shared.kept, "kept")] {
            let call = server.call_from(client.mark());
            for header in ["authorization", "cookie", "x-guarded-token", "x-mcp-invented", "x-mcp-authorized", "x-mcp-upstream-authorization", "x-mcp-promptname", "x-mcp-resourceuri", "range", "if-none-match", "forwarded", "x-forwarded-host", "x-http-method-override", "authorization_"] {
                assert_eq!(call.header(header), None, "{header} reaches {name}");
            }
            assert!(!call.headers.values().any(|value| value == "forged"), "{:?}", call.headers);
            assert_eq!(call.header("x-mcp-method"), Some("tools/call"));
            assert_eq!(call.header("x-mcp-servername"), Some(format!("mcp-test/{name}").as_str()));
            assert_eq!(call.header("x-mcp-toolname"), Some("echo"));
            assert_eq!(call.header("accept-encoding"), Some("identity"));
            assert_eq!(call.header("x-client-own"), Some("kept"));
            assert_eq!(call.header("host"), Some(format!("{name}.example.com").as_str()));
            assert_ne!(call.header("mcp-session-id"), client.session.as_deref());
        }
    }

    async fn no_server_is_told_of_this_machine_or_of_envoy(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        client.call("kept_echo", json!({})).await.result();
        let call = shared.kept.call_from(client.mark());
        let received = shared.kept.received();
        let opened = received.iter().filter(|request| request.rpc_method() == "initialize");
        let requests: Vec<_> = opened.chain([&call]).collect();
        assert!(requests.len() > 1, "the session was opened by the gateway");
        for request in requests {
            let names = request.headers.keys().map(http::HeaderName::as_str);
            let odd: Vec<_> = names.filter(|name| name.starts_with("x-envoy-") || name.starts_with("x-forwarded-")).collect();
            assert!(odd.is_empty(), "{} carries {odd:?}", request.rpc_method());
        }
    }

    async fn what_a_tool_says_of_itself_goes_with_its_calls(role, protocol) {
        let shared = scripted(role).await;
        for (tool, hints) in [
            ("numbers", Some("readOnly=true,destructive=unspecified,idempotent=unspecified,openWorld=false")),
            ("echo", None),
        ] {
            let client = shared.connected(protocol).await.header("x-mcp-annotation-hints", "forged");
            client.call(&format!("plain_{tool}"), json!({})).await;
            assert_eq!(shared.plain.call_from(client.mark()).header("x-mcp-annotation-hints"), hints);
        }
    }

    async fn a_server_is_asked_for_json_and_event_streams_whatever_the_client_says(role, protocol) {
        let shared = scripted(role).await;
        for accept in [None, Some("*/*"), Some("application/json"), Some("text/event-stream"), Some("text/html")] {
            let client = shared.connected(protocol).await;
            let mut request = client.post(CALL).without("accept");
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let reply = request.send(client.address, protocol).await;
            assert_eq!(reply.status, 200, "{accept:?}: {}", reply.shown());
            let call = shared.plain.call_from(client.mark());
            let sent = call.header("accept").unwrap();
            assert!(sent.contains("application/json") && sent.contains("text/event-stream"), "{sent}");
        }
    }

    async fn what_belongs_to_a_server_is_not_sent_to_the_client(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_odd_headers", "kept_odd_headers"] {
            let reply = shared.connected(protocol).await.call(tool, json!({})).await;
            reply.result();
            for header in ["set-cookie", "mcp-session-id", "www-authenticate", "access-control-allow-origin", "location", "clear-site-data", "refresh", "x_mcp_method"] {
                assert_eq!(reply.header(header), None, "{header}");
            }
            assert_eq!(reply.header("x-upstream-plain"), Some("kept"));
            let odd = reply.headers.iter().find(|(name, _)| name == "x-upstream-odd").expect("an odd header");
            assert_eq!(odd.1, b"caf\xe9 \xff");
            assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("x-mcp-")), "{}", reply.shown());
        }
    }

    async fn a_servers_401_and_403_do_not_become_the_clients(role, protocol) {
        let shared = scripted(role).await;
        let wrong = shared.connected(protocol).await.header("x-guarded-token", "wrong");
        let reply = wrong.call("guarded_echo", json!({})).await;
        reply.assert_error(200, -32603, &json!(1));
        let message = reply.message()["error"]["message"].as_str().unwrap().to_owned();
        for word in ["mcp-test/guarded", "401", "x-guarded-token"] {
            assert!(message.contains(word), "{word} in {message}");
        }
        for (tool, status) in [("plain_unauthorized", "401"), ("plain_forbidden", "403"), ("kept_unauthorized", "401")] {
            let reply = shared.connected(protocol).await.call(tool, json!({})).await;
            reply.assert_error(200, -32603, &json!(1));
            assert!(reply.text().contains(status) && reply.text().contains("mcp-test/"), "{}", reply.shown());
            assert_eq!(reply.header("www-authenticate"), None);
        }
    }

    async fn hosts_of_servers_are_closed_in_any_spelling(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for host in [
            "plain.mcp.local", "PLAIN.mcp.LOCAL", "plain.mcp.local:80", "plain.mcp.local:8080", "plain.mcp.local.", "Plain.Mcp.Local.:8080",
            "nobody.mcp.local", "plain.example.com", "PLAIN.EXAMPLE.COM:80", "plain.example.com.",
        ] {
            for path in ["/mcp", "/mcp/", "/mcp?x=1", "/", "/other", "//mcp"] {
                let reply = client.post(CALL).host(host).path(path).send(client.address, protocol).await;
                assert!((400..500).contains(&reply.status), "{host}{path}: {}", reply.shown());
            }
            let forged = client.post(CALL).host(host)
                .header("x-mcp-upstream-authorization", "Bearer x")
                .header("x-mcp-signature", "AAAA").header("x-mcp-control", "AAAA");
            assert!((400..500).contains(&forged.send(client.address, protocol).await.status), "{host}");
        }
        assert!(shared.plain.received_from(client.mark()).is_empty(), "{:?}", shared.plain.received_from(client.mark()));
    }

    async fn public_hosts_are_served_in_any_spelling(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let port = client.address.port();
        for host in [
            "localhost".to_owned(), format!("localhost:{port}"), format!("LocalHost:{port}"), "127.0.0.1".to_owned(), format!("127.0.0.1:{port}"),
            "mcp.127-0-0-1.sslip.io:8001".to_owned(), "MCP.127-0-0-1.SSLIP.IO".to_owned(), "mcp.127-0-0-1.sslip.io.".to_owned(),
        ] {
            let reply = client.post(PING).host(&host).send(client.address, protocol).await;
            assert_eq!(reply.status, 200, "{host}: {}", reply.shown());
            let call = client.post(CALL).host(&host).path("/mcp?trace=1").send(client.address, protocol).await;
            assert_eq!(call.status, 200, "{host}: {}", call.shown());
        }
        for (host, path) in [("evil.example.com", "/mcp"), ("localhost.evil.example.com", "/mcp"), ("localhost", "/other"), ("localhost", "/mcpx")] {
            let reply = client.post(PING).host(host).path(path).send(client.address, protocol).await;
            assert!((400..500).contains(&reply.status), "{host}{path}: {}", reply.shown());
        }
    }

    async fn two_revisions_are_none(role, protocol) {
        let shared = scripted(role).await;
        let client = Client { version: None, ..shared.connected(protocol).await };
        let named = |second: &str| client.post(PING).header("mcp-protocol-version", "2025-06-18").header("mcp-protocol-version", second);
        for second in ["1999", "2025-06-18"] {
            named(second).send(client.address, protocol).await.assert_error(400, -32600, &json!(1));
        }
    }

    async fn a_page_of_another_origin_is_refused(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let port = client.address.port();
        for origin in ["http://localhost:9", "http://127.0.0.1:9", "http://localhost", "https://localhost", "http://evil.example.com", "https://localhost.evil.com", "null", "http://", "file://", "http://127.0.0.2", "\u{e9}", "http://localhost@evil.com", "evil"] {
            for body in [PING, CALL] {
                let reply = client.post(body).host(&format!("localhost:{port}")).header("origin", origin).send(client.address, protocol).await;
                assert_eq!(reply.status, 403, "{origin}: {}", reply.shown());
            }
            let open = Request::post(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#).host("localhost:1").header("origin", origin);
            assert_eq!(open.send(client.address, protocol).await.status, 403, "{origin}");
        }
        for (origin, host) in [
            (format!("http://127.0.0.1:{port}"), client.address.to_string()),
            (format!("https://localhost:{port}"), format!("LocalHost:{port}")),
            ("https://localhost".to_owned(), "localhost".to_owned()),
            ("http://mcp.127-0-0-1.sslip.io:8001".to_owned(), "mcp.127-0-0-1.sslip.io:8001".to_owned()),
        ] {
            let reply = client.post(PING).host(&host).header("origin", &origin).send(client.address, protocol).await;
            assert_eq!(reply.status, 200, "{origin}: {}", reply.shown());
        }
        assert!(shared.plain.received_from(client.mark()).is_empty());
    }
}

in_both_roles! {
    async fn no_trailer_passes_between_a_client_and_a_server_of_http2(role) {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let manifests = Manifests::gateway().server(&Server::new("two", server.address()).http2());
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http2).await;
        // The first call waits for its session; of the large ones the greater part passes when all is decided.
        for (tool, size) in [("echo", 1), ("echo_trailer", 1), ("echo_stream", 1), ("echo", 300_000), ("echo_trailer", 300_000)] {
            let params = json!({"name": format!("two_{tool}"), "arguments": {"a": "a".repeat(size)}});
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
            let request = client.post(call).in_pieces_of(16 * 1024)
                .trailer("authorization", "Bearer of-the-client").trailer("x-github-pat", "of-the-client");
            let reply = request.send(client.address, Protocol::Http2).await;
            assert_eq!(reply.result()["structuredContent"]["params"]["arguments"]["a"].as_str().map(str::len), Some(size));
            assert!(reply.complete && reply.trailers.is_empty(), "{tool}: {:?}", reply.trailers);
        }
        let received = server.received();
        assert_eq!(received.iter().filter(|request| request.rpc_method() == "tools/call").count(), 5);
        for request in received {
            assert_eq!(request.version, Version::HTTP_2);
            assert!(request.trailers.is_empty(), "{:?}", request.trailers);
            assert!(!format!("{:?}", request.headers).contains("of-the-client"), "{:?}", request.headers);
        }
    }

    async fn an_absolute_target_opens_no_closed_host(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        for (target, host) in [
            ("http://plain.mcp.local/mcp", "localhost"),
            ("http://PLAIN.MCP.LOCAL:80/mcp", "localhost"),
            ("http://plain.example.com/mcp", "localhost"),
            ("http://x@plain.mcp.local/mcp", "localhost"),
            ("/mcp", "plain.mcp.local\r\nHost: localhost"),
            ("/mcp", "localhost\r\nHost: plain.mcp.local"),
        ] {
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{CALL}",
                harness::sessions::MARK, client.mark(), CALL.len(),
            );
            let reply = Wire::exchange(shared.gateway.address(), request).await;
            assert!((400..500).contains(&reply.status), "{target} {host}: {}", reply.shown());
        }
        assert!(shared.plain.received_from(client.mark()).is_empty());
    }

    async fn bytes_above_ascii_in_headers_pass_or_are_refused_and_hurt_nobody(role) {
        let shared = scripted(role).await;
        let odd: &[u8] = b"\x80caf\xe9\xff";
        for name in ["x-odd", "authorization", "cookie", "user-agent", "accept", "content-type", "x-mcp-toolname", "x-guarded-token", "traceparent", "accept-language"] {
            for protocol in harness::caller::PROTOCOLS {
                let client = shared.connected(protocol).await;
                let reply = client.post(CALL).without(name).header(name, odd).send(client.address, protocol).await;
                assert_eq!(reply.status, 200, "{name}: {}", reply.shown());
                let call = shared.plain.call_from(client.mark());
                assert!(name != "x-odd" || call.headers["x-odd"].as_bytes() == odd);
            }
        }
        for (name, status) in [("mcp-session-id", 404), ("origin", 403), ("mcp-protocol-version", 400)] {
            let client = Client { session: None, version: None, ..shared.connected(Protocol::Http1).await };
            let reply = client.post(CALL).header(name, odd).send(client.address, Protocol::Http1).await;
            assert_eq!(reply.status, status, "{name}: {}", reply.shown());
        }
        shared.connected(Protocol::Http1).await.call("guarded_echo", json!({})).await;
        let client = shared.connected(Protocol::Http1).await.header("x-guarded-token", odd);
        client.call("guarded_echo", json!({})).await.assert_error(200, -32603, &json!(1));
    }
}

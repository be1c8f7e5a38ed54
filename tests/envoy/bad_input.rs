//! Whatever a client sends, it gets a well-formed answer, and the next request is served.

mod cases;

use harness::caller::{Protocol, Request};
use harness::sessions::Client;
use harness::wire::Wire;
use serde_json::json;

use self::cases::{Case, for_nobody, no_message, not_json};
use crate::shared::{Scripted, Used, scripted};

everywhere! {
    async fn what_is_not_json_gets_a_parse_error(role, protocol) {
        refused(role, protocol, not_json()).await;
    }

    async fn what_is_no_message_gets_an_invalid_request(role, protocol) {
        refused(role, protocol, no_message()).await;
    }

    async fn what_is_for_nobody_gets_an_error_with_its_id(role, protocol) {
        refused(role, protocol, for_nobody()).await;
        let shared = scripted(role).await;
        let reply = shared.connected(protocol).await.request("resources/read", &json!({"uri": "test://nobody"})).await;
        assert_eq!(reply.message()["error"]["data"]["uri"], "test://nobody");
    }

    async fn bad_bodies_are_refused_in_any_pieces(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for case in not_json().into_iter().chain(no_message()).step_by(3) {
            for piece in [1, 7] {
                let reply = client.post(case.body.clone()).in_pieces_of(piece).send(client.address, protocol).await;
                case.check(&reply);
            }
        }
        assert_served(&shared, protocol).await;
    }

    async fn huge_ids_and_depths_are_bounded(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let huge = "i".repeat(1024 * 1024);
        for id in [huge.clone(), "i".repeat(5000), "1".repeat(100_000)] {
            let quoted = if id.starts_with('i') { format!("\"{id}\"") } else { id };
            for body in [
                format!(r#"{{"jsonrpc":"2.0","id":{quoted},"method":"tools/list"}}"#),
                format!(r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"plain_echo"}},"id":{quoted}}}"#),
            ] {
                let reply = client.send(body).await;
                assert!(matches!(reply.status, 400 | 413), "{}", reply.shown());
                assert!(reply.body.len() < 10_000 && reply.message()["error"]["code"] == -32600, "{}", reply.shown());
            }
        }
        let name = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{huge}"}}}}"#);
        let reply = client.send(name).await;
        assert!(reply.message()["error"]["code"].is_i64() && reply.body.len() < 10_000, "{}", reply.shown());

        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        for deep in [deep, objects] {
            let call = format!(r#"{{"jsonrpc":"2.0","id":1,"x":{deep},"method":"tools/call","params":{{"arguments":{{"a":{deep}}},"name":"plain_echo"}}}}"#);
            let reply = client.send(call).await;
            assert_eq!(reply.status, 200, "{}", reply.shown());
            assert!(reply.text().contains(&deep), "the deep argument comes back");
            for position in ["id", "method", "params"] {
                let reply = client.send(format!(r#"{{"jsonrpc":"2.0","{position}":{deep}}}"#)).await;
                assert!(reply.status == 400 || reply.status == 202, "{position}: {}", reply.shown());
            }
            let unclosed = client.send(&deep.as_bytes()[..10_000]).await;
            assert!(unclosed.status == 400 && unclosed.message()["error"]["code"].is_i64(), "{}", unclosed.shown());
        }
        assert_served(&shared, protocol).await;
    }

    async fn a_body_past_the_limit_is_refused_or_streams(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let argument = "x".repeat(3 * 1024 * 1024);
        let last = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"arguments":{{"s":"{argument}"}},"name":"plain_echo"}}}}"#);
        let reply = client.send(last).await;
        assert_eq!(reply.status, 413, "{}", reply.shown());
        assert_eq!(reply.message()["error"]["code"], -32600, "{}", reply.shown());
        let first = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"plain_echo","arguments":{{"s":"{argument}"}}}}}}"#);
        let reply = client.send(first).await;
        assert_eq!(reply.status, 200, "{}", reply.shown());
        assert_eq!(reply.body.len(), argument.len() + r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"params":{"name":"echo","arguments":{"s":""}}}}}"#.len());
        assert_served(&shared, protocol).await;
    }

    async fn a_second_name_behind_a_released_body_reaches_no_server_whole(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let argument = "x".repeat(2 * 1024 * 1024);
        for (behind, code) in [(r#","name":"hang""#, -32600), (r#","n\u0061me":"hang""#, -32600), ("\u{1}", -32700)] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"plain_echo","arguments":{{"s":"{argument}"}}{behind}}}}}"#);
            // A reset is as good: a part of the request had gone on.
            if let Ok(open) = client.post(body).try_open(client.address, protocol).await {
                let reply = open.rest().await;
                if reply.complete {
                    reply.assert_error(400, code, &json!(1));
                }
            }
        }
        assert!(shared.plain.received_from(client.mark()).iter().all(|request| request.rpc_method() != "tools/call"));
        assert_served(&shared, protocol).await;
    }

    async fn trailers_end_a_body_as_well_as_any_end(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let trailed = |body: &str| client.post(body).header("trailer", "x-checksum").trailer("x-checksum", "abc");
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kept_echo"}}"#,
        ] {
            trailed(body).send(client.address, protocol).await.result();
        }
        let first = shared.plain.received_from(client.mark()).len();
        for (body, code) in [(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"#, -32700), ("", -32700), ("[]", -32600)] {
            let reply = trailed(body).send(client.address, protocol).await;
            assert_eq!((reply.status, &reply.message()["error"]["code"]), (400, &json!(code)), "{}", reply.shown());
        }
        assert_eq!(shared.plain.received_from(client.mark()).len(), first, "an undecided body goes nowhere");
        assert_served(&shared, protocol).await;
    }

    async fn odd_content_types_are_served(role, protocol) {
        let shared = scripted(role).await;
        for kind in [None, Some("application/json; charset=utf-8"), Some("APPLICATION/JSON"), Some("text/plain"), Some("x"), Some("")] {
            let client = shared.connected(protocol).await;
            for body in [r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#] {
                let mut request = client.post(body).without("content-type");
                if let Some(kind) = kind {
                    request = request.header("content-type", kind);
                }
                request.send(client.address, protocol).await.result();
            }
            assert_eq!(shared.plain.call_from(client.mark()).header("content-type"), Some("application/json"), "{kind:?}");
        }
    }

    async fn notifications_get_202_and_reach_nobody_by_mistake(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for body in [
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/nobody-knows","params":{}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never-sent"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        ] {
            let reply = client.send(body).await;
            assert_eq!((reply.status, reply.body.as_slice()), (202, b"".as_slice()), "{body}: {}", reply.shown());
        }
        let call = client.send(r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"plain_echo"}}"#).await;
        assert!(matches!(call.status, 202 | 400), "a call without id: {}", call.shown());
        assert!(shared.plain.received_from(client.mark()).iter().all(|request| request.rpc_method() != "tools/call"));
    }
}

in_both_roles! {
    async fn broken_http_is_answered_or_closed(role) {
        let shared = scripted(role).await;
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#;
        let cases: Vec<Vec<u8>> = vec![
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_vec(),
            b"POST /mcp HTTP/1.1\r\n\r\n".to_vec(),
            b"POST /mcp HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".to_vec(),
            format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nx-big: {}\r\nContent-Length: 0\r\n\r\n", "b".repeat(200_000)).into_bytes(),
            format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{call}\r\n0\r\n\r\n", call.len()).into_bytes(),
            b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense".to_vec(),
        ];
        for bytes in cases {
            let mut wire = Wire::open(shared.gateway.address()).await;
            wire.send(&bytes).await;
            wire.finish().await;
            if let Some(reply) = wire.reply_or_end().await {
                assert!((400..500).contains(&reply.status), "{}: {}", String::from_utf8_lossy(&bytes[..60.min(bytes.len())]), reply.shown());
            }
        }
        assert_served(&shared, Protocol::Http1).await;
    }

    async fn a_post_without_a_body_is_no_json_however_it_says_so(role) {
        let shared = scripted(role).await;
        for framing in ["\r\n", "Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
            let request = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{framing}");
            let reply = Wire::exchange(shared.gateway.address(), request).await;
            assert_eq!((reply.status, &reply.message()["error"]["code"]), (400, &json!(-32700)), "{framing:?}: {}", reply.shown());
            assert!(reply.complete && reply.message().get("id").is_none(), "{}", reply.shown());
        }
        assert_served(&shared, Protocol::Http1).await;
    }

    async fn clients_that_leave_in_the_middle_of_a_body_hurt_nobody(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kept_echo","arguments":{"a":1"#;
        for length in (0..call.len()).step_by(6) {
            let mut wire = Wire::open(shared.gateway.address()).await;
            wire.send(format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {}\r\nContent-Length: 500\r\n\r\n{}", client.session.as_ref().unwrap(), &call[..length])).await;
        }
        assert_served(&shared, Protocol::Http1).await;
    }

    async fn a_get_with_a_body_is_no_call(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#;
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let request = Request { method: method.to_owned(), ..client.post(body) };
            let reply = request.send(client.address, Protocol::Http1).await;
            let deleted = method == "DELETE" && matches!(reply.status, 200 | 202 | 204);
            assert!(reply.status == 405 || deleted, "{method}: {}", reply.shown());
        }
        assert!(shared.plain.received_from(client.mark()).is_empty());
    }
}

/// Sends each body with a session and without, and a good request after each.
async fn refused(role: harness::gateway::Role, protocol: Protocol, cases: Vec<Case>) {
    let shared = scripted(role).await;
    let with = shared.connected(protocol).await;
    let without = shared.client(protocol);
    for case in &cases {
        for client in [&with, &without] {
            case.check(&client.send(case.body.clone()).await);
        }
        assert_pings(&with).await;
    }
    for server in [&shared.plain, &shared.kept] {
        for client in [&with, &without] {
            assert!(
                server.received_from(client.mark()).is_empty(),
                "a bad body reaches a server"
            );
        }
    }
    assert_served(&shared, protocol).await;
}

async fn assert_pings(client: &Client) {
    client.request("ping", &json!({})).await.result();
}

async fn assert_served(shared: &Used<Scripted>, protocol: Protocol) {
    let client = shared.connected(protocol).await;
    client.call("plain_echo", json!({})).await.result();
    client.call("kept_echo", json!({})).await.result();
}

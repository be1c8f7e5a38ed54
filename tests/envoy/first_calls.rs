//! Large calls for which an upstream session has to be opened first: what has come of them waits in Envoy, the client
//! waits with the rest, and no byte is lost.

use std::time::Duration;

use harness::caller::{PROTOCOLS, Protocol};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::{until, within};
use harness::wire::Wire;
use serde_json::json;

/// Three times what Envoy buffers.
const LARGE: usize = 3 * 1024 * 1024;
/// More than Envoy and the kernel hold together, so that no client can have sent all of it.
const ENDLESS: usize = 32 * 1024 * 1024;
/// Enough for all that the network and Envoy hold to fill up.
const OPENING: Duration = Duration::from_millis(700);

in_both_roles! {
    async fn a_large_first_call_of_a_session_arrives_whole(role) {
        let (gateway, server) = slow_to_open(role).await;
        for protocol in PROTOCOLS {
            for piece in [0, 1000, 100_000] {
                let client = Client::connected(gateway.address(), protocol).await;
                for _ in 0..2 {
                    arrives(&server, &client, piece, None).await;
                }
            }
        }
    }

    async fn a_large_call_without_a_session_arrives_whole(role) {
        let (gateway, server) = slow_to_open(role).await;
        for protocol in PROTOCOLS {
            let client = Client::new(gateway.address(), protocol);
            arrives(&server, &client, 0, None).await;
        }
    }

    async fn a_large_first_call_that_ends_in_trailers_arrives_whole(role) {
        let (gateway, server) = slow_to_open(role).await;
        for protocol in PROTOCOLS {
            let client = Client::connected(gateway.address(), protocol).await;
            arrives(&server, &client, 50_000, Some("x-last")).await;
        }
    }

    async fn large_first_calls_at_once_arrive_whole(role) {
        let (gateway, server) = slow_to_open(role).await;
        let calls = (0..8).map(|n| {
            let (address, server) = (gateway.address(), &server);
            async move {
                let client = Client::connected(address, PROTOCOLS[n % 2]).await;
                arrives(server, &client, 20_000, None).await;
            }
        });
        futures::future::join_all(calls).await;
    }

    async fn a_large_first_call_is_bounded_by_back_pressure(role) {
        let (gateway, server) = slow_to_open(role).await;
        server.set_opening_time(Duration::from_secs(3));
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let before = gateway.envoy_bytes();
        let mut wires = Vec::new();
        for _ in 0..4 {
            let mut wire = Wire::open(gateway.address()).await;
            wire.send(large_head(&client, 64 * 1024 * 1024)).await;
            wires.push(wire);
        }
        let mut sent = 0;
        for wire in &mut wires {
            let stopped = tokio::time::timeout(Duration::from_millis(500), async {
                while sent < 256 * 1024 * 1024 {
                    wire.send([b'x'; 64 * 1024]).await;
                    sent += 64 * 1024;
                }
            });
            assert!(stopped.await.is_err(), "{sent} bytes were taken");
        }
        let grown = gateway.envoy_bytes().saturating_sub(before);
        assert!(grown < 32 * 1024 * 1024, "{grown} bytes for {sent}");
    }

    async fn a_session_that_is_not_opened_is_told_while_the_client_still_sends(role) {
        let (gateway, server) = slow_to_open(role).await;
        let clients = futures::future::join_all(PROTOCOLS.map(|protocol| Client::connected(gateway.address(), protocol))).await;
        server.end().await;
        for client in clients {
            for piece in [0, 30_000] {
                let request = client.post(large_call(LARGE)).in_pieces_of(piece);
                let reply = request.send(client.address, client.protocol).await;
                reply.assert_error(200, -32603, &json!(1));
                assert!(reply.text().contains("mcp-test/kept"), "{}", reply.shown());
            }
        }
    }

    async fn a_server_that_opens_no_session_is_told_while_the_client_still_sends(role) {
        let (gateway, server) = slow_to_open(role).await;
        server.set_deaf(true);
        let calls = PROTOCOLS.map(|protocol| {
            let address = gateway.address();
            async move {
                let client = Client::connected(address, protocol).await;
                let request = client.post(large_call(LARGE)).in_pieces_of(30_000);
                within("an answer", Duration::from_secs(9), request.send(client.address, client.protocol)).await
            }
        });
        for reply in futures::future::join_all(calls).await {
            reply.assert_error(200, -32603, &json!(1));
        }
    }

    async fn a_body_that_breaks_while_a_session_is_opened_is_refused(role) {
        let (gateway, _server) = slow_to_open(role).await;
        for protocol in PROTOCOLS {
            let client = Client::connected(gateway.address(), protocol).await;
            let body = large_call(200_000).replace("}}}", "}]}");
            let reply = client.post(body).in_pieces_of(10_000).send(client.address, protocol).await;
            assert_eq!(reply.status, 400, "{}", reply.shown());
        }
    }

    async fn a_large_first_call_whose_client_has_left_never_counts(role) {
        let (gateway, server) = slow_to_open(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        for protocol in PROTOCOLS {
            let leaving = Client::connected(gateway.address(), protocol).await;
            let request = leaving.post(large_call(ENDLESS)).in_pieces_of(10_000);
            let sent = request.try_open(leaving.address, protocol);
            assert!(tokio::time::timeout(OPENING / 2, sent).await.is_err(), "answered too early");
            within("an answer for another client", Duration::from_secs(20), client.call("kept_echo", json!({}))).await.result();
        }
        until("the server has taken no other call for one", Duration::from_secs(5), || async {
            let calls = server.received().into_iter().filter(|request| request.rpc_method() == "tools/call");
            (calls.count() == 2).then_some(())
        }).await;
    }
}

/// A gateway before a server, `kept`, that takes its time to open a session.
async fn slow_to_open(role: Role) -> (Gateway, Upstream) {
    let server = Upstream::start(Script::standard().with_sessions()).await;
    let manifests = Manifests::gateway().server(&Server::new("kept", server.address()));
    let gateway = Gateway::start(role, &manifests).await;
    server.set_opening_time(OPENING);
    (gateway, server)
}

/// Sends a large call and asserts that the server has got it as it was sent, and the client its answer.
async fn arrives(server: &Upstream, client: &Client, piece: usize, trailer: Option<&str>) {
    let before = server.received_from(client.mark()).len();
    let body = large_call(LARGE);
    let mut request = client.post(body.as_str()).in_pieces_of(piece);
    if let Some(name) = trailer {
        request = request.trailer(name, "1");
    }
    let reply = request.send(client.address, client.protocol).await;
    assert_eq!(
        reply.status,
        200,
        "{:?} in pieces of {piece}: {}",
        client.protocol,
        &reply.shown()[..200.min(reply.shown().len())]
    );
    assert!(
        reply.complete && reply.body.len() > LARGE,
        "the answer has {} bytes",
        reply.body.len()
    );
    let received = server.received_from(client.mark());
    assert_eq!(received.len(), before + 1);
    let got = &received.last().unwrap().body;
    assert!(
        got == body.replace("kept_echo", "echo").as_bytes(),
        "{} bytes of {} arrive",
        got.len(),
        body.len() - 5
    );
}

/// A call of `kept_echo` whose name comes first, of about `size` bytes, no two parts of which are alike.
fn large_call(size: usize) -> String {
    let numbers: String = (0..size / 8).map(|n| format!("{n:07},")).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"kept_echo","arguments":{{"s":"{numbers}"}}}}}}"#
    )
}

/// The head of a call and the beginning of its body.
fn large_head(client: &Client, length: usize) -> Vec<u8> {
    let request = client.post("");
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n",
        request.host
    )
    .into_bytes();
    for (name, value) in &request.headers {
        head.extend(format!("{name}: ").into_bytes());
        head.extend(value);
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    head.extend(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kept_echo","arguments":{"s":""#);
    head
}

//! The filter in chains that are put together by hand: behind the verification of tokens, and without its other half.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use harness::bare_envoy::{BareEnvoy, Setup, abort, delay, jwt_authn, mcp_filter};
use harness::caller::{PROTOCOLS, Protocol, Request};
use harness::jwt;
use harness::manifests::{Manifests, Server};
use harness::message::Reply;
use harness::rendered::rendered;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::{Upstream, member};
use harness::wait::until;
use harness::wire::Wire;
use serde_json::{Value, json};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","arguments":{}}}"#;

tests! {
    async fn a_session_is_unknown_to_everybody_but_its_owner() {
        let server = Upstream::start(Script::standard()).await;
        let filter = role(&server, "hold").await;
        let envoy = BareEnvoy::start(&Setup::before(server.address(), vec![vec![jwt_authn(), filter]])).await;
        for protocol in PROTOCOLS {
            let client = |user: Option<&str>| {
                let client = Client::new(envoy.address(0), protocol);
                match user {
                    Some(user) => client.header("authorization", format!("Bearer {}", jwt::of(user))),
                    None => client,
                }
            };
            for (owner, other) in [(Some("grace"), Some("mallory")), (Some("grace"), None), (None, Some("mallory"))] {
                let mut first = client(owner);
                first.initialize("2025-11-25", json!({})).await;
                assert!(first.session.is_some());
                let second = Client { session: first.session.clone(), ..client(other) };
                second.call("plain_echo", json!({})).await.assert_error(404, -32600, &json!(1));
                assert_eq!(second.delete().await.status, 404);
                first.call("plain_echo", json!({})).await.result();
                assert_eq!(first.delete().await.status, 204);
                assert!(server.received_from(second.mark()).is_empty());
            }
        }
    }

    async fn callers_with_a_token_and_without_a_session_share_one_at_the_server() {
        let (server, envoy) = behind_tokens(Script::standard().with_sessions()).await;
        for (chain, protocol) in everywhere() {
            let user = format!("grace-{chain}-{protocol:?}");
            let clients = [(); 2].map(|()| bearing(&user, envoy.address(chain), protocol));
            clients[0].send(CALL).await.result();
            let of_grace = calls_of(&server, &clients[0]).remove(0);
            let sessions = server.sessions();
            for (tool, id) in [("echo", "7"), ("echo_stream", "7"), ("echo", "7.0"), ("echo", r#""\u0061""#)] {
                let call = CALL.replace("\"id\":1", &format!("\"id\":{id}")).replace("echo", tool);
                for reply in join_all(clients.iter().map(|client| client.send(call.as_str()))).await {
                    reply.result();
                    assert!(reply.text().contains(&format!("\"id\":{id},")), "{}", reply.shown());
                }
            }
            assert_eq!(server.sessions(), sessions);
            let calls: Vec<_> = clients.iter().flat_map(|client| calls_of(&server, client)).collect();
            assert!(calls.iter().all(|call| call.session == of_grace.session));
            let ids: HashSet<_> = calls.iter().map(|call| &call.id).collect();
            assert_eq!((calls.len(), ids.len()), (9, 9));
            let nobody = Client::new(envoy.address(chain), protocol);
            for other in [bearing("mallory", envoy.address(chain), protocol), nobody] {
                other.send(CALL).await.result();
                let call = calls_of(&server, &other).remove(0);
                assert_ne!(call.session, of_grace.session);
            }
        }
    }

    async fn a_shared_session_that_is_lost_is_opened_anew_for_all() {
        let (server, envoy) = behind_tokens(Script::standard().with_sessions()).await;
        for (chain, protocol) in everywhere() {
            let clients = [(); 2].map(|()| bearing("grace", envoy.address(chain), protocol));
            clients[0].send(CALL).await.result();
            server.forget_sessions();
            let call = CALL.replace("echo", "echo_stream");
            for reply in join_all(clients.iter().map(|client| client.send(call.as_str()))).await {
                reply.result();
                assert!(reply.text().contains("\"id\":1,"), "{}", reply.shown());
            }
            // Of two that were opened at once, one has ended.
            until("one session", Duration::from_secs(3), || async {
                (server.sessions().len() == 1).then_some(())
            }).await;
        }
    }

    async fn an_identity_is_the_same_whatever_else_the_token_claims() {
        let server = Upstream::start(Script::standard()).await;
        let filter = role(&server, "hold").await;
        let envoy = BareEnvoy::start(&Setup::before(server.address(), vec![vec![jwt_authn(), filter]])).await;
        let bearing = |user, more: Value| {
            let bearer = format!("Bearer {}", jwt::with(user, &more));
            Client::new(envoy.address(0), Protocol::Http1).header("authorization", bearer)
        };
        let mut owner = bearing("grace", json!({}));
        owner.initialize("2025-11-25", json!({})).await;
        for more in [
            json!({"nobody": null}),
            json!({"groups": ["a", "b"], "org": {"id": 7, "iss": "x", "sub": "y"}, "admin": true, "n": 1.5}),
            json!({"groups": [null, {"sub": "mallory"}]}),
            json!({"long": "x".repeat(4000), "empty": "", "object": {}, "list": []}),
        ] {
            let same = Client { session: owner.session.clone(), ..bearing("grace", more.clone()) };
            same.call("plain_echo", json!({})).await.result();
            let other = Client { session: owner.session.clone(), ..bearing("mallory", more) };
            assert_eq!(other.call("plain_echo", json!({})).await.status, 404);
        }
    }

    async fn a_route_without_a_gate_answers_503_and_sends_nothing_on() {
        let server = Upstream::start(Script::standard()).await;
        let envoy = BareEnvoy::start(&Setup::before(server.address(), vec![vec![role(&server, "route").await]])).await;
        for protocol in PROTOCOLS {
            let client = Client::new(envoy.address(0), protocol);
            for request in [client.post(CALL), client.stamped(Request::bare("DELETE"))] {
                assert_unready(&request.send(client.address, protocol).await);
            }
            assert!(server.received_from(client.mark()).is_empty());
            let other = client.stamped(Request::bare("GET")).host("other.example.com");
            other.send(client.address, protocol).await;
            assert_eq!(server.received_from(client.mark()).len(), 1, "what is not ours passes");
        }
        let said = envoy.process().line("what to do", |line| line.contains("role route before role gate").then(|| line.to_owned())).await;
        assert!(said.contains("route has no gate"), "{said}");
    }

    async fn halves_in_the_wrong_order_answer_503() {
        let server = Upstream::start(Script::standard()).await;
        let (route, gate) = (role(&server, "route").await, role(&server, "gate").await);
        let envoy = BareEnvoy::start(&Setup::before(server.address(), vec![vec![gate, route]])).await;
        for protocol in PROTOCOLS {
            let client = Client::new(envoy.address(0), protocol);
            assert_unready(&client.send(CALL).await);
            assert!(server.received_from(client.mark()).is_empty());
        }
    }

    async fn a_gate_in_another_chain_does_not_let_an_answer_pass() {
        let server = Upstream::start(Script::standard()).await;
        let (route, gate) = (role(&server, "route").await, role(&server, "gate").await);
        let chains = vec![vec![route], vec![gate]];
        let anywhere = BareEnvoy::start(&Setup::before(server.address(), chains.clone())).await;
        let nowhere = Setup { hosts: vec!["other.example.com"], ..Setup::before(server.address(), chains) };
        let nowhere = BareEnvoy::start(&nowhere).await;
        for protocol in PROTOCOLS {
            let client = Client::new(anywhere.address(0), protocol);
            assert_unready(&client.delete().await);
            let client = client.moved_to(nowhere.address(0));
            assert_unready(&client.delete().await);
            assert_unready(&client.send(CALL).await);
        }
    }

    async fn what_fails_while_a_request_is_held_is_told_and_what_others_refuse_passes() {
        let server = Upstream::start(Script::standard()).await;
        let chain = |status, route, gate| vec![route, abort(status), gate];
        let (route, gate) = (role(&server, "route").await, role(&server, "gate").await);
        let chains = [503, 401].map(|status| chain(status, route.clone(), gate.clone())).to_vec();
        let envoy = BareEnvoy::start(&Setup::before(server.address(), chains)).await;
        for protocol in PROTOCOLS {
            let client = Client::new(envoy.address(0), protocol);
            client.send(CALL).await.assert_error(503, -32603, &Value::Null);
            let refused = client.moved_to(envoy.address(1)).send(CALL).await;
            assert_eq!((refused.status, refused.text()), (401, "fault filter abort"), "{}", refused.shown());
            assert!(server.received_from(client.mark()).is_empty());
        }
    }

    async fn headers_that_envoy_cannot_take_are_refused_by_envoy_itself() {
        let server = Upstream::start(Script::standard()).await;
        let pair = vec![role(&server, "route").await, role(&server, "gate").await];
        let envoy = BareEnvoy::start(&Setup::before(server.address(), vec![vec![role(&server, "hold").await], pair])).await;
        for chain in [0, 1] {
            let client = Client::new(envoy.address(chain), Protocol::Http1);
            let large = client.clone().header("x-large", "x".repeat(70_000));
            assert_eq!(large.send(CALL).await.status, 431);
            client.send(CALL).await.result();
            assert_eq!(server.received_from(client.mark()).len(), 1);
        }
    }

    async fn a_gate_that_comes_late_finds_the_request_whole() {
        for script in [Script::standard(), Script::standard().with_sessions()] {
            let server = Upstream::start(script).await;
            let route = configuration(&server, "route").await;
            let config: Value = serde_json::from_str(&route).unwrap();
            let cluster = config["servers"][0]["upstream"]["cluster"].as_str().map(str::to_owned);
            let chain = vec![mcp_filter(&route, false), delay(), jwt_authn(), role(&server, "gate").await];
            let envoy = BareEnvoy::start(&Setup { cluster, ..Setup::before(server.address(), vec![chain]) }).await;
            for protocol in PROTOCOLS {
                let bearer = |user: &str| format!("Bearer {}", jwt::of(user));
                let mut client = Client::new(envoy.address(0), protocol).header("authorization", bearer("grace"));
                client.initialize("2025-11-25", json!({})).await;
                let large = "x".repeat(200_000);
                for argument in ["small", &large] {
                    let body = CALL.replace("{}", &json!({"s": argument}).to_string());
                    for request in [
                        client.post(body.as_str()),
                        client.post(body.as_str()).in_pieces_of(70_000),
                        client.post(body.as_str()).in_pieces_of(40),
                        client.post(body.as_str()).trailer("x-checksum", "abc"),
                    ] {
                        let result = request.send(client.address, protocol).await.result();
                        assert_eq!(result["structuredContent"]["params"]["arguments"]["s"], argument);
                    }
                }
                let other = Client { session: client.session.clone(), ..Client::new(envoy.address(0), protocol) };
                other.send(CALL).await.assert_error(404, -32600, &json!(1));
                assert_eq!(other.delete().await.status, 404);
                assert_eq!(client.delete().await.status, 204);
                assert_eq!(client.send(CALL).await.status, 404);
            }
        }
    }

    async fn a_body_that_stalls_is_told_so() {
        let server = Upstream::start(Script::standard()).await;
        let hold = vec![role(&server, "hold").await];
        let pair = vec![role(&server, "route").await, role(&server, "gate").await];
        let impatient = Setup { request_timeout: "1s", ..Setup::before(server.address(), vec![hold, pair]) };
        let envoy = BareEnvoy::start(&impatient).await;
        for chain in [0, 1] {
            let address = envoy.address(chain);
            for (begun, id) in [(r#"{"jsonrpc":"2.0","id":1,"#, json!(1)), ("", Value::Null)] {
                stalled(address, begun.as_bytes(), 100).await.assert_error(408, -32600, &id);
            }
            // So large that it goes on before its end.
            let begun = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"plain_echo","a":"{}"#, "x".repeat(100_000));
            stalled(address, begun.as_bytes(), 200_000).await.assert_error(408, -32600, &json!(1));
            Client::new(address, Protocol::Http1).send(CALL).await.result();
        }
    }
}

/// A call as a server has got it.
struct Called {
    session: String,
    /// As it stands in the request.
    id: String,
}

fn calls_of(server: &Upstream, client: &Client) -> Vec<Called> {
    let received = server.received_from(client.mark());
    let calls = received
        .iter()
        .filter(|request| request.rpc_method() == "tools/call");
    calls
        .map(|call| Called {
            session: call.header("mcp-session-id").expect("a session").to_owned(),
            id: member(&call.body, "id").expect("an id"),
        })
        .collect()
}

/// The scripted server behind a chain with `hold` and one with the pair, both of which verify tokens.
async fn behind_tokens(script: Script) -> (Upstream, BareEnvoy) {
    let server = Upstream::start(script).await;
    let route = configuration(&server, "route").await;
    let config: Value = serde_json::from_str(&route).unwrap();
    let cluster = config["servers"][0]["upstream"]["cluster"]
        .as_str()
        .map(str::to_owned);
    let hold = vec![jwt_authn(), role(&server, "hold").await];
    let pair = vec![
        mcp_filter(&route, false),
        jwt_authn(),
        role(&server, "gate").await,
    ];
    let envoy = BareEnvoy::start(&Setup {
        cluster,
        ..Setup::before(server.address(), vec![hold, pair])
    })
    .await;
    (server, envoy)
}

/// Each chain over each protocol.
fn everywhere() -> impl Iterator<Item = (usize, Protocol)> {
    [0, 1]
        .into_iter()
        .flat_map(|chain| PROTOCOLS.map(|protocol| (chain, protocol)))
}

fn bearing(user: &str, address: std::net::SocketAddr, protocol: Protocol) -> Client {
    Client::new(address, protocol).header("authorization", format!("Bearer {}", jwt::of(user)))
}

async fn stalled(address: std::net::SocketAddr, begun: &[u8], length: usize) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.send(format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")).await;
    wire.send(begun).await;
    wire.reply().await
}

/// The filter in a role, with the scripted server behind it.
async fn role(server: &Upstream, role: &str) -> Value {
    mcp_filter(&configuration(server, role).await, role == "hold")
}

async fn configuration(server: &Upstream, role: &str) -> String {
    let manifests = Manifests::gateway().server(&Server::new("plain", server.address()));
    rendered(&manifests, &["--role", role]).await
}

fn assert_unready(reply: &Reply) {
    reply.assert_error(503, -32603, &Value::Null);
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

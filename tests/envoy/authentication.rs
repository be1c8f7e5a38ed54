//! Endpoints that only callers with a token may use, behind Envoy's verification of tokens.

use std::net::SocketAddr;

use harness::bare_envoy::{BareEnvoy, Setup, abort, jwt_authn_of_two, mcp_filter};
use harness::caller::{PROTOCOLS, Protocol, Request};
use harness::jwt;
use harness::manifests::{Manifests, Server};
use harness::message::Reply;
use harness::rendered::rendered;
use harness::script::Script;
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wire::Wire;
use serde_json::{Value, json};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","arguments":{}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CHALLENGE: &str =
    r#"Bearer resource_metadata="http://localhost/.well-known/oauth-protected-resource/mcp""#;
const DENIAL: &str = "{\n  \"error\": \"Unauthorized\" }\n";
const BARE: &str = "/.well-known/oauth-protected-resource";
const OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";
const MEMBERS: &str = r#"{ "authorization_servers" : ["https://issuer.example.com"], "n": 1.0e5 }"#;
/// Whose tokens Envoy takes, and the endpoint does not.
const OTHER: &str = "https://other.example.com";

tests! {
    async fn nobody_without_a_good_token_gets_in() {
        let (server, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            for (what, authorization) in bad_tokens() {
                let mut client = Client::new(address, protocol);
                for value in &authorization {
                    client = client.header("authorization", value);
                }
                for body in [CALL, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "]"] {
                    let reply = client.send(body).await;
                    assert_denied(&reply, &format!("{what} {protocol:?} {address} {body}"));
                }
                assert!(server.received_from(client.mark()).is_empty(), "{what}");
            }
        }
    }

    async fn no_verb_and_no_spelling_of_the_path_goes_around_it() {
        let (server, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            let anonymous = Client::new(address, protocol);
            let expired = anonymous.clone().header("authorization", format!("Bearer {}", jwt::expired()));
            for client in [anonymous, expired] {
                for verb in ["GET", "DELETE", "PUT", "OPTIONS", "POST", "PATCH"] {
                    let reply = client.stamped(Request::bare(verb)).send(address, protocol).await;
                    assert_denied(&reply, verb);
                }
                let head = client.stamped(Request::bare("HEAD")).send(address, protocol).await;
                assert_eq!((head.status, head.header("www-authenticate")), (401, Some(CHALLENGE)));
                for path in ["/mcp?x=/.well-known", "/mcp?/.well-known/oauth-protected-resource", "/mcp?", "/mcp/.well-known"] {
                    let reply = client.post(CALL).path(path).send(address, protocol).await;
                    assert_denied(&reply, path);
                    let get = client.stamped(Request::bare("GET")).path(path);
                    assert_denied(&get.send(address, protocol).await, path);
                }
                let large = CALL.replace("{}", &json!({"s": "x".repeat(200_000)}).to_string());
                assert_eq!(client.send(large).await.status, 401);
                assert!(server.received_from(client.mark()).is_empty());
            }
        }
    }

    async fn a_good_token_opens_everything() {
        let (server, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            let mut client = bearing(&jwt::good(), address, protocol);
            client.initialize("2025-11-25", json!({})).await;
            assert!(client.list("tools/list", "tools").await.concat().contains("plain_echo"));
            client.call("plain_echo", json!({})).await.result();
            let large = client.call("plain_echo", json!({"s": "x".repeat(200_000)})).await;
            large.result();
            let received = server.received_from(client.mark());
            let calls: Vec<_> = received.iter().filter(|request| request.rpc_method() == "tools/call").collect();
            assert_eq!(calls.len(), 2);
            assert!(calls.iter().all(|call| call.header("authorization").is_none()));
            assert_eq!(client.stamped(Request::bare("GET")).send(address, protocol).await.status, 405);
            assert_eq!(client.delete().await.status, 204);
            let several = jwt::with("ada", &json!({"aud": ["other", jwt::AUDIENCE], "nobody": null}));
            bearing(&several, address, protocol).send(PING).await.result();
        }
    }

    async fn a_stolen_session_is_unknown_to_another_caller() {
        let (server, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            let mut owner = bearing(&jwt::of("grace"), address, protocol);
            owner.initialize("2025-11-25", json!({})).await;
            let thief = Client { session: owner.session.clone(), ..bearing(&jwt::of("mallory"), address, protocol) };
            thief.send(CALL).await.assert_error(404, -32600, &json!(1));
            assert_eq!(thief.delete().await.status, 404);
            let nobody = Client { session: owner.session.clone(), ..Client::new(address, protocol) };
            assert_denied(&nobody.send(CALL).await, "no token");
            assert_denied(&nobody.delete().await, "no token");
            owner.send(CALL).await.result();
            assert!(server.received_from(thief.mark()).is_empty());
        }
    }

    async fn a_policy_without_a_challenge_of_its_own_says_where_tokens_are_had() {
        let challenge = r#"Bearer realm="keycloak""#;
        let (_, envoy) = started(|config| {
            let authentication = &mut config["endpoints"][0]["authentication"];
            authentication["denial"] = json!({"status": 401, "headers": [{"name": "www-authenticate", "value": challenge}]});
            authentication["tellsMetadata"] = true.into();
        }).await;
        let metadata = CHALLENGE.strip_prefix("Bearer ").unwrap();
        for (address, protocol) in everywhere(&envoy) {
            let anonymous = Client::new(address, protocol);
            for client in [bearing(&jwt::expired(), address, protocol), anonymous] {
                let reply = client.send(CALL).await;
                let told = reply.header("www-authenticate");
                assert_eq!((reply.status, told), (401, Some(&*format!("{challenge}, {metadata}"))));
            }
        }
    }

    async fn rules_look_at_claims() {
        let rules = json!([
            {"requires": {"claimHasWord": {"path": ["scope"], "value": "mcp"}}, "denial": {"status": 403}},
            {"requires": {"not": {"claimEquals": {"path": ["org", "name"], "value": "evil"}}},
             "denial": {"status": 403, "headers": [{"name": "x-why", "value": "org"}], "body": "no\n"}},
        ]);
        let (server, envoy) = started(|config| {
            config["endpoints"][0]["authentication"]["rules"] = rules;
        }).await;
        for (address, protocol) in everywhere(&envoy) {
            let with = |more: Value| bearing(&jwt::with("ada", &more), address, protocol);
            for scope in [json!({}), json!({"scope": "mcpx openid"}), json!({"scope": ""}), json!({"scope": null})] {
                let client = with(scope);
                let reply = client.send(CALL).await;
                reply.assert_error(403, -32600, &Value::Null);
                let metadata = CHALLENGE.strip_prefix("Bearer ").unwrap();
                let challenge = format!(r#"Bearer error="insufficient_scope", scope="mcp", {metadata}"#);
                assert_eq!(reply.header("www-authenticate"), Some(&*challenge));
                assert!(server.received_from(client.mark()).is_empty());
            }
            let evil = with(json!({"scope": "openid mcp", "org": {"name": "evil"}})).send(CALL).await;
            assert_eq!((evil.status, evil.text(), evil.header("x-why")), (403, "no\n", Some("org")));
            for more in [json!({"scope": "openid mcp"}), json!({"scope": "mcp", "org": {"name": "acme"}, "nobody": null})] {
                with(more).send(CALL).await.result();
            }
        }
    }

    async fn a_claim_reaches_the_server_in_a_header() {
        let policy = json!({
            "name": "test/user",
            "rules": [{"requires": {"claimContains": {"path": ["realm", "roles"], "value": "user"}}, "denial": {"status": 403}}],
            "setHeaders": [{"name": "x-user", "value": [{"literal": "u:"}, {"claim": ["realm", "name"]}]}],
        });
        let (server, envoy) = started(|config| {
            config["policies"] = json!([policy]);
            config["servers"][0]["policies"] = json!([0]);
        }).await;
        for (address, protocol) in everywhere(&envoy) {
            let with = |realm: Value| {
                let more = json!({"realm": realm, "verified": true, "n": 1.5});
                bearing(&jwt::with("ada", &more), address, protocol)
            };
            let client = with(json!({"roles": ["admin", "user"], "name": "ada"}));
            client.send(CALL).await.result();
            let large = client.call("plain_echo", json!({"s": "x".repeat(200_000)})).await;
            large.result();
            let received = server.received_from(client.mark());
            let calls: Vec<_> = received.iter().filter(|request| request.rpc_method() == "tools/call").collect();
            assert_eq!(calls.len(), 2);
            assert!(calls.iter().all(|call| call.header("x-user") == Some("u:ada")));
            for name in [json!("a\r\nx-admin: 1"), json!("a\nb"), json!(7), json!(["ada"])] {
                let client = with(json!({"roles": ["user"], "name": name}));
                client.send(CALL).await.assert_error(400, -32600, &json!(1));
                assert!(server.received_from(client.mark()).is_empty());
            }
            let client = with(json!({"roles": ["admin"], "name": "ada"}));
            client.send(CALL).await.assert_error(403, -32600, &json!(1));
            assert!(server.received_from(client.mark()).is_empty());
        }
    }

    async fn who_has_no_good_token_is_told_where_to_get_one() {
        let (_, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            for client in [
                Client::new(address, protocol),
                bearing(&jwt::expired(), address, protocol),
                bearing("garbage", address, protocol),
            ] {
                for path in [BARE, OF_MCP] {
                    let get = client.stamped(Request::bare("GET")).path(path).header("origin", "https://page.example");
                    let reply = get.send(address, protocol).await;
                    assert_eq!(reply.status, 200, "{}", reply.shown());
                    assert_eq!(reply.text(), format!(r#"{{"resource":"http://localhost/mcp",{}"#, &MEMBERS[1..]));
                    assert_eq!(reply.header("content-type"), Some("application/json"));
                    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
                    let head = client.stamped(Request::bare("HEAD")).path(path).send(address, protocol).await;
                    assert_eq!((head.status, head.body.len()), (200, 0));
                    assert_eq!(head.header("content-type"), Some("application/json"));
                    let post = client.stamped(Request::bare("POST")).path(path).send(address, protocol).await;
                    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
                }
            }
            let preflight = Request::bare("OPTIONS").path(OF_MCP).header("origin", "https://page.example")
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "mcp-protocol-version");
            let reply = preflight.send(address, protocol).await;
            assert_eq!((reply.status, reply.body.len()), (204, 0));
            assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
            assert_eq!(reply.header("access-control-allow-methods"), Some("GET"));
            assert_eq!(reply.header("access-control-allow-headers"), Some("*, authorization, mcp-protocol-version"));
        }
    }

    async fn what_is_no_document_is_nobodys_and_reaches_the_server_as_it_is() {
        let (server, envoy) = guarded().await;
        for (address, protocol) in everywhere(&envoy) {
            for path in ["/.well-known/../mcp", "/%2ewell-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/"] {
                let client = Client::new(address, protocol);
                client.stamped(Request::bare("GET")).path(path).send(address, protocol).await;
                let received = server.received_from(client.mark());
                assert_eq!(received.len(), 1, "{path}");
                assert_eq!(received[0].path, path);
            }
        }
    }

    async fn what_other_filters_refuse_stays_as_it_is() {
        let server = Upstream::start(Script::standard()).await;
        let (hold, route, gate) = roles(&server, |_| {}).await;
        let chains = vec![vec![abort(401), hold], vec![route, abort(403), gate]];
        let envoy = BareEnvoy::start(&Setup::before(server.address(), chains)).await;
        for (chain, status) in [(0, 401), (1, 403)] {
            for protocol in PROTOCOLS {
                let reply = Client::new(envoy.address(chain), protocol).send(CALL).await;
                assert_eq!((reply.status, reply.text()), (status, "fault filter abort"), "{}", reply.shown());
            }
        }
    }

    async fn a_refusal_leaves_the_connection_open() {
        let (_, envoy) = guarded().await;
        for chain in [0, 1] {
            let mut wire = Wire::open(envoy.address(chain)).await;
            let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
            for request in [
                format!("{head}content-length: {}\r\n\r\n{CALL}", CALL.len()),
                format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{CALL}\r\n0\r\n\r\n", CALL.len()),
                "GET /mcp HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            ] {
                let (begun, rest) = request.split_at(request.len() - 20);
                wire.send(begun).await;
                wire.send(rest).await;
                let reply = wire.reply().await;
                assert_denied(&reply, &request);
                assert_eq!(reply.header("connection"), None, "{request}");
            }
            let good = format!("{head}authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{PING}", jwt::good(), PING.len());
            wire.send(good).await;
            wire.reply().await.result();
        }
    }
}

/// What is in `Authorization` where no token is good, each with its values.
fn bad_tokens() -> Vec<(&'static str, Vec<String>)> {
    let mut all = vec![
        ("none", vec![]),
        ("nothing", vec!["Bearer ".to_owned()]),
        ("another scheme", vec!["Basic YTpi".to_owned()]),
    ];
    let tokens = misissued().into_iter().chain(unsound());
    all.extend(tokens.map(|(what, token)| (what, vec![format!("Bearer {token}")])));
    all.extend(several());
    all
}

/// Tokens that were issued for somebody else, by somebody else, or for another time.
fn misissued() -> Vec<(&'static str, String)> {
    let with = |more: Value| jwt::with("ada", &more);
    vec![
        ("expired", jwt::expired()),
        ("not yet valid", jwt::premature()),
        ("in force for ever", jwt::everlasting()),
        (
            "an unknown issuer",
            with(json!({"iss": "https://evil.example"})),
        ),
        ("an issuer that others take", with(json!({"iss": OTHER}))),
        ("another audience", with(json!({"aud": "other"}))),
        (
            "other audiences",
            with(json!({"aud": ["other", "another"]})),
        ),
        ("no audience", with(json!({"aud": null}))),
    ]
}

/// Tokens whose signatures are none, and what is no token.
fn unsound() -> Vec<(&'static str, String)> {
    let good = jwt::good();
    let others = jwt::of("mallory");
    let (start, signature) = good.rsplit_once('.').unwrap();
    let (others, _) = others.rsplit_once('.').unwrap();
    vec![
        ("no algorithm", jwt::unsigned()),
        (
            "the public key as a secret",
            jwt::signed_with_the_public_key(),
        ),
        (
            "an unknown key",
            jwt::with_header(&json!({"alg": "EdDSA", "kid": "2"})),
        ),
        ("another's signature", format!("{others}.{signature}")),
        ("no signature", start.to_owned()),
        ("too large", "x".repeat(40_000)),
        ("garbage", "\u{e9}.\u{e9}.\u{e9}".to_owned()),
    ]
}

/// Requests with two tokens.
fn several() -> Vec<(&'static str, Vec<String>)> {
    let [good, another] = ["ada", "mallory"].map(|user| format!("Bearer {}", jwt::of(user)));
    let bad = "Bearer x".to_owned();
    let in_one = format!("{good}, {good}");
    vec![
        (
            "two, the first of them good",
            vec![good.clone(), bad.clone()],
        ),
        ("two, the second of them good", vec![bad, good.clone()]),
        ("two good ones", vec![good, another]),
        ("two in one header", vec![in_one]),
    ]
}

fn assert_denied(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 401, "{what}: {}", reply.shown());
    assert_eq!(reply.text(), DENIAL, "{what}: {}", reply.shown());
    assert!(reply.complete, "{what}");
    let all = |name: &str| -> Vec<String> {
        let pairs = reply.headers.iter();
        pairs
            .filter(|(candidate, _)| candidate == name)
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    };
    assert_eq!(all("www-authenticate"), [CHALLENGE, "Basic"], "{what}");
    assert_eq!(all("content-type"), ["application/json"], "{what}");
    assert_eq!(all("content-length"), [DENIAL.len().to_string()], "{what}");
    assert_eq!(all("x-gateway"), ["yes"], "{what}");
}

fn bearing(token: &str, address: SocketAddr, protocol: Protocol) -> Client {
    Client::new(address, protocol).header("authorization", format!("Bearer {token}"))
}

/// Each chain over each protocol.
fn everywhere(envoy: &BareEnvoy) -> Vec<(SocketAddr, Protocol)> {
    let of_chain = |chain| PROTOCOLS.map(|protocol| (envoy.address(chain), protocol));
    [0, 1].into_iter().flat_map(of_chain).collect()
}

async fn guarded() -> (Upstream, BareEnvoy) {
    started(|_| {}).await
}

/// The scripted server behind a chain with `hold` and one with the pair. Envoy verifies the tokens of two issuers, in
/// front of `hold` so that what it does not take passes, and in the pair as Istio has it.
async fn started(change: impl FnOnce(&mut Value)) -> (Upstream, BareEnvoy) {
    let server = Upstream::start(Script::standard()).await;
    let (hold, route, gate) = roles(&server, change).await;
    let as_istio = json!({"normalize_payload_in_metadata": {"space_delimited_claims": ["permission", "scope"]}});
    let lenient = jwt_authn_of_two(OTHER, "allow_missing_or_failed", &json!({}));
    let strict = jwt_authn_of_two(OTHER, "allow_missing", &as_istio);
    let chains = vec![vec![lenient, hold], vec![route, strict, gate]];
    let envoy = BareEnvoy::start(&Setup::before(server.address(), chains)).await;
    (server, envoy)
}

/// `hold`, `route` and `gate` with an endpoint that takes the tokens of one issuer for one audience.
async fn roles(server: &Upstream, change: impl FnOnce(&mut Value)) -> (Value, Value, Value) {
    let mut config: Value = serde_json::from_str(&configuration(server, "hold").await).unwrap();
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    config["requires"] = json!(["authentication"]);
    config["endpoints"][0]["authentication"] = json!({
        "policy": "test/auth",
        "issuers": [{"issuer": jwt::ISSUER, "audiences": [jwt::AUDIENCE]}],
        "denial": {
            "status": 401,
            "headers": [
                header("www-authenticate", CHALLENGE),
                header("content-type", "application/json"),
                header("x-gateway", "yes"),
                header("www-authenticate", "Basic"),
            ],
            "body": DENIAL,
        },
    });
    config["endpoints"][0]["protectedResource"] = json!({"members": MEMBERS});
    change(&mut config);
    let hold = mcp_filter(&config.to_string(), true);
    config["role"] = "route".into();
    let route = mcp_filter(&config.to_string(), false);
    let gate = mcp_filter(&configuration(server, "gate").await, false);
    (hold, route, gate)
}

async fn configuration(server: &Upstream, role: &str) -> String {
    let manifests = Manifests::gateway().server(&Server::new("plain", server.address()));
    rendered(&manifests, &["--role", role]).await
}

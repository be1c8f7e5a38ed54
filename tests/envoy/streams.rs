//! `GET` of the session revisions: news of lists, with `mcp-streams` beside the gateway.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::caller::{Open, PROTOCOLS, Protocol, Request};
use harness::gateway::{Gateway, Role};
use harness::issuer::Issuer;
use harness::manifests::{Manifests, Server, gateway_policy};
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::within;
use serde_json::json;

/// What is polled twice a second comes within this, however busy the machine is.
const SOON: Duration = Duration::from_secs(30);

/// What an event says of a list.
pub(crate) fn changed(list: &str) -> serde_json::Value {
    json!({"jsonrpc": "2.0", "method": format!("notifications/{list}/list_changed")})
}

/// A gateway with `mcp-streams` before a server with the prefix `first_`.
async fn start(role: Role) -> (Gateway, Upstream) {
    let first = Upstream::start(with_tool("one")).await;
    let manifests = Manifests::gateway().server(&Server::new("first", first.address()));
    (Gateway::streaming(role, &manifests).await, first)
}

fn with_tool(name: &str) -> Script {
    Script::with_tools(vec![Tool::new(name, Answer::Echo)])
}

fn with_resource(uri: &str) -> Script {
    Script {
        resources: vec![format!(r#"{{"uri":"{uri}","name":"r"}}"#)],
        ..Script::with_tools(Vec::new())
    }
}

/// Adds a server to the folder.
async fn add(gateway: &Gateway, name: &str, script: Script) -> Upstream {
    let upstream = Upstream::start(script).await;
    gateway.write(
        &format!("{name}.yaml"),
        &Server::new(name, upstream.address()).yaml(),
    );
    upstream
}

fn get(client: &Client) -> Request {
    client.stamped(Request::bare("GET").header("accept", "text/event-stream"))
}

/// Opens the stream and reads its first event; its id.
async fn listen(client: &Client, request: Request) -> (Open, String) {
    let mut stream = request.open(client.address, client.protocol).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let names = stream.headers.iter().map(|(name, _)| name.as_str());
    let inner: Vec<_> = names.filter(|name| name.starts_with("x-mcp-")).collect();
    assert!(inner.is_empty(), "{inner:?}");
    let first = stream.block().await.expect("a first event");
    let id = first.lines().find_map(|line| line.strip_prefix("id:"));
    let id = id
        .unwrap_or_else(|| panic!("an id: {first}"))
        .trim()
        .to_owned();
    assert!(
        first.lines().any(|line| line.starts_with("retry:")),
        "{first}"
    );
    (stream, id)
}

async fn next(stream: &mut Open) -> Option<serde_json::Value> {
    within("an event", SOON, stream.event()).await
}

in_both_roles! {
    async fn a_client_is_told_that_a_list_has_changed(role) {
        let (gateway, _first) = start(role).await;
        for protocol in PROTOCOLS {
            let mut client = Client::new(gateway.address(), protocol);
            let reply = client.initialize("2025-11-25", json!({})).await;
            let capabilities = &reply.result()["capabilities"];
            assert_eq!(capabilities["tools"]["listChanged"], true, "{capabilities}");
            let (mut stream, _) = listen(&client, get(&client)).await;
            let _second = add(&gateway, "second", with_tool("two")).await;
            assert_eq!(next(&mut stream).await, Some(changed("tools")));
            client.call("second_two", json!({})).await.result();
            gateway.remove("second.yaml");
            assert_eq!(next(&mut stream).await, Some(changed("tools")));
        }
    }

    async fn news_of_every_list_that_is_there_are_announced(role) {
        let first = Upstream::start(Script::standard()).await;
        let manifests = Manifests::gateway().server(&Server::new("first", first.address()));
        let gateway = Gateway::streaming(role, &manifests).await;
        let mut client = Client::new(gateway.address(), Protocol::Http1);
        let reply = client.initialize("2025-11-25", json!({})).await;
        let capabilities = &reply.result()["capabilities"];
        for list in ["tools", "prompts", "resources"] {
            assert_eq!(capabilities[list]["listChanged"], true, "{capabilities}");
        }
        assert_eq!(capabilities["resources"]["subscribe"], true);
    }

    async fn a_client_that_comes_back_is_told_what_has_changed_meanwhile_and_nothing_else(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let (stream, before) = listen(&client, get(&client)).await;
        drop(stream);
        let (mut other, _) = listen(&client, get(&client)).await;
        let _second = add(&gateway, "second", with_tool("two")).await;
        assert_eq!(next(&mut other).await, Some(changed("tools")));
        drop(other);

        let (mut back, _) = listen(&client, get(&client).header("last-event-id", &before)).await;
        assert_eq!(next(&mut back).await, Some(changed("tools")));
        drop(back);

        // Nothing is told for an id that was never given out: the next change is the first event.
        let (mut forged, _) = listen(&client, get(&client).header("last-event-id", "forged")).await;
        let _third = add(&gateway, "third", with_resource("third://one")).await;
        assert_eq!(next(&mut forged).await, Some(changed("resources")));
    }

    async fn a_session_has_one_stream_and_the_newer_one_is_it(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let other = Client::connected(gateway.address(), Protocol::Http1).await;
        let (mut older, _) = listen(&client, get(&client)).await;
        let (mut others, _) = listen(&other, get(&other)).await;
        let (mut newer, _) = listen(&client, get(&client)).await;
        assert_eq!(next(&mut older).await, None, "it has ended");
        let _second = add(&gateway, "second", with_tool("two")).await;
        assert_eq!(next(&mut newer).await, Some(changed("tools")));
        assert_eq!(next(&mut others).await, Some(changed("tools")));
    }

    async fn the_end_of_a_session_ends_its_stream(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let (mut stream, _) = listen(&client, get(&client)).await;
        assert!(client.delete().await.status < 300);
        // It is looked after with others' words where there are several; here there is one.
        assert_eq!(next(&mut stream).await, None);
        let gone = get(&client).send(client.address, client.protocol).await;
        assert_eq!(gone.status, 404, "{}", gone.shown());
    }

    async fn silence_is_kept_alive(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let (mut stream, _) = listen(&client, get(&client)).await;
        let comment = within("a comment", SOON, stream.block()).await.expect("a stream that goes on");
        assert!(comment.starts_with(':'), "{comment}");
    }

    async fn who_may_not_listen_is_refused_as_the_transport_says(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let status = async |request: Request| request.send(client.address, client.protocol).await.status;
        assert_eq!(status(get(&client).without("accept").header("accept", "application/json")).await, 406);
        assert_eq!(status(get(&client).without("mcp-session-id").header("mcp-session-id", "unknown")).await, 404);
        let newer = get(&client).without("mcp-protocol-version").header("mcp-protocol-version", "2026-07-28");
        assert_eq!(status(newer).await, 405);
    }

    async fn while_mcp_streams_is_away_there_is_no_stream_and_all_else_goes_on(role) {
        let (gateway, _first) = start(role).await;
        std::fs::remove_file(gateway.streams_socket()).expect("a socket");
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let reply = get(&client).send(client.address, client.protocol).await;
        assert_eq!(reply.status, 405, "{}", reply.shown());
        client.call("first_one", json!({})).await.result();
    }

    async fn without_the_option_there_is_no_stream_and_none_is_announced(role) {
        let first = Upstream::start(with_tool("one")).await;
        let manifests = Manifests::gateway().server(&Server::new("first", first.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let mut client = Client::new(gateway.address(), Protocol::Http1);
        let capabilities = client.initialize("2025-11-25", json!({})).await.result()["capabilities"].clone();
        assert_eq!(capabilities["tools"], json!({}));
        assert_eq!(get(&client).send(client.address, client.protocol).await.status, 405);
        assert!(!gateway.streams_socket().exists());
    }

    async fn what_gateway_and_mcp_streams_tell_each_other_stays_between_them(role) {
        let (gateway, first) = start(role).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await
            .header("x-mcp-streams-ticket", "forged")
            .header("x-mcp-streams-authority", "elsewhere")
            .header("x-mcp-streams-caller", "00");
        let reply = client.call("first_one", json!({})).await;
        reply.result();
        assert!(reply.headers.iter().all(|(name, _)| !name.starts_with("x-mcp-")), "{}", reply.shown());
        let call = first.call_from(client.mark());
        let mut names = call.headers.keys().map(http::HeaderName::as_str);
        assert!(names.all(|name| !name.starts_with("x-mcp-streams")), "{call:?}");
        // Nor does a forged word open what is between them.
        let (stream, _) = listen(&client, get(&client)).await;
        drop(stream);
        let forged = get(&client).header("x-mcp-streams", "catalog");
        assert_eq!(forged.send(client.address, client.protocol).await.status, 403);
        let stranger = Client::new(gateway.address(), Protocol::Http1);
        for host in ["mcp-streams.internal", "MCP-Streams.Internal:80"] {
            let request = get(&stranger).host(host).path("/mcp-streams");
            let refused = request.send(stranger.address, stranger.protocol).await;
            assert!(matches!(refused.status, 403 | 404 | 421), "{}", refused.shown());
        }
    }

    async fn a_stream_is_its_users_and_ends_with_the_token(role) {
        let (issuer, first) = (Issuer::start().await, Upstream::start(with_tool("one")).await);
        let manifests = Manifests::gateway().server(&Server::new("first", first.address()))
            .file("policy.yaml", &gateway_policy(issuer.url()));
        let gateway = Gateway::streaming(role, &manifests).await;
        let of = |bearer: String| Client::new(gateway.address(), Protocol::Http1).header("authorization", bearer);
        // Envoy takes a token for a minute longer than it says: this one for ten seconds from now on.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut ada = of(issuer.bearer_with("ada", json!({"exp": now - 50})));
        assert_eq!(ada.initialize("2025-11-25", json!({})).await.status, 200);
        let grace = Client { session: ada.session.clone(), version: ada.version.clone(), ..of(issuer.bearer("grace")) };
        let nobody = Client { headers: Vec::new(), ..grace.clone() };
        assert_eq!(get(&grace).send(grace.address, grace.protocol).await.status, 404, "another's session");
        assert_eq!(get(&nobody).send(nobody.address, nobody.protocol).await.status, 401);
        let (mut stream, _) = listen(&ada, get(&ada)).await;
        assert_eq!(next(&mut stream).await, None, "it ends with the token");
        assert_eq!(get(&ada).send(ada.address, ada.protocol).await.status, 401);
    }
}

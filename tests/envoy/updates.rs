//! `notifications/resources/updated` outside calls: from servers of either era to clients of either era.

use std::time::Duration;

use harness::caller::{Open, Protocol, Request};
use harness::feed::Feed;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Eras, Script};
use harness::sessions::Client;
use harness::stateless::request;
use harness::upstream::Upstream;
use harness::wait::{until, within};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const URI: &str = "kept://one";

/// A gateway with `mcp-streams` before two servers with resources, of which the first says what the feed does. What nobody
/// lists would be looked for at an only server.
async fn start(role: Role, eras: Eras) -> (Gateway, [Upstream; 2], Feed) {
    let feed = Feed::default();
    let script = Script {
        eras,
        feed: Some(feed.clone()),
        resources: vec![format!(r#"{{"uri":"{URI}","name":"one"}}"#)],
        ..Script::with_tools(Vec::new()).with_sessions()
    };
    let server = Upstream::start(script).await;
    let other = Script {
        resources: vec![r#"{"uri":"other://one","name":"one"}"#.to_owned()],
        ..Script::with_tools(Vec::new())
    };
    let other = Upstream::start(other).await;
    let manifests = Manifests::gateway()
        .server(&Server::new("kept", server.address()))
        .server(&Server::new("other", other.address()));
    let gateway = Gateway::streaming(role, &manifests).await;
    (gateway, [server, other], feed)
}

fn updated(meta: Option<Value>) -> Value {
    let params = match meta {
        Some(meta) => json!({"uri": URI, "_meta": meta}),
        None => json!({"uri": URI}),
    };
    json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params})
}

async fn until_heard(feed: &Feed, count: usize) {
    let what = format!("the server has {count} streams");
    until(&what, SOON, || async {
        (feed.listeners() == count).then_some(())
    })
    .await;
}

async fn next(stream: &mut Open) -> Value {
    within("an event", SOON, stream.event())
        .await
        .expect("an event before the end")
}

async fn get(client: &Client) -> Open {
    let request = client.stamped(Request::bare("GET").header("accept", "text/event-stream"));
    let stream = request.open(client.address, client.protocol).await;
    assert_eq!(stream.status, 200);
    stream
}

async fn listen(client: &Client, uris: &[&str]) -> Open {
    let params = json!({"notifications": {"resourceSubscriptions": uris}});
    let mut stream = request(client, "subscriptions/listen", &params)
        .open(client.address, client.protocol)
        .await;
    let ack = next(&mut stream).await;
    assert_eq!(
        ack["method"], "notifications/subscriptions/acknowledged",
        "{ack}"
    );
    assert_eq!(
        ack["params"]["notifications"]["resourceSubscriptions"],
        json!([URI]),
        "only what can be had"
    );
    stream
}

/// A client with a session that has subscribed hears of it on its stream, and the server has no stream when it has gone.
async fn with_a_session(role: Role, eras: Eras) {
    let (gateway, _servers, feed) = start(role, eras).await;
    let client = Client::connected(gateway.address(), Protocol::Http1).await;
    let mut stream = get(&client).await;
    let reply = client
        .request("resources/subscribe", &json!({"uri": URI}))
        .await;
    reply.result();
    until_heard(&feed, 1).await;
    // A server of the other era says whose it is; that is no client's business.
    let meta = (eras == Eras::Stateless).then(|| json!({SUBSCRIPTION: "of the server's client"}));
    feed.say(&updated(meta).to_string());
    let told = next(&mut stream).await;
    assert_eq!(
        (&told["method"], &told["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!(URI))
    );
    assert_eq!(told["params"]["_meta"].get(SUBSCRIPTION), None, "{told}");
    drop(stream);
    until_heard(&feed, 0).await;
}

/// A client that listens hears of it tagged with its own id, and is told what it cannot have.
async fn without_a_session(role: Role, eras: Eras) {
    let (gateway, _servers, feed) = start(role, eras).await;
    let client = Client::new(gateway.address(), Protocol::Http1);
    let mut stream = listen(&client, &[URI, "nobody://x"]).await;
    until_heard(&feed, 1).await;
    feed.say(&updated(None).to_string());
    let told = next(&mut stream).await;
    assert_eq!(
        (&told["method"], &told["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!(URI))
    );
    assert_eq!(told["params"]["_meta"][SUBSCRIPTION], 7, "{told}");
    drop(stream);
    until_heard(&feed, 0).await;
}

in_both_roles! {
    async fn a_session_hears_of_a_server_of_sessions(role) {
        with_a_session(role, Eras::Sessions).await;
    }

    async fn a_session_hears_of_a_stateless_server(role) {
        with_a_session(role, Eras::Stateless).await;
    }

    async fn a_listener_hears_of_a_server_of_sessions(role) {
        without_a_session(role, Eras::Sessions).await;
    }

    async fn a_listener_hears_of_a_stateless_server(role) {
        without_a_session(role, Eras::Stateless).await;
    }
}

//! `subscriptions/listen` of the stateless revision, with `mcp-streams` beside the gateway.

use std::time::{Duration, Instant};

use harness::caller::{Open, PROTOCOLS, Protocol};
use harness::feed::Feed;
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Eras, Script, Tool};
use harness::sessions::Client;
use harness::stateless::{ask, request};
use harness::upstream::Upstream;
use harness::wait::{until, within};
use rustix::process::Signal;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

async fn start(role: Role) -> (Gateway, Upstream) {
    let first = Upstream::start(with_tool("one")).await;
    let manifests = Manifests::gateway().server(&Server::new("first", first.address()));
    (Gateway::streaming(role, &manifests).await, first)
}

fn with_tool(name: &str) -> Script {
    Script::with_tools(vec![Tool::new(name, Answer::Echo)])
}

async fn listen(client: &Client, notifications: Value) -> Open {
    let params = json!({"notifications": notifications});
    let stream = request(client, "subscriptions/listen", &params);
    let stream = stream.open(client.address, client.protocol).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let inner = stream
        .headers
        .iter()
        .any(|(name, _)| name.starts_with("x-mcp-"));
    assert!(!inner, "{:?}", stream.headers);
    stream
}

/// What a server says to who has subscribed to it, once somebody has.
async fn tell_change(server: &Upstream, feed: &Feed) {
    until("control listens", SOON, || async {
        (feed.listeners() == 1).then_some(())
    })
    .await;
    let received = server.received();
    let mut asked = received.iter().rev();
    let asked = asked.find(|request| request.rpc_method() == "subscriptions/listen");
    let asked: Value = serde_json::from_str(asked.expect("a subscription").text()).unwrap();
    let message = json!({
        "jsonrpc": "2.0",
        "method": "notifications/tools/list_changed",
        "params": {"_meta": {SUBSCRIPTION: asked["id"]}},
    });
    feed.say(&message.to_string());
}

/// A server of this revision alone that tells changes on `feed`.
fn telling(feed: &Feed) -> Script {
    Script {
        eras: Eras::Stateless,
        tells_changes: true,
        feed: Some(feed.clone()),
        ..with_tool("one")
    }
}

async fn next(stream: &mut Open) -> Option<Value> {
    within("an event", SOON, stream.event()).await
}

in_both_roles! {
    async fn a_client_hears_what_it_asked_for_tagged_with_its_id(role) {
        let (gateway, _first) = start(role).await;
        for protocol in PROTOCOLS {
            let client = Client::new(gateway.address(), protocol);
            let offered = ask(&client, "server/discover", &json!({})).await.result()["capabilities"].clone();
            assert_eq!(offered["tools"]["listChanged"], true, "{offered}");
            let mut tools = listen(&client, json!({"toolsListChanged": true})).await;
            let mut resources = listen(&client, json!({"resourcesListChanged": true, "promptsListChanged": false})).await;
            for (stream, asked) in [(&mut tools, "toolsListChanged"), (&mut resources, "resourcesListChanged")] {
                let ack = next(stream).await.expect("an acknowledgement");
                assert_eq!(ack["method"], "notifications/subscriptions/acknowledged", "{ack}");
                assert_eq!(ack["params"]["_meta"][SUBSCRIPTION], 7, "{ack}");
                assert_eq!(ack["params"]["notifications"][asked], true, "{ack}");
            }
            let second = Upstream::start(with_tool("two")).await;
            gateway.write("second.yaml", &Server::new("second", second.address()).yaml());
            let told = next(&mut tools).await.expect("news");
            assert_eq!(told["method"], "notifications/tools/list_changed");
            assert_eq!(told["params"]["_meta"][SUBSCRIPTION], 7, "{told}");
            // The other one hears of resources first, for tools are none of its.
            let third = Upstream::start(Script {
                resources: vec![r#"{"uri":"third://one","name":"r"}"#.to_owned()],
                ..Script::with_tools(Vec::new())
            }).await;
            gateway.write("third.yaml", &Server::new("third", third.address()).yaml());
            let told = next(&mut resources).await.expect("news");
            assert_eq!(told["method"], "notifications/resources/list_changed");
            gateway.remove("second.yaml");
            gateway.remove("third.yaml");
            assert_eq!(next(&mut tools).await.expect("news")["method"], "notifications/tools/list_changed");
            assert_eq!(next(&mut resources).await.expect("news")["method"], "notifications/resources/list_changed");
        }
    }

    async fn what_is_listened_for_must_be_said(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::new(gateway.address(), Protocol::Http1);
        for params in [json!({}), json!({"notifications": 1})] {
            ask(&client, "subscriptions/listen", &params).await.assert_error(400, -32602, &json!(7));
        }
    }

    async fn the_end_of_the_gateway_is_a_result(role) {
        let (gateway, _first) = start(role).await;
        let client = Client::new(gateway.address(), Protocol::Http1);
        let mut stream = listen(&client, json!({"toolsListChanged": true})).await;
        next(&mut stream).await.expect("an acknowledgement");
        let (status, last) = tokio::join!(gateway.stop(Signal::TERM), next(&mut stream));
        assert!(status.success(), "{status}");
        let last = last.expect("a result");
        assert_eq!(last["id"], 7);
        assert_eq!(last["result"]["resultType"], "complete", "{last}");
        assert_eq!(last["result"]["_meta"][SUBSCRIPTION], 7, "{last}");
        assert_eq!(next(&mut stream).await, None);
    }

    async fn while_mcp_streams_is_away_who_wants_to_listen_shall_come_again(role) {
        let (gateway, _first) = start(role).await;
        std::fs::remove_file(gateway.streams_socket()).expect("a socket");
        let client = Client::new(gateway.address(), Protocol::Http1);
        let params = json!({"notifications": {"toolsListChanged": true}});
        ask(&client, "subscriptions/listen", &params).await.assert_error(503, -32603, &json!(7));
        ask(&client, "tools/call", &json!({"name": "first_one"})).await.result();
    }

    /// That it takes no two seconds is the best of three tries: what other programs delay, they delay now and then.
    async fn a_change_that_a_server_tells_is_told_and_listed_within_two_seconds(role) {
        let feed = Feed::default();
        let server = Upstream::start(telling(&feed)).await;
        let manifests = Manifests::gateway().server(&Server::new("first", server.address()));
        let gateway = Gateway::streaming(role, &manifests).await;
        let client = Client::new(gateway.address(), Protocol::Http2);
        let mut stream = listen(&client, json!({"toolsListChanged": true})).await;
        next(&mut stream).await.expect("an acknowledgement");
        let mut best = SOON;
        for name in ["two", "three", "four"] {
            server.list_more(Tool::new(name, Answer::Echo));
            let start = Instant::now();
            tell_change(&server, &feed).await;
            let told = next(&mut stream).await.expect("news");
            best = best.min(start.elapsed());
            assert_eq!(told["method"], "notifications/tools/list_changed");
            let tools = ask(&client, "tools/list", &json!({})).await.result()["tools"].clone();
            let mut tools = tools.as_array().expect("tools").iter();
            assert!(tools.any(|tool| tool["name"] == format!("first_{name}")), "{name}");
        }
        assert!(best < Duration::from_secs(2), "{best:?}");
        let subscriptions = server.received();
        let subscriptions = subscriptions.iter().filter(|request| request.rpc_method() == "subscriptions/listen");
        // Another where a pass has failed meanwhile.
        assert!((1..=2).contains(&subscriptions.count()));
    }

    async fn a_change_that_a_server_tells_and_that_is_none_is_told_to_who_asked_for_its_list(role) {
        let feed = Feed::default();
        let server = Upstream::start(telling(&feed)).await;
        let manifests = Manifests::gateway().server(&Server::new("first", server.address()));
        let gateway = Gateway::streaming(role, &manifests).await;
        let client = Client::new(gateway.address(), Protocol::Http2);
        let all = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
        let mut stream = listen(&client, all).await;
        next(&mut stream).await.expect("an acknowledgement");
        let tools = ask(&client, "tools/list", &json!({})).await.result()["tools"].clone();
        for _ in 0..2 {
            tell_change(&server, &feed).await;
            let told = next(&mut stream).await.expect("news");
            assert_eq!(told["method"], "notifications/tools/list_changed");
        }
        assert_eq!(ask(&client, "tools/list", &json!({})).await.result()["tools"], tools);
    }

    async fn whatever_servers_say_to_who_listens_they_are_served_and_the_others_heard(role) {
        let (good, bad, brief) = (Feed::default(), Feed::default(), Feed::default());
        let server = Upstream::start(telling(&good)).await;
        let mut manifests = Manifests::gateway().server(&Server::new("first", server.address()));
        let mut others = Vec::new();
        for (name, feed) in [("bad", Some(&bad)), ("brief", Some(&brief)), ("none", None)] {
            let script = Script { feed: feed.cloned(), ..telling(&bad) };
            let other = Upstream::start(script).await;
            manifests = manifests.server(&Server::new(name, other.address()));
            others.push(other);
        }
        let gateway = Gateway::streaming(role, &manifests).await;
        let client = Client::new(gateway.address(), Protocol::Http1);
        let mut stream = listen(&client, json!({"toolsListChanged": true})).await;
        next(&mut stream).await.expect("an acknowledgement");
        for feed in [&bad, &brief] {
            until("control listens", SOON, || async { (feed.listeners() == 1).then_some(()) }).await;
        }
        for garbage in ["{", "[]", r#"{"method":7}"#, "\u{e9}", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#] {
            bad.say(garbage);
        }
        brief.end();
        server.list_more(Tool::new("two", Answer::Echo));
        tell_change(&server, &good).await;
        let told = next(&mut stream).await.expect("news");
        assert_eq!(told["method"], "notifications/tools/list_changed");
        for name in ["first_one", "bad_one", "brief_one", "none_one"] {
            ask(&client, "tools/call", &json!({"name": name})).await.result();
        }
        let asked = |server: &Upstream| {
            let received = server.received();
            received.iter().filter(|request| request.rpc_method() == "subscriptions/listen").count()
        };
        // Its subscription has ended, so it is asked for another.
        until("control listens again", SOON, || async { (asked(&others[1]) >= 2).then_some(()) }).await;
        for other in [&others[0], &others[2]] {
            assert!((1..=2).contains(&asked(other)), "{}", asked(other));
        }
    }
}

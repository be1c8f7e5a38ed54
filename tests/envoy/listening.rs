//! `subscriptions/listen` of the stateless revision, with `mcp-streams` beside the gateway.

use std::time::Duration;

use harness::caller::{Open, PROTOCOLS, Protocol};
use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::stateless::{ask, request};
use harness::upstream::Upstream;
use harness::wait::within;
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
}

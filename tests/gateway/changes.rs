//! What a client notices of changes of a gateway of Istio while it is in the midst of something.

use std::collections::BTreeSet;

use harness::caller::{Open, PROTOCOLS};
use harness::feed::Feed;
use harness::jwt::{ISSUER, keys};
use harness::load::Load;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use mcp_control::render::LARGEST_OBJECT_BYTES;
use serde_json::{Value, json};

use crate::faults::{SOME, names, serve};
use crate::managed::{CONSEQUENCE, Managed};

/// Registrations that are applied while a stream is open.
const CHANGES: usize = 5;

/// Tools that nearly fill an object.
const MANY: u64 = 260;

/// Bytes of each that nothing makes shorter.
const TOOL_BYTES: usize = 5_000;

/// The tools beside these.
const SMALL: usize = 3;

/// Requests that show that the gateway serves, where each list has all of these.
const FEW: u64 = 20;

/// Changes of Envoy's listeners.
pub(crate) const REPLACED: &str = "listener_manager.listener_modified";

/// What Envoy has of changed listeners: they take no connections any more, and still have some. Where nothing but its
/// filters has changed, a listener goes on with others for new connections.
const DRAINING: &str = "listener_manager.total_filter_chains_draining";

tests! {
    async fn a_stream_goes_on_over_changes_of_the_configuration_and_loses_no_byte() {
        let managed = Managed::start().await;
        let (feed, upstream) = tell(&managed).await;
        let mut streams = open(&managed, &feed).await;
        let replaced = managed.proxy.statistic(REPLACED).await;
        for number in 0..CHANGES {
            let name = format!("later-{number}");
            managed.kubernetes.apply(&Server::new(&name, upstream.address()).yaml()).await;
            managed.until_ready(&name, "True", "Ready").await;
            assert!(names(&managed).await.contains(&format!("later_{number}_told")), "{name} is served");
            assert_goes_on(&mut streams, &feed, number + 1).await;
        }
        assert_eq!(managed.proxy.statistic(REPLACED).await, replaced, "no change was one of the listener");
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}}).to_string();
        feed.say(&answer);
        feed.end();
        for stream in streams {
            let rest = stream.rest().await;
            assert!(rest.complete, "{}", rest.shown());
            assert_eq!(rest.text(), format!("event: message\ndata: {answer}\n\n"));
        }
    }

    async fn a_change_of_the_listeners_filters_fails_no_request_and_cuts_streams_visibly_after_the_drain() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let (feed, _told) = tell(&managed).await;
        let mut streams = open(&managed, &feed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        managed.kubernetes.submit(authentication()).await.unwrap();
        until("the listener has another filter", CONSEQUENCE, || async {
            let filters = managed.proxy.filters(managed.address().port()).await;
            filters.iter().any(|filter| filter.contains("jwt_authn")).then_some(())
        }).await;
        assert!(managed.proxy.statistic(DRAINING).await > 0, "what has no such filter drains");
        assert_goes_on(&mut streams, &feed, 1).await;
        let mut newer = open(&managed, &feed).await;
        load.until_more(SOME).await;
        until("the drain is over", CONSEQUENCE, || async {
            (managed.proxy.statistic(DRAINING).await == 0).then_some(())
        }).await;
        for stream in streams {
            let rest = stream.rest().await;
            assert!(!rest.complete, "cut, and shown to be: {}", rest.shown());
        }
        assert_goes_on(&mut newer, &feed, 2).await;
        load.until_more(SOME).await;
        load.stop().await;
    }

    async fn a_configuration_near_the_largest_is_listed_whole_and_no_request_fails_while_it_changes() {
        assert_a_large_configuration_is_served(&Managed::start().await).await;
    }
}

/// Asserts that the gateway serves a configuration near the largest that goes into one object, and that no request fails
/// while it changes.
pub(crate) async fn assert_a_large_configuration_is_served(managed: &Managed) {
    let echo = serve(managed).await;
    let tool = |number| Tool::of_size(&format!("tool-{number}"), (number, TOOL_BYTES));
    let many = Upstream::start(Script::with_tools((0..MANY).map(tool).collect())).await;
    managed
        .kubernetes
        .apply(&Server::new("many", many.address()).yaml())
        .await;
    managed.until_ready("many", "True", "Ready").await;
    let objects = [
        managed.plugins("AUTHN").await,
        managed.envoy_filters().await,
    ];
    let [object] = <[Value; 1]>::try_from(objects.concat()).expect("one with the configuration");
    let bytes = object["spec"].to_string().len();
    let near = LARGEST_OBJECT_BYTES * 9 / 10..LARGEST_OBJECT_BYTES;
    assert!(near.contains(&bytes), "{bytes} are near the largest");
    let load = Load::start(&managed.client(), "echo_greet", "greet");
    let mut served: BTreeSet<_> = (0..MANY)
        .map(|number| format!("many_tool-{number}"))
        .collect();
    served.insert("echo_greet".to_owned());
    for name in ["one", "two"] {
        assert_eq!(names(managed).await, served);
        managed
            .kubernetes
            .apply(&Server::new(name, echo.address()).yaml())
            .await;
        managed.until_ready(name, "True", "Ready").await;
        served.insert(format!("{name}_greet"));
        load.until_more(FEW).await;
    }
    assert_eq!(names(managed).await, served);
    load.stop().await;
    let listed = managed.client().list("tools/list", "tools").await;
    let whole = listed.iter().filter(|tool| tool.len() > TOOL_BYTES).count();
    assert_eq!(
        whole,
        served.len() - SMALL,
        "with what their descriptions say"
    );
}

/// A server whose only tool answers with what the feed says, as `told_told`.
pub(crate) async fn tell(managed: &Managed) -> (Feed, Upstream) {
    let feed = Feed::default();
    let tools = vec![Tool::new("told", Answer::Fed(feed.clone()))];
    let upstream = Upstream::start(Script::with_tools(tools)).await;
    let server = Server::new("told", upstream.address());
    managed.kubernetes.apply(&server.yaml()).await;
    managed.until_ready("told", "True", "Ready").await;
    (feed, upstream)
}

/// A call over each protocol whose answer has begun.
pub(crate) async fn open(managed: &Managed, feed: &Feed) -> Vec<Open> {
    let mut streams = Vec::new();
    for protocol in PROTOCOLS {
        let client = Client {
            protocol,
            ..managed.client()
        };
        let heard = feed.listeners();
        let stream = client.open_call("told_told", json!({})).await;
        assert_eq!(stream.status, 200);
        assert_eq!(
            feed.listeners(),
            heard + 1,
            "the call is answered by the feed"
        );
        streams.push(stream);
    }
    streams
}

/// Asserts that what the feed says now is what comes next, over each stream.
pub(crate) async fn assert_goes_on(streams: &mut [Open], feed: &Feed, number: usize) {
    let note = json!({
        "jsonrpc": "2.0",
        "method": "notifications/message",
        "params": {"level": "info", "data": number},
    });
    feed.say(&note.to_string());
    for stream in streams {
        assert_eq!(stream.event().await, Some(note.clone()));
    }
}

/// Has tokens verified where there are any: another filter of the listener.
pub(crate) fn authentication() -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "tokens", "namespace": "gateway-system"},
        "spec": {
            "targetRefs": [{
                "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "mcp-gateway",
            }],
            "jwtRules": [{"issuer": ISSUER, "jwks": keys().to_string()}],
        },
    })
}

//! The older guide on Istio, before all tools that GitHub's server has.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use harness::caller::{Protocol, Request};
use harness::github::{login, token};
use harness::sessions::items_of;
use harness::wait::{until, within};
use http::Version;
use serde_json::{Value, json};

use crate::managed::{AT_ONCE, CONSEQUENCE, HOST, Managed, login_of, until_login};
use crate::manifests::own;
use crate::platform::SERVER_HOST;

/// The cluster to which the route has to lead: an ExternalName Service is an alias, so that the DestinationRule counts.
const CLUSTER: &str = "outbound|443||api.githubcopilot.com";

/// What the DestinationRule allows, of connections and of requests that wait for one.
const POOL: usize = 10;

/// Those of the pool, and one connection more for each of Envoy's two threads, if it has none.
const PLACES: usize = 2 * POOL + 2;

/// How many calls come at once.
const CALLS: usize = 50;

const LISTENER: &str = "kubectl patch gateway mcp-gateway -n gateway-system --type json \
    -p=\"$(cat examples/github/kagenti/step-1-gateway-listener.jsonpatch)\"";

/// What the guide applies then, in its order.
const APPLIED: [&str; 6] = [
    "kagenti/step-2-http-route.yaml",
    "kagenti/step-3-service.yaml",
    "kagenti/step-4-service-entry.yaml",
    "kagenti/step-5-destination-rule.yaml",
    "kagenti/step-6-secret.yaml",
    "kagenti/step-7-mcp-server.yaml",
];

/// The last lines of the guide.
const CLEANUP: [&str; 7] = [
    "kubectl delete mcpserver github -n mcp-test",
    "kubectl delete httproute github-mcp-external -n mcp-test",
    "kubectl delete service api-githubcopilot-com -n mcp-test",
    "kubectl delete serviceentry github-mcp-external -n mcp-test",
    "kubectl delete destinationrule github-mcp-external -n mcp-test",
    "kubectl delete secret github-token -n mcp-test",
    "kubectl get gateway mcp-gateway -n gateway-system -o json | \
        jq 'del(.spec.listeners[] | select(.name == \"github-external\"))' | \
        kubectl apply -f -",
];

/// In the place of jq, where a machine has none, for the one thing that the guide has it do.
const JQ: &str = "command -v jq >/dev/null || jq() { python3 -c 'import json, sys
gateway = json.load(sys.stdin)
listeners = gateway[\"spec\"][\"listeners\"]
listeners[:] = [one for one in listeners if one[\"name\"] != \"github-external\"]
json.dump(gateway, sys.stdout)'; }\n";

tests! {
    async fn what_the_older_guide_applies_serves_all_tools_of_githubs_and_what_it_deletes_takes_them_away() {
        let managed = Managed::before("all").await;
        managed.trust().await;
        managed.run(LISTENER).await;
        for name in APPLIED {
            managed.apply(name).await;
            if name.ends_with("service-entry.yaml") {
                managed.lead_here("github-mcp-external").await;
            }
        }
        within("its line is in the log", CONSEQUENCE, managed.until_told(&["Discovered", "tools", "github"])).await;
        let kind = ("mcp.kagenti.com/v1alpha1", "MCPServer");
        let ready = managed.until_condition(kind, "github", ("True", "Ready")).await;
        let direct = managed.offered().await;
        assert!(direct.len() > 80, "all toolsets have {} tools", direct.len());
        assert_eq!(ready["status"]["discoveredTools"], direct.len());
        assert!(managed.run("kubectl get mcpservers -n mcp-test").await.contains("github"));
        assert_listed_without_accept(&managed, &direct).await;
        assert_led_by_the_destination_rule(&managed).await;
        assert_nobody_comes_in_by_the_listener(&managed).await;

        managed.kubernetes.define(&own("auth-policy.yaml", &[])).await;
        managed.apply("part-2/step-9-route-policy.yaml").await;
        until_login(&managed, 'a').await;
        assert_fifty_at_once_are_answered(&managed).await;
        assert_what_the_pool_has_no_place_for_is_told(&managed).await;

        for line in CLEANUP {
            within(line, AT_ONCE, managed.run(&format!("{JQ}{line}"))).await;
        }
        managed.until_none_listed().await;
        let gateway = managed.run("kubectl get gateway mcp-gateway -n gateway-system -o json").await;
        let gateway: Value = serde_json::from_str(&gateway).unwrap();
        let listeners = gateway["spec"]["listeners"].as_array().unwrap();
        let names: Vec<_> = listeners.iter().map(|listener| listener["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["mcp", "mcps", "internal"]);
    }
}

/// The guide's curl: no session, no `Accept` but curl's own, and the port that the Gateway has.
async fn assert_listed_without_accept(managed: &Managed, direct: &[String]) {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let curl = Request::post(list.to_string())
        .without("accept")
        .header("accept", "*/*")
        .host(&format!("{HOST}:8080"));
    let reply = curl.send(managed.address(), Protocol::Http1).await;
    assert_eq!(reply.status, 200, "{}", reply.shown());
    let listed = items_of(&reply.message_bytes(), "tools");
    let unprefixed = listed
        .iter()
        .map(|tool| tool.replacen("\"name\":\"github_", "\"name\":\"", 1));
    let direct: BTreeSet<_> = direct.iter().cloned().collect();
    assert_eq!(unprefixed.collect::<BTreeSet<_>>(), direct);
}

/// The route leads to the cluster of the ServiceEntry, with what the DestinationRule says of it.
async fn assert_led_by_the_destination_rule(managed: &Managed) {
    let told = managed.proxy.ask_envoy("/clusters").await;
    for bound in ["max_connections", "max_pending_requests"] {
        let line = format!("{CLUSTER}::default_priority::{bound}::{POOL}");
        assert!(told.lines().any(|one| one == line), "{line} in {told}");
    }
    let requests = managed.server.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.server_name.as_deref(), Some(SERVER_HOST));
        assert_eq!(request.authority.as_deref(), Some(SERVER_HOST));
        assert_eq!(
            request.version,
            Version::HTTP_2,
            "by h2UpgradePolicy, over TLS"
        );
    }
    let most = managed.server.most_in_flight();
    assert_eq!(most, 1, "discovery asks one thing after the other");
}

/// The listener that the guide adds is for control and the filter alone.
async fn assert_nobody_comes_in_by_the_listener(managed: &Managed) {
    let before = managed.server.requests().len();
    let reply = managed
        .client()
        .naming(SERVER_HOST)
        .request("tools/list", &json!({}))
        .await;
    assert_eq!(reply.status, 403, "{}", reply.shown());
    assert_eq!(managed.server.requests().len(), before);
}

/// All of them over a few connections, as HTTP/2 has it.
async fn assert_fifty_at_once_are_answered(managed: &Managed) {
    let replies = fifty_at_once(managed).await;
    assert!(replies.iter().all(is_answered), "{replies:#?}");
    let most = managed.server.most_connections();
    assert!(most <= POOL, "{most} connections");
}

/// The same with HTTP/1.1, and a server that is slow: a connection for each call. What has no place is told at once.
async fn assert_what_the_pool_has_no_place_for_is_told(managed: &Managed) {
    let http1 = json!({"spec": {"trafficPolicy": {"connectionPool": {"http": {"h2UpgradePolicy": "DO_NOT_UPGRADE"}}}}});
    let patch = "kubectl patch destinationrule github-mcp-external -n mcp-test --type merge";
    managed.run(&format!("{patch} -p '{http1}'")).await;
    until("the gateway speaks HTTP/1.1", CONSEQUENCE, || async {
        login_of(managed, 'a').await?;
        let last = managed.server.requests().pop()?;
        (last.version == Version::HTTP_11).then_some(())
    })
    .await;
    managed.server.hold();
    let told = &AtomicUsize::new(0);
    let calls = (1..=CALLS).map(|id| async move {
        let reply = call(managed, id).await;
        told.fetch_add(1, Ordering::Relaxed);
        reply
    });
    let release = async {
        until("what has no place is told", CONSEQUENCE, || async {
            (told.load(Ordering::Relaxed) >= CALLS - PLACES).then_some(())
        })
        .await;
        managed.server.release();
    };
    let (replies, ()) = tokio::join!(join_all(calls), release);
    let (answered, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(is_answered);
    // As long as connections are made, their calls are among those that wait.
    assert!(answered.len() >= POOL, "{}", answered.len());
    assert!(refused.len() >= CALLS - PLACES, "{refused:#?}");
    for (id, message) in refused {
        let error = message["error"]["message"].as_str().unwrap_or_default();
        assert!(
            error.contains("mcp-test/github could not be reached (gateway status 503)"),
            "{id}: {message}"
        );
    }
}

/// Each with its own id, and an answer that has it.
async fn fifty_at_once(managed: &Managed) -> Vec<(usize, Value)> {
    join_all((1..=CALLS).map(|id| call(managed, id))).await
}

/// Calls `get_me` with this id. Gives the answer, which has the same.
async fn call(managed: &Managed, id: usize) -> (usize, Value) {
    let client = managed.client().header("x-github-pat", token('a'));
    let params = json!({"name": "github_get_me", "arguments": {}});
    let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
    let reply = client.send(call.to_string()).await;
    let message = reply.message();
    assert_eq!(message["id"], id, "{}", reply.shown());
    (id, message)
}

fn is_answered((_, message): &(usize, Value)) -> bool {
    let text = message["result"]["content"][0]["text"].as_str();
    text.is_some_and(|text| text.contains(&login(&token('a'))))
}

//! What fails around a gateway of Istio, and what clients notice of it.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::load::Load;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::managed::Managed;

/// Longer takes nothing that follows from an object, on a busy machine.
const CONSEQUENCE: Duration = Duration::from_secs(60);

/// An istiod that was killed leaves leases behind, which have to end before another writes statuses of routes.
const AFTER_ISTIOD: Duration = Duration::from_secs(120);

/// Requests that show that the gateway serves.
pub(crate) const SOME: u64 = 60;

tests! {
    async fn no_request_fails_while_istiod_the_apiserver_or_control_is_down_and_what_comes_after_is_served() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        managed.istiod.kill().await;
        load.until_more(SOME).await;
        managed.start_istiod_again().await;
        load.until_more(SOME).await;
        managed.kubernetes.kill_apiserver().await;
        load.until_more(SOME).await;
        managed.kubernetes.start_apiserver().await;
        managed.kill_control().await;
        load.until_more(SOME).await;
        managed.start_control().await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        until("what was applied later is served", AFTER_ISTIOD, || async {
            names(&managed).await.contains("later_greet").then_some(())
        }).await;
        load.until_more(SOME).await;
        load.stop().await;
    }

    async fn a_pair_that_somebody_splits_refuses_all_until_it_is_whole_again() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let [gate] = <[Value; 1]>::try_from(managed.plugins("AUTHZ").await).expect("one gate");
        // Otherwise it would be whole again before the gateway hears of it.
        managed.kill_control().await;
        assert!(managed.kubernetes.delete(&gate).await, "nothing holds it");
        let client = managed.client();
        let status = || async { client.call("echo_greet", json!({})).await.status };
        until("the gateway refuses", CONSEQUENCE, || async { (status().await == 503).then_some(()) }).await;
        for _ in 0..SOME {
            assert_eq!(status().await, 503, "nothing passes by the gate");
        }
        managed.start_control().await;
        until("the gateway serves again", CONSEQUENCE, || async {
            let status = status().await;
            assert!([200, 503].contains(&status), "{status}");
            (status == 200).then_some(())
        }).await;
        assert_eq!(managed.plugins("AUTHZ").await.len(), 1);
        managed.until_ready("echo", "True", "Ready").await;
    }
}

/// A server whose only tool echoes, as `echo_greet`.
pub(crate) async fn serve(managed: &Managed) -> Upstream {
    let tools = vec![Tool::new("greet", Answer::Echo)];
    let upstream = Upstream::start(Script::with_tools(tools)).await;
    managed
        .kubernetes
        .apply(&Server::new("echo", upstream.address()).yaml())
        .await;
    managed.until_ready("echo", "True", "Ready").await;
    upstream
}

/// The tools that the gateway lists.
pub(crate) async fn names(managed: &Managed) -> BTreeSet<String> {
    let listed = managed.client().list("tools/list", "tools").await;
    let definitions = listed
        .iter()
        .map(|tool| serde_json::from_str::<Value>(tool).unwrap());
    let names = definitions.map(|tool| tool["name"].as_str().unwrap().to_owned());
    names.collect()
}

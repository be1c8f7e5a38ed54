//! What fails around a gateway of Istio, and what clients notice of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use harness::component;
use harness::gateway::temporary_folder;
use harness::image::Image;
use harness::load::Load;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::managed::Managed;
use crate::watch::{CALL, Seen, Watch, outage, watch};

/// Longer takes nothing that follows from an object, on a busy machine.
const CONSEQUENCE: Duration = Duration::from_secs(120);

/// An istiod that was killed leaves leases behind, which have to end before another writes statuses of routes.
const AFTER_ISTIOD: Duration = Duration::from_secs(120);

/// Requests that show that the gateway serves.
pub(crate) const SOME: u64 = 60;

tests! {
    async fn no_request_fails_while_istiod_the_apiserver_etcd_or_control_is_down_and_what_comes_after_is_served() {
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
        managed.kubernetes.kill_etcd().await;
        load.until_more(SOME).await;
        managed.kubernetes.start_etcd().await;
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

tests! {
    async fn a_part_that_somebody_deletes_is_back_within_two_seconds() {
        let managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let client = managed.client();
        for phase in ["AUTHZ", "AUTHN"] {
            let mut outages = Vec::new();
            while !outages.iter().any(|outage| *outage <= Duration::from_secs(2)) {
                // A machine that is busy once is not always.
                assert!(outages.len() < TRIES, "{phase}: {outages:?}");
                let [part] = <[Value; 1]>::try_from(managed.plugins(phase).await).expect("one part");
                let watch = Watch::start(&client);
                assert!(managed.kubernetes.delete(&part).await, "nothing holds it");
                until("it is made again", CONSEQUENCE, || async {
                    let [again] = <[Value; 1]>::try_from(managed.plugins(phase).await).ok()?;
                    (again["metadata"]["uid"] != part["metadata"]["uid"]).then_some(())
                }).await;
                // What is live now was so after that.
                let later = format!("after-{}-{}", phase.to_lowercase(), outages.len());
                managed.kubernetes.apply(&Server::new(&later, upstream.address()).yaml()).await;
                managed.until_ready(&later, "True", "Ready").await;
                outages.push(outage(&watch.stop().await));
            }
        }
    }

    async fn a_worker_whose_filter_traps_serves_again_at_once_if_it_has_run_for_a_while() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        roll_to(&mut managed, "faulty").await;
        let client = managed.client();
        watch(&client, RESTART).await;
        for _ in 0..4 {
            trap(&client).await;
            let seen = watch(&client, 2 * RESTART).await;
            assert_eq!(outage(&seen), Duration::ZERO, "{seen:?}");
        }
    }

    async fn a_worker_whose_filter_traps_again_and_again_serves_again_within_one_and_a_half_seconds() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        roll_to(&mut managed, "faulty").await;
        let client = managed.client();
        for _ in 0..8 {
            trap(&client).await;
        }
        let seen = watch(&client, 2 * RESTART).await;
        let is_late = |(from, _, status): &&Seen| *status != 200 && *from > RESTART;
        let late: Vec<_> = seen.iter().filter(is_late).collect();
        assert!(late.is_empty(), "{late:?}");
    }

    async fn a_configuration_that_the_filter_refuses_is_told_within_five_seconds_and_the_last_one_goes_on() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        roll_to(&mut managed, "faulty").await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        let told = assert_a_refusal_is_told(&managed, &upstream, &load).await;
        let [route] = <[Value; 1]>::try_from(managed.plugins("AUTHN").await).expect("one route");
        let generation = route["spec"]["pluginConfig"]["generation"].as_str().expect("a generation");
        assert!(told.ends_with(&generation[..12]), "{told}, and {generation} was given");
        load.stop().await;
    }

    async fn wasm_plugins_of_others_before_between_and_behind_the_parts_change_nothing() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        let image = push(&managed, "noop").await;
        for (name, phase, priority) in [("before", "AUTHN", 10), ("between", "AUTHZ", 10), ("behind", "STATS", 0)] {
            let plugin = json!({
                "apiVersion": "extensions.istio.io/v1alpha1",
                "kind": "WasmPlugin",
                "metadata": {"name": name, "namespace": "gateway-system"},
                "spec": {
                    "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "mcp-gateway"}],
                    "url": image, "phase": phase, "priority": priority,
                },
            });
            managed.kubernetes.submit(plugin).await.unwrap();
        }
        let wanted = [".before", "mcp-route-", ".between", "mcp-gate-", ".behind", "router"];
        until("they stand around the parts", CONSEQUENCE, || async {
            let filters = managed.proxy.filters(managed.address().port()).await;
            let place = |part: &str| filters.iter().position(|filter| filter.contains(part));
            let places: Option<Vec<_>> = wanted.into_iter().map(place).collect();
            places?.is_sorted().then_some(())
        }).await;
        for _ in 0..5 {
            load.until_more(SOME).await;
        }
        load.stop().await;
        managed.until_ready("echo", "True", "Ready").await;
    }
}

/// How often something is tried that has to be done within a time.
const TRIES: usize = 3;

/// Envoy starts a VM that has trapped anew with the first request that comes so long after the VM's last start, at the
/// latest: 1 to 1.5 seconds, drawn anew for each request.
const RESTART: Duration = Duration::from_millis(1500);

/// Traps the filter of whichever worker takes the call.
async fn trap(client: &Client) {
    let broken = client.clone().header("x-mcp-fault", "trap");
    let call = broken.post(CALL);
    let answer = call.try_open(broken.address, broken.protocol).await;
    assert!(!answer.is_ok_and(|answer| answer.status == 200), "it traps");
}

/// Asserts that a configuration which the faulty filter refuses is told in time, and that the gateway goes on under load.
/// Gives what is told once the next one is served.
pub(crate) async fn assert_a_refusal_is_told(
    managed: &Managed,
    upstream: &Upstream,
    load: &Load,
) -> String {
    let refused = Server::new("refused", upstream.address()).yaml();
    let mut took = Vec::new();
    loop {
        managed.kubernetes.apply(&refused).await;
        let what = "control has given the gateway the configuration";
        until(what, CONSEQUENCE, || async {
            let objects = [
                managed.plugins("AUTHN").await,
                managed.envoy_filters().await,
            ];
            let is_given = |object: &Value| object["spec"].to_string().contains("mcp-test/refused");
            objects.concat().iter().any(is_given).then_some(())
        })
        .await;
        let given = Instant::now();
        managed.until_programmed("False", "NotProgrammed").await;
        took.push(given.elapsed());
        load.until_more(SOME).await;
        managed
            .run("kubectl delete mcpserverregistration refused -n mcp-test")
            .await;
        let told = managed.until_programmed("True", "Programmed").await;
        load.until_more(SOME).await;
        if took.iter().any(|took| *took <= Duration::from_secs(5)) {
            return told;
        }
        // A machine that is busy once is not always.
        assert!(took.len() < TRIES, "{took:?}");
    }
}

/// Has the gateway run another module as the filter.
async fn roll_to(managed: &mut Managed, module: &str) {
    let image = push(managed, module).await;
    managed.roll(&image).await;
    let (_, digest) = image.split_once("sha256:").expect("a digest");
    until("it is rolled out", CONSEQUENCE, || async {
        let filters = managed.proxy.filters(managed.address().port()).await;
        let mut filters = filters.iter();
        filters
            .any(|filter| filter.contains(&digest[..8]))
            .then_some(())
    })
    .await;
    managed.until_programmed("True", "Programmed").await;
    managed.until_ready("echo", "True", "Ready").await;
}

/// An image of a module that only tests load, as a WasmPlugin names it.
pub(crate) async fn push(managed: &Managed, module: &str) -> String {
    let folder = temporary_folder("image");
    let filter = Image::open(component::image("mcp-filter"));
    let layout = filter.of_module(&component::module(module), &folder.path().join(module));
    let image = managed
        .registry
        .push(&format!("mcp/{module}"), &layout)
        .await;
    format!("oci://{image}")
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

//! Which images of the filter the gateway is given, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::component;
use harness::load::Load;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use mcp_control::registry::VERSIONS;
use serde_json::json;

use crate::faults::{SOME, names, serve};
use crate::managed::{Managed, absent};
use crate::platform::IMAGE;

/// Longer takes nothing that follows from an object, on a busy machine.
const CONSEQUENCE: Duration = Duration::from_secs(120);

/// Until control tells of one Pod of two: it looks every 30 seconds, at four connections.
const SEEN: Duration = Duration::from_secs(150);

/// No longer than a registry that is back may be without effect: ten seconds, and on a busy machine, which also compiles
/// the module, thrice as long.
pub(crate) const NUDGE: Duration = Duration::from_secs(30);

tests! {
    async fn no_image_is_given_that_is_not_there_or_not_the_filters_or_cannot_read_the_configuration() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let good = managed.image();
        let plain = good.trim_start_matches("oci://");
        let newer = managed.registry.annotated(plain, VERSIONS, "2,3").await;
        let control = component::image("mcp-control");
        let others = managed.registry.push("mcp/control", &control).await;
        let images = [
            (absent(&good), "no such image"),
            (format!("oci://{others}"), "no image of this filter"),
            (format!("oci://{newer}"), "version 2 and 3, and control writes version 1"),
        ];
        for (number, (image, words)) in images.into_iter().enumerate() {
            managed.roll(&image).await;
            let told = managed.until_extension("True", "ImageKept", &image).await;
            assert!(told.contains(words), "{told}");
            // What is registered meanwhile is served, by the image that is there.
            let server = format!("later-{number}");
            managed.kubernetes.apply(&Server::new(&server, upstream.address()).yaml()).await;
            managed.until_ready(&server, "True", "Ready").await;
            assert_eq!(images_of(&managed).await, [good.clone(), good.clone()]);
            load.until_more(SOME).await;
        }
        managed.roll(&good).await;
        managed.until_extension("True", "Ready", "").await;
        load.until_more(SOME).await;
        load.stop().await;
    }

    async fn a_gateway_without_a_pair_gets_none_of_an_image_that_cannot_be_used_and_serves_once_one_can() {
        let mut managed = Managed::without_image().await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        managed.kubernetes.apply(&Server::new("echo", upstream.address()).yaml()).await;
        managed.until_extension("Unknown", "ImageUnusable", "no such image").await;
        managed.until_ready("echo", "Unknown", "ImageUnusable").await;
        assert!(images_of(&managed).await.is_empty(), "nothing is attached");
        let control = component::image("mcp-control");
        let others = managed.registry.push("mcp/control", &control).await;
        managed.roll(&format!("oci://{others}")).await;
        managed.until_extension("Unknown", "ImageUnusable", "no image of this filter").await;
        assert!(images_of(&managed).await.is_empty(), "nothing is attached");
        let good = managed.registry.push(IMAGE, &component::image("mcp-filter")).await;
        managed.roll(&format!("oci://{good}")).await;
        managed.until_extension("True", "Ready", "").await;
        until("the gateway serves by it", CONSEQUENCE, || async {
            let reply = managed.client().call("echo_greet", json!({})).await;
            (reply.status == 200).then_some(())
        }).await;
        managed.until_ready("echo", "True", "Ready").await;
    }

    async fn a_pair_is_made_again_also_while_the_wanted_image_cannot_be_had() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let good = managed.image();
        managed.roll(&absent(&good)).await;
        managed.until_extension("True", "ImageKept", "").await;
        for phases in [vec!["AUTHN"], vec!["AUTHZ"], vec!["AUTHN", "AUTHZ"]] {
            for phase in phases {
                for part in managed.plugins(phase).await {
                    assert!(managed.kubernetes.delete(&part).await, "nothing holds it");
                }
            }
            until("the pair is whole", CONSEQUENCE, || async {
                (images_of(&managed).await == [good.clone(), good.clone()]).then_some(())
            }).await;
        }
        // What is live now was so after the pair.
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        managed.client().call("later_greet", json!({})).await.result();
    }

    async fn another_image_is_rolled_out_once_the_registry_is_back_and_no_request_fails() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let good = managed.image();
        let plain = good.trim_start_matches("oci://");
        let other = managed.registry.annotated(plain, "org.opencontainers.image.revision", "other").await;
        let other = format!("oci://{other}");
        managed.registry.kill().await;
        managed.roll(&other).await;
        let told = managed.until_extension("True", "ImageKept", &other).await;
        assert!(told.contains("cannot be asked"), "{told}");
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        load.until_more(SOME).await;
        managed.start_registry_again().await;
        for image in [&other, &good] {
            until("the image is rolled out", CONSEQUENCE, || async {
                (images_of(&managed).await == [image.clone(), image.clone()]).then_some(())
            }).await;
            managed.until_extension("True", "Ready", "").await;
            load.until_more(SOME).await;
            managed.roll(&good).await;
        }
        load.stop().await;
    }

    async fn a_gateway_that_starts_without_its_registry_is_closed_and_serves_once_that_is_back() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        managed.registry.kill().await;
        managed.restart_proxy().await;
        until("the gateway is closed", CONSEQUENCE, || async { (managed.status().await? == 403).then_some(()) }).await;
        managed.until_extension("Unknown", "GatewayUnreachable", "").await;
        assert_eq!(managed.status().await, Some(403), "closed, not open");
        managed.start_registry_again().await;
        until("the gateway serves", NUDGE, || async { (managed.status().await? == 200).then_some(()) }).await;
        managed.until_extension("True", "Ready", "").await;
        managed.until_ready("echo", "True", "Ready").await;
        assert!(names(&managed).await.contains("echo_greet"));
    }
}

tests! {
    async fn a_pod_that_starts_without_its_registry_beside_one_that_serves_is_seen_and_serves_once_that_is_back() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        managed.registry.kill().await;
        // Both listen at the port of the Gateway, and the system chooses for each connection.
        let _second = managed.start_proxy().await;
        let wanted = BTreeSet::from([200, 403]);
        until("one is closed", CONSEQUENCE, || async { (statuses(&managed).await == wanted).then_some(()) }).await;
        until("the closed one is told", SEEN, || is_unreachable(&managed)).await;
        managed.until_ready("echo", "Unknown", "GatewayUnreachable").await;
        managed.start_registry_again().await;
        let wanted = BTreeSet::from([200]);
        until("both serve", NUDGE, || async { (statuses(&managed).await == wanted).then_some(()) }).await;
        managed.until_extension("True", "Ready", "").await;
    }
}

/// What a gateway of two Pods answers to so many clients that each of the Pods has one.
async fn statuses(managed: &Managed) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    for _ in 0..24 {
        statuses.insert(managed.status().await.unwrap_or(0));
    }
    statuses
}

/// Whether it is told that a Pod of the gateway serves nothing.
async fn is_unreachable(managed: &Managed) -> Option<()> {
    let extension = json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPGatewayExtension",
        "metadata": {"name": "mcp-gateway", "namespace": "gateway-system"},
    });
    let extension = managed.kubernetes.read(&extension).await;
    let mut conditions = extension["status"]["conditions"].as_array()?.iter();
    let ready = conditions.find(|condition| condition["type"] == "Ready")?;
    let is_told = ready["status"] == "Unknown" && ready["reason"] == "GatewayUnreachable";
    is_told.then_some(())
}

/// Those of the two WasmPlugins.
async fn images_of(managed: &Managed) -> Vec<String> {
    let [routes, gates] = [
        managed.plugins("AUTHN").await,
        managed.plugins("AUTHZ").await,
    ];
    let plugins = routes.iter().chain(&gates);
    let images = plugins.map(|plugin| plugin["spec"]["url"].as_str().unwrap().to_owned());
    images.collect()
}

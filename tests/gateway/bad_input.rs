//! What users get wrong, on a gateway of Istio: it is told where they look, and all else goes on.

use harness::load::Load;
use harness::manifests::Server;
use harness::wait::until;
use serde_json::{Value, json};

use crate::faults::{SOME, serve};
use crate::managed::{CONSEQUENCE, Managed, PING, ready};
use crate::manifests::example;
use crate::watch::Watch;

/// The extension of the examples, in the words that a patch names it by.
const EXTENSION: &str = "mcpgatewayextension mcp-gateway -n gateway-system";

tests! {
    async fn a_gateway_without_extension_is_left_to_its_own_routes_and_its_registrations_say_what_is_missing() {
        let managed = Managed::start().await;
        let upstream = serve(&managed).await;
        managed.run(&format!("kubectl delete {EXTENSION}")).await;
        let missing = managed.until_ready("echo", "False", "NoGatewayExtension").await;
        let message = ready(&missing).unwrap()["message"].as_str().unwrap().to_owned();
        until("the filter is gone", CONSEQUENCE, || async {
            let filters = managed.proxy.filters(managed.address().port()).await;
            let is_there = filters.iter().any(|filter| filter.contains("mcp-"));
            (!filters.is_empty() && !is_there).then_some(())
        }).await;
        assert!(managed.plugins("AUTHN").await.is_empty() && managed.plugins("AUTHZ").await.is_empty());
        // Its routes are its own again, and nothing of MCP is answered.
        let client = managed.client();
        let answer = client.post(PING).try_open(client.address, client.protocol).await.unwrap();
        assert_eq!(answer.status, 404);
        let opened = client.naming("echo.mcp.local").initialize("2025-06-18", json!({})).await;
        assert_eq!(opened.status, 200, "{}", opened.shown());

        let (_, manifest) = message.split_once('\n').expect("a manifest that can be applied");
        managed.run(&format!("kubectl apply -f - <<EOF\n{manifest}\nEOF")).await;
        managed.until_ready("echo", "True", "Ready").await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        load.stop().await;
        drop(upstream);
    }

    async fn a_route_at_the_wrong_listener_is_told_by_its_registration_and_served_once_it_is_at_the_right_one() {
        let managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let server = Server::new("lost", upstream.address());
        let cases = [
            // A host that it does not have, no listener at all, and one that leads nobody here.
            ("mcp", "its hostname mcp.127-0-0-1.sslip.io takes none of the route's (lost.mcp.local)"),
            ("nowhere", "the listeners are mcp, mcps, internal"),
            ("mcps", "led to routes of listeners without TLS at port 8080"),
        ];
        managed.kubernetes.apply(&server.yaml()).await;
        managed.until_ready("lost", "True", "Ready").await;
        for (listener, words) in cases {
            let attached = json!([{"op": "add", "path": "/spec/parentRefs/0/sectionName", "value": listener}]);
            managed.run(&format!("kubectl patch httproute lost -n mcp-test --type json -p '{attached}'")).await;
            let told = managed.until_ready("lost", "False", "NotAttached").await;
            let message = ready(&told).unwrap()["message"].as_str().unwrap();
            assert!(message.contains(words), "{listener}: {message}");
            let attached = json!([{"op": "remove", "path": "/spec/parentRefs/0/sectionName"}]);
            managed.run(&format!("kubectl patch httproute lost -n mcp-test --type json -p '{attached}'")).await;
            managed.until_ready("lost", "True", "Ready").await;
            load.until_more(SOME).await;
        }
        managed.client().call("lost_greet", json!({})).await.result();
        load.stop().await;
    }

    async fn of_two_extensions_for_one_listener_the_older_counts_and_the_younger_is_told() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let second = example("platform/extension.yaml").replace("  name: mcp-gateway\n  namespace", "  name: second\n  namespace");
        managed.kubernetes.apply(&format!("{second}  publicHost: second.example.com\n")).await;
        let told = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPGatewayExtension",
            "metadata": {"name": "second", "namespace": "gateway-system"},
        });
        let is_told = |object: &Value| {
            let ready = ready(object)?;
            (ready["status"] == "False" && ready["reason"] == "ListenerConflict").then(|| ready["message"].clone())
        };
        let message = managed.kubernetes.until_object("the second is told", &told, is_told).await;
        assert!(message.as_str().unwrap().contains("gateway-system/mcp-gateway has listener mcp"), "{message}");
        managed.until_extension("True", "Ready", "").await;
        load.until_more(SOME).await;
        let client = managed.client().naming("second.example.com");
        let answer = client.post(PING).try_open(client.address, client.protocol).await.unwrap();
        assert_eq!(answer.status, 404, "its host is none of ours");
        // The first goes, and the second takes its place.
        load.stop().await;
        managed.run(&format!("kubectl delete {EXTENSION}")).await;
        until("the second serves", CONSEQUENCE, || async {
            let answer = client.post(PING).try_open(client.address, client.protocol).await.ok()?;
            (answer.status == 200).then_some(())
        }).await;
    }

    async fn what_somebody_changes_in_a_part_is_taken_back_and_nothing_passes_by_it_meanwhile() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let edits = [
            ("AUTHN", json!({"spec": {"pluginConfig": {"servers": []}}})),
            ("AUTHN", json!({"spec": {"failStrategy": "FAIL_OPEN"}})),
            ("AUTHN", json!({"spec": {"match": [{"ports": [{"number": 1}]}]}})),
            ("AUTHN", json!({"spec": {"phase": "STATS"}})),
            ("AUTHZ", json!({"spec": {"match": [{"ports": [{"number": 1}]}]}})),
            ("AUTHZ", json!({"spec": {"pluginConfig": null}})),
        ];
        for (phase, edit) in edits {
            let [before] = <[Value; 1]>::try_from(managed.plugins(phase).await).expect("one part");
            let name = before["metadata"]["name"].as_str().unwrap();
            let watch = Watch::start(&managed.client());
            managed.run(&format!("kubectl patch wasmplugin {name} -n gateway-system --type merge -p '{edit}'")).await;
            let what = format!("{edit} is taken back");
            let is_back = |now: &Value| (now["spec"] == before["spec"]).then_some(());
            managed.kubernetes.until_object(&what, &before, is_back).await;
            until("the gateway serves", CONSEQUENCE, || async {
                (managed.status().await? == 200).then_some(())
            }).await;
            assert!(!watch.stop().await.is_empty(), "{edit}");
        }
        managed.until_ready("echo", "True", "Ready").await;
    }
}

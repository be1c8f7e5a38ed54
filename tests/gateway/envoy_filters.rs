//! A gateway of Istio that control has run the filter by one EnvoyFilter in place of a pair of WasmPlugins.

use harness::jwt::{expired, good};
use harness::load::Load;
use harness::manifests::Server;
use harness::wait::until;
use serde_json::{Value, json};

use crate::changes::{
    REPLACED, assert_a_large_configuration_is_served, assert_goes_on, authentication, open, tell,
};
use crate::faults::{SOME, assert_a_refusal_is_told, names, push, serve};
use crate::images::NUDGE;
use crate::managed::{CONSEQUENCE, Managed, absent};
use crate::tls_listener::assert_served_over_tls;

const JWT: &str = "envoy.filters.http.jwt_authn";
const RBAC: &str = "envoy.filters.http.rbac";

tests! {
    async fn one_instance_lists_and_calls_with_and_without_tokens_and_policies_and_stands_between_them() {
        let managed = Managed::by_envoy_filter().await;
        let _upstream = serve(&managed).await;
        assert_eq!((managed.plugins("AUTHN").await.len(), managed.plugins("AUTHZ").await.len()), (0, 0));
        assert_eq!(managed.envoy_filters().await.len(), 1);
        until_order(&managed, &["mcp-hold", "router"]).await;
        assert_serves(&managed, None).await;

        managed.kubernetes.submit(policy()).await.unwrap();
        until_order(&managed, &["mcp-hold", RBAC, "router"]).await;
        until_called(&managed, 403).await;
        assert!(names(&managed).await.contains("echo_greet"), "what is listed is routed nowhere");
        managed.kubernetes.submit(authentication()).await.unwrap();
        until_order(&managed, &[JWT, "mcp-hold", RBAC, "router"]).await;
        until_called(&managed, 403).await;
        assert!(managed.kubernetes.delete(&policy()).await);
        until_order(&managed, &[JWT, "mcp-hold", "router"]).await;
        assert_serves(&managed, None).await;
        assert_serves(&managed, Some(&good())).await;
        let bad = managed.client().header("authorization", format!("Bearer {}", expired()));
        assert_eq!(bad.call("echo_greet", json!({})).await.status, 401);
        assert!(managed.kubernetes.delete(&authentication()).await);
        until_order(&managed, &["mcp-hold", "router"]).await;
        assert_serves(&managed, None).await;
        managed.until_ready("echo", "True", "Ready").await;
    }

    async fn neither_a_configuration_nor_an_image_changes_the_listener_and_streams_go_on_over_both() {
        let mut managed = Managed::by_envoy_filter().await;
        let upstream = serve(&managed).await;
        let (feed, _told) = tell(&managed).await;
        let mut streams = open(&managed, &feed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let replaced = managed.proxy.statistic(REPLACED).await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        assert_goes_on(&mut streams, &feed, 1).await;
        let good = managed.image();
        let other = push(&managed, "faulty").await;
        for (number, image) in [(2, &other), (3, &good), (4, &other)] {
            managed.roll(image).await;
            until_image(&managed, image).await;
            load.until_more(SOME).await;
            assert_goes_on(&mut streams, &feed, number).await;
        }
        assert_eq!(managed.proxy.statistic(REPLACED).await, replaced, "no change was one of the listener");
        load.stop().await;
        feed.end();
        for stream in streams {
            let rest = stream.rest().await;
            assert!(rest.complete, "{}", rest.shown());
        }
    }

    async fn no_request_fails_while_a_gateway_changes_from_a_pair_to_an_envoy_filter_and_back() {
        let mut managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        for (attach, wanted) in [
            ("envoyfilter", ["mcp-hold", "router"].as_slice()),
            ("wasmplugin", &["mcp-route-", "mcp-gate-", "router"]),
            ("envoyfilter", &["mcp-hold", "router"]),
            ("wasmplugin", &["mcp-route-", "mcp-gate-", "router"]),
        ] {
            managed.attach_by(attach).await;
            until_order(&managed, wanted).await;
            load.until_more(SOME).await;
            managed.until_ready("echo", "True", "Ready").await;
            let pair = managed.plugins("AUTHN").await.len() + managed.plugins("AUTHZ").await.len();
            let filters = managed.envoy_filters().await.len();
            assert_eq!((pair, filters), if attach == "wasmplugin" { (2, 0) } else { (0, 1) });
        }
        load.stop().await;
    }
}

tests! {
    async fn an_envoy_filter_that_somebody_edits_or_deletes_is_as_it_was_within_seconds() {
        let managed = Managed::by_envoy_filter().await;
        let upstream = serve(&managed).await;
        let [pushed] = <[Value; 1]>::try_from(managed.envoy_filters().await).expect("one");
        let is_back = |filter: &Value| (filter["spec"] == pushed["spec"]).then_some(());
        let mut without_place = pushed["spec"]["configPatches"].clone();
        without_place.as_array_mut().unwrap().truncate(1);
        for edit in [
            json!({"spec": {"configPatches": []}}),
            json!({"spec": {"configPatches": without_place}}),
            json!({"spec": {"targetRefs": null, "workloadSelector": {"labels": {"app": "none"}}}}),
            json!({"spec": {"priority": 10}}),
        ] {
            managed.kubernetes.edit(&pushed, edit.clone()).await;
            let what = format!("{edit} is repaired");
            managed.kubernetes.until_object(&what, &pushed, is_back).await;
        }
        assert!(managed.kubernetes.delete(&pushed).await, "nothing holds it");
        managed.kubernetes.until_object("it is made again", &pushed, is_back).await;
        until_order(&managed, &["mcp-hold", "router"]).await;
        // What is live now was so after it.
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        assert!(names(&managed).await.contains("later_greet"));
        assert_serves(&managed, None).await;
    }

    async fn a_configuration_that_the_one_instance_refuses_is_told_within_five_seconds_and_the_last_one_goes_on() {
        let mut managed = Managed::by_envoy_filter().await;
        let upstream = serve(&managed).await;
        let faulty = push(&managed, "faulty").await;
        managed.roll(&faulty).await;
        until_image(&managed, &faulty).await;
        managed.until_programmed("True", "Programmed").await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        assert_a_refusal_is_told(&managed, &upstream, &load).await;
        load.stop().await;
    }

    async fn a_gateway_that_starts_without_the_registry_is_closed_and_an_image_that_cannot_be_had_is_not_given() {
        let mut managed = Managed::by_envoy_filter().await;
        let _upstream = serve(&managed).await;
        let good = managed.image();
        let missing = absent(&good);
        managed.roll(&missing).await;
        managed.until_extension("True", "ImageKept", &missing).await;
        assert_serves(&managed, None).await;
        managed.roll(&good).await;
        managed.until_extension("True", "Ready", "").await;
        managed.registry.kill().await;
        managed.restart_proxy().await;
        until("the gateway is closed", CONSEQUENCE, || async { (managed.status().await? == 403).then_some(()) }).await;
        managed.until_extension("Unknown", "GatewayUnreachable", "").await;
        managed.start_registry_again().await;
        until("the gateway serves", NUDGE, || async { (managed.status().await? == 200).then_some(()) }).await;
        managed.until_ready("echo", "True", "Ready").await;
        assert_serves(&managed, None).await;
    }
}

tests! {
    async fn a_listener_with_tls_serves_by_the_one_instance() {
        assert_served_over_tls(&Managed::by_envoy_filter().await).await;
    }

    async fn both_pods_of_a_gateway_serve_what_its_one_envoy_filter_has() {
        let managed = Managed::by_envoy_filter().await;
        let upstream = serve(&managed).await;
        // Both listen at the port of the Gateway, and the system chooses for each connection.
        let second = managed.start_proxy().await;
        let port = managed.address().port();
        until("the second Pod listens", CONSEQUENCE, || async {
            (!second.filters(port).await.is_empty()).then_some(())
        }).await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        for _ in 0..24 {
            assert!(names(&managed).await.contains("later_greet"));
        }
        for pod in [&managed.proxy, &second] {
            let given = pod.ask_envoy("/config_dump?resource=ecds_filters").await;
            assert!(given.contains("mcp-test/later"), "each Pod has it");
        }
    }

    async fn a_configuration_near_the_largest_goes_into_an_envoy_filter_and_is_listed_whole() {
        let managed = Managed::by_envoy_filter().await;
        assert_a_large_configuration_is_served(&managed).await;
    }
}

/// Waits until the listener has exactly one filter with each of these in its name, in this order, and of those that mark
/// places or run the filter no others.
async fn until_order(managed: &Managed, wanted: &[&str]) {
    let known = ["mcp-", JWT, RBAC, "envoy.filters.http.router"];
    let what = format!("the listener's filters are {wanted:?}");
    until(&what, CONSEQUENCE, || async {
        let filters = managed.proxy.filters(managed.address().port()).await;
        let is_known = |filter: &&String| known.iter().any(|part| filter.contains(part));
        let filters: Vec<_> = filters.iter().filter(is_known).collect();
        let mut pairs = filters.iter().zip(wanted);
        let is_wanted = filters.len() == wanted.len();
        (is_wanted && pairs.all(|(filter, part)| filter.contains(part))).then_some(())
    })
    .await;
}

/// Waits until Envoy's filter is of this image: the agent names the file for its digest.
async fn until_image(managed: &Managed, image: &str) {
    let (_, digest) = image.split_once("sha256:").expect("a digest");
    until("the image is rolled out", CONSEQUENCE, || async {
        let dump = managed
            .proxy
            .ask_envoy("/config_dump?resource=ecds_filters")
            .await;
        dump.contains(&format!("{digest}.wasm")).then_some(())
    })
    .await;
}

async fn until_called(managed: &Managed, wanted: u16) {
    until(
        &format!("a call is answered {wanted}"),
        CONSEQUENCE,
        || async {
            let reply = managed.client().call("echo_greet", json!({})).await;
            (reply.status == wanted).then_some(())
        },
    )
    .await;
}

/// Asserts that the tool is listed and answers.
async fn assert_serves(managed: &Managed, bearer: Option<&str>) {
    assert!(names(managed).await.contains("echo_greet"));
    let mut client = managed.client();
    if let Some(bearer) = bearer {
        client = client.header("authorization", format!("Bearer {bearer}"));
    }
    let reply = client.call("echo_greet", json!({})).await;
    let called = &reply.result()["structuredContent"]["params"]["name"];
    assert_eq!(called, "greet", "{}", reply.shown());
}

/// Refuses what is routed to the server, by the host that only the filter gives a request.
fn policy() -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "routed", "namespace": "gateway-system"},
        "spec": {
            "targetRefs": [{
                "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "mcp-gateway",
            }],
            "action": "DENY",
            "rules": [{"to": [{"operation": {"hosts": ["echo.mcp.local", "echo.mcp.local:*"]}}]}],
        },
    })
}

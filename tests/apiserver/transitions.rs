//! What is taken back and given again: a registration goes from one state to the next, and back.

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::json;

use crate::shared::shared;
use crate::world::{
    assert_called, assert_says, client, object, registration, route, until_gone, until_tools_under,
};

tests! {
    async fn a_secret_that_loses_its_label_or_is_deleted_takes_no_tool_away_and_all_is_well_when_it_is_back() {
        let world = shared().await;
        let upstream = Upstream::start(one_tool()).await;
        let server = Server::new("labelled", upstream.address()).credential("Bearer x");
        world.apply(&server).await;
        world.until_ready("labelled", "True", "Ready").await;
        until_tools_under(world.gateway(), "labelled_", &["labelled_greet"]).await;
        let secret = object("v1", "Secret", "labelled-token");
        let name = "Secret mcp-test/labelled-token";
        let label = "mcp.kuadrant.io/secret: \"true\"";
        for reason in ["CredentialNotLabelled", "CredentialNotFound"] {
            match reason {
                "CredentialNotLabelled" => drop(world.kubernetes.edit(&secret, json!({"metadata": {"labels": null}})).await),
                _ => assert!(world.kubernetes.delete(&secret).await),
            }
            let told = world.until_ready("labelled", "False", reason).await;
            assert_says(&told, &[name, label, "what the server offered before is still served"]);
            assert_eq!(told["status"]["discoveredTools"], 1);
            until_tools_under(world.gateway(), "labelled_", &["labelled_greet"]).await;
            assert_called(world.gateway(), "labelled_greet", "greet").await;
            world.apply(&server).await;
            world.until_ready("labelled", "True", "Ready").await;
        }
    }

    async fn a_route_that_is_detached_takes_its_tools_along_but_opens_no_host_and_attached_again_it_is_served() {
        let world = shared().await;
        let upstream = Upstream::start(one_tool()).await;
        let server = Server::new("detached", upstream.address());
        world.apply(&server).await;
        world.until_ready("detached", "True", "Ready").await;
        until_tools_under(world.gateway(), "detached_", &["detached_greet"]).await;
        let nowhere = json!([{"name": "mcp-gateway", "namespace": "gateway-system", "sectionName": "none"}]);
        world.kubernetes.edit(&route("detached"), json!({"spec": {"parentRefs": nowhere}})).await;
        let told = world.until_ready("detached", "False", "NotAttached").await;
        assert_says(&told, &["HTTPRoute mcp-test/detached", "Gateway gateway-system/mcp-gateway"]);
        until_gone(world.gateway(), "detached_", "detached_greet").await;
        let asking = client(world.gateway());
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}});
        let request = asking.post(call.to_string()).host("detached.mcp.local");
        let closed = request.send(asking.address, asking.protocol).await;
        assert_eq!(closed.status, 403, "{}", closed.shown());
        world.apply(&server).await;
        world.until_ready("detached", "True", "Ready").await;
        until_tools_under(world.gateway(), "detached_", &["detached_greet"]).await;
        assert_called(world.gateway(), "detached_greet", "greet").await;
    }

    async fn a_registration_that_is_disabled_takes_its_tools_along_and_enabled_again_it_is_served() {
        let world = shared().await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("switched", upstream.address())).await;
        until_tools_under(world.gateway(), "switched_", &["switched_greet"]).await;
        let switched = registration("switched");
        let switch = |state: &str| world.kubernetes.edit(&switched, json!({"spec": {"state": state}}));
        switch("Disabled").await;
        let told = world.until_ready("switched", "False", "Disabled").await;
        assert_says(&told, &["spec.state", "set it to Enabled"]);
        assert!(told["status"]["discoveredTools"].is_null(), "{told}");
        until_gone(world.gateway(), "switched_", "switched_greet").await;
        switch("Enabled").await;
        let ready = world.until_ready("switched", "True", "Ready").await;
        assert_eq!(ready["status"]["discoveredTools"], 1);
        until_tools_under(world.gateway(), "switched_", &["switched_greet"]).await;
        assert_called(world.gateway(), "switched_greet", "greet").await;
    }

    async fn another_prefix_takes_another_registration_whose_tools_come_as_the_old_ones_go() {
        let world = shared().await;
        let upstream = Upstream::start(one_tool()).await;
        let server = Server::new("renamed", upstream.address()).prefix("before_");
        world.apply(&server).await;
        until_tools_under(world.gateway(), "before_", &["before_greet"]).await;
        let mut other = registration("renamed");
        other["spec"] = json!({"targetRef": {"name": "renamed"}, "prefix": "later_"});
        let refused = world.kubernetes.submit(other.clone()).await.expect_err("a prefix is for ever");
        assert!(refused.to_string().contains("prefix"), "{refused}");
        assert!(world.kubernetes.delete(&other).await, "nothing holds it");
        world.kubernetes.submit(other).await.unwrap();
        world.until_ready("renamed", "True", "Ready").await;
        until_tools_under(world.gateway(), "later_", &["later_greet"]).await;
        assert_called(world.gateway(), "later_greet", "greet").await;
        until_gone(world.gateway(), "before_", "before_greet").await;
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

//! What stands in for Istio at this level does as Istio does: when these fail, look here first.

use std::fs;

use harness::control::IMAGE;
use harness::gateway::temporary_folder;
use harness::manifests::{Server, platform};
use harness::rendered::wasm_plugins;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::json;

use crate::world::{World, client, tools, until_accepted, until_tools};

tests! {
    async fn a_gateway_serves_what_stands_in_its_plugins_and_nothing_without() {
        let world = World::start().await;
        let gateway = world.gateway();
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        let server = Server::new("echo", upstream.address());
        world.apply(&server).await;
        until_accepted(&world, "echo").await;
        let before = client(gateway).request("ping", &json!({})).await;
        assert_eq!(before.status, 404, "{}", before.shown());

        let folder = temporary_folder("manifests");
        let manifests = [platform("mcp-gateway", gateway.address()), server.yaml()];
        fs::write(folder.path().join("all.yaml"), manifests.join("---\n")).unwrap();
        let plugins = wasm_plugins(folder.path(), IMAGE).await;
        world.kubernetes.apply(&plugins).await;
        until_tools(gateway, &["echo_greet"]).await;
        let reply = client(gateway).call("echo_greet", json!({"n": 1})).await;
        assert_eq!(reply.result()["structuredContent"]["params"]["name"], "greet", "{}", reply.shown());

        gateway.kill();
        gateway.start_again().await;
        assert_eq!(tools(gateway).await.len(), 1);
    }
}

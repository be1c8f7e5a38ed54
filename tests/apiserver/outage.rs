//! While the cluster's API is away, the gateway serves, and nothing that was applied is lost.

use harness::load::Load;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;

use crate::world::{PATIENT, World, client, until_tools};

tests! {
    async fn an_api_that_goes_under_load_fails_no_request_and_loses_nothing_that_was_applied_around_it() {
        let world = World::start().await;
        let control = world.control_with("one", PATIENT).await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        world.apply(&Server::new("steady", upstream.address())).await;
        world.until_ready("steady", "True", "Ready").await;
        until_tools(world.gateway(), &["steady_greet"]).await;

        let load = Load::start(&client(world.gateway()), "steady_greet", "greet");
        load.until_more(20).await;
        world.apply(&Server::new("before", upstream.address())).await;
        world.kubernetes.kill_apiserver().await;
        load.until_more(200).await;
        world.kubernetes.start_apiserver().await;
        world.apply(&Server::new("after", upstream.address())).await;
        until_tools(world.gateway(), &["after_greet", "before_greet", "steady_greet"]).await;
        for name in ["after", "before", "steady"] {
            world.until_ready(name, "True", "Ready").await;
        }
        load.until_more(20).await;
        load.stop().await;
        assert!(control.stop().await.success(), "it was the same control all the while");
    }
}

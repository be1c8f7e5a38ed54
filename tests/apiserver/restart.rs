//! A restart, or a gateway that cannot be reached, takes nothing away.

use std::time::Duration;

use harness::control::Control;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::Value;

use crate::world::{World, condition, extension, tools, until_accepted, until_tools};

/// Longer than a few tries of a server that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

tests! {
    async fn a_restart_among_servers_that_hang_leaves_the_lists_as_they_are() {
        let world = World::start().await;
        let control = world.control("one").await;
        let upstreams = [server(&world, "first").await, server(&world, "second").await];
        let names = ["first_greet", "first_part", "second_greet", "second_part"];
        until_tools(world.gateway(), &names).await;
        for name in ["first", "second"] {
            world.until_ready(name, "True", "Ready").await;
        }
        let before = tools(world.gateway()).await;
        let pushed = world.plugin("mcp-gateway").await;

        control.kill().await;
        for upstream in &upstreams {
            upstream.set_deaf(true);
        }
        let control = world.control("two").await;
        for name in ["first", "second"] {
            let hanging = world.until_ready(name, "Unknown", "UpstreamUnreachable").await;
            assert_eq!(hanging["status"]["discoveredTools"], 2, "they go on being served");
        }
        // A server that fails a few times in a row has not failed for long.
        until_failed(&control, 8).await;
        assert_eq!(tools(world.gateway()).await, before);
        let now = world.plugin("mcp-gateway").await;
        assert_eq!(now["spec"], pushed["spec"]);
        assert_eq!(now["metadata"]["resourceVersion"], pushed["metadata"]["resourceVersion"], "nothing was pushed");

        for upstream in &upstreams {
            upstream.set_deaf(false);
        }
        for name in ["first", "second"] {
            world.until_ready(name, "True", "Ready").await;
        }
        assert_eq!(tools(world.gateway()).await, before);
        assert!(control.stop().await.success(), "it ends in order");
    }

    async fn a_gateway_that_cannot_be_reached_is_no_fault_of_its_servers() {
        let world = World::start().await;
        let control = world.control("one").await;
        let _upstream = server(&world, "echo").await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet", "echo_part"]).await;
        let before = tools(world.gateway()).await;

        control.kill().await;
        world.gateway().kill();
        let _control = world.control("two").await;
        let unknown = world.until_ready("echo", "Unknown", "GatewayUnreachable").await;
        assert_eq!(unknown["status"]["discoveredTools"], 2, "they go on being served");
        let is_told = |extension: &Value| {
            let ready = condition(extension, "Ready")?;
            (ready["status"] == "Unknown" && ready["reason"] == "GatewayUnreachable").then_some(())
        };
        world.kubernetes.until_object("the extension says so, too", &extension("mcp-gateway"), is_told).await;

        world.gateway().start_again().await;
        world.until_ready("echo", "True", "Ready").await;
        assert_eq!(tools(world.gateway()).await, before);
    }

    async fn an_istiod_that_is_down_is_a_gateway_that_is_not_reached() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let _upstream = server(&world, "echo").await;
        world.until_ready("echo", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet", "echo_part"]).await;
        let upstream = Upstream::start(two_tools()).await;
        let late = Server::new("late", upstream.address());
        world.apply_without_registration(&late).await;
        until_accepted(&world, "late").await;
        world.gateway().pause();
        world.apply(&late).await;
        world.until_ready("late", "Unknown", "GatewayUnreachable").await;
        assert_eq!(tools(world.gateway()).await.len(), 2);
        world.gateway().resume();
        world.until_ready("late", "True", "Ready").await;
        until_tools(world.gateway(), &["echo_greet", "echo_part", "late_greet", "late_part"]).await;
    }
}

/// Waits until so many tries have failed, by control's own count.
async fn until_failed(control: &Control, times: u32) {
    until("control tries again", PATIENCE, || async {
        let metrics = control.ask("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let mut failures = text
            .lines()
            .filter(|line| line.starts_with("mcp_control_discovery_failures_total{"));
        let count = failures.try_fold(0, |sum, line| {
            let count: u32 = line.rsplit(' ').next()?.parse().ok()?;
            Some(sum + count)
        });
        (count? >= times).then_some(())
    })
    .await;
}

/// A server of two tools, registered under its name.
async fn server(world: &World, name: &str) -> Upstream {
    let upstream = Upstream::start(two_tools()).await;
    world.apply(&Server::new(name, upstream.address())).await;
    upstream
}

fn two_tools() -> Script {
    let tools = ["greet", "part"].map(|name| Tool::new(name, Answer::Echo));
    Script::with_tools(tools.to_vec())
}

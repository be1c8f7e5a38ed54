//! Control and filter are upgraded and rolled back, in either order.

use std::time::Duration;

use harness::load::Load;
use harness::manifests::Server;
use harness::wait::until;
use serde_json::Value;

use crate::faults::{SOME, push, serve};
use crate::managed::Managed;

/// Longer takes no step, on a busy machine: a pull, and two leaders.
const STEP: Duration = Duration::from_secs(120);

/// What the one control writes into configurations and the other does not, as two versions differ.
const NEW: [&str; 2] = ["--stats=tools", "--filter-state"];

tests! {
    async fn control_and_filter_change_in_either_order_and_back_and_no_request_fails() {
        let mut managed = Managed::start().await;
        let upstream = serve(&managed).await;
        let old = managed.image();
        // Other bytes, and so another VM: the filter built for other tests.
        let new = push(&managed, "faulty").await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        load.until_more(SOME).await;
        // Control first, then the filter first; each way and back.
        let steps = [
            (&NEW[..], &old), (&NEW, &new), (&[], &new), (&[], &old),
            (&[], &new), (&NEW, &new), (&NEW, &old), (&[], &old),
        ];
        for (number, (arguments, image)) in steps.into_iter().enumerate() {
            managed.hand_over(&format!("mcp-controller-{}", number + 1), image, arguments).await;
            until("the gateway is given what this control writes, by this image", STEP, || async {
                let [route] = <[Value; 1]>::try_from(managed.plugins("AUTHN").await).ok()?;
                let spec = &route["spec"];
                let telemetry = &spec["pluginConfig"]["telemetry"];
                let is_new = telemetry["filterState"] == true;
                (spec["url"] == **image && is_new != arguments.is_empty()).then_some(())
            }).await;
            let later = Server::new(&format!("step-{number}"), upstream.address());
            managed.kubernetes.apply(&later.yaml()).await;
            managed.until_ready(&format!("step-{number}"), "True", "Ready").await;
            managed.until_extension("True", "Ready", "").await;
            load.until_more(SOME).await;
        }
        load.stop().await;
        assert_eq!(managed.plugins("AUTHZ").await.len(), 1);
    }
}

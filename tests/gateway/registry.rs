//! A registry that speaks TLS and wants a login: control has a login of its own, the gateway the Secret of its namespace.

use std::time::Duration;

use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::json;

use crate::faults::serve;
use crate::managed::{CONSEQUENCE, Managed, PULL_SECRET};

/// No longer than a Secret that is made may be without effect: ten seconds, and on a busy machine, which also compiles the
/// module, thrice as long.
const SOON: Duration = Duration::from_secs(30);

tests! {
    async fn a_gateway_pulls_by_tls_and_with_the_login_of_its_namespaces_secret() {
        let mut managed = Managed::guarded().await;
        make_secret(&managed).await;
        let _upstream = serve(&managed).await;
        managed.until_extension("True", "Ready", "").await;
        managed.client().call("echo_greet", json!({})).await.result();
        // One that has nothing of before.
        managed.restart_proxy().await;
        until_status(&managed, 200, CONSEQUENCE).await;
        managed.client().call("echo_greet", json!({})).await.result();
    }

    async fn a_gateway_without_the_logins_secret_is_closed_and_serves_once_that_is_made() {
        let managed = Managed::guarded().await;
        let tools = vec![Tool::new("greet", Answer::Echo)];
        let upstream = Upstream::start(Script::with_tools(tools)).await;
        managed.kubernetes.apply(&Server::new("echo", upstream.address()).yaml()).await;
        until_status(&managed, 403, CONSEQUENCE).await;
        managed.until_extension("Unknown", "GatewayUnreachable", "").await;
        managed.until_ready("echo", "Unknown", "GatewayUnreachable").await;
        assert_eq!(managed.status().await, Some(403), "closed, not open");
        make_secret(&managed).await;
        until_status(&managed, 200, SOON).await;
        managed.until_extension("True", "Ready", "").await;
        managed.until_ready("echo", "True", "Ready").await;
        managed.client().call("echo_greet", json!({})).await.result();
        // Also one that has the image.
        managed.run(&format!("kubectl delete secret {PULL_SECRET} -n gateway-system")).await;
        until_status(&managed, 403, CONSEQUENCE).await;
        managed.until_extension("Unknown", "GatewayUnreachable", "").await;
        make_secret(&managed).await;
        until_status(&managed, 200, SOON).await;
        managed.until_ready("echo", "True", "Ready").await;
    }
}

/// As the guide says.
async fn make_secret(managed: &Managed) {
    let guard = managed.registry.guard().expect("it wants a login");
    let (user, password) = (&guard.user, &guard.password);
    managed
        .run(&format!(
            "kubectl create secret docker-registry {PULL_SECRET} -n gateway-system --docker-server={} \
             --docker-username={user} --docker-password={password}",
            managed.registry.authority()
        ))
        .await;
}

async fn until_status(managed: &Managed, wanted: u16, patience: Duration) {
    let what = format!("the gateway answers {wanted}");
    until(&what, patience, || async {
        (managed.status().await? == wanted).then_some(())
    })
    .await;
}

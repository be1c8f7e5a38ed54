//! The credential by which a server is asked for its lists, and the certificate by which the server is known.

use harness::github::token;
use harness::wait::until;
use serde_json::{Value, json};

use crate::managed::{CONSEQUENCE, Managed, ready};
use crate::manifests::own;
use crate::newer_guide::PART_1;

const SECRET: &str = "secret github-token -n mcp-test";

tests! {
    async fn a_secret_wants_its_label_and_what_it_holds_now_is_sent() {
        let managed = Managed::start().await;
        managed.trust().await;
        for name in PART_1 {
            managed.apply(name).await;
            if name.ends_with("service-entry.yaml") {
                managed.lead_here("github-mcp-external").await;
            }
            if name.ends_with("secret.yaml") {
                managed.run(&format!("kubectl label {SECRET} mcp.kuadrant.io/secret-")).await;
            }
        }
        let told = managed.until_ready("github", "False", "CredentialNotLabelled").await;
        let message = ready(&told).unwrap()["message"].to_string();
        assert!(message.contains("mcp.kuadrant.io/secret") && message.contains("github-token"), "{message}");
        assert!(managed.server.requests().is_empty(), "it is not asked without its credential");

        managed.run(&format!("kubectl label {SECRET} mcp.kuadrant.io/secret=true")).await;
        managed.until_ready("github", "True", "Ready").await;
        let bearer = |letter| format!("Bearer {}", token(letter));
        let is_old = |seen: Option<&str>| seen == Some(&bearer('l'));
        assert!(managed.server.requests().iter().all(|request| is_old(request.authorization())));

        let new = json!({"stringData": {"token": bearer('m')}});
        managed.run(&format!("kubectl patch {SECRET} --type merge -p '{new}'")).await;
        until("the new credential is sent", CONSEQUENCE, || async {
            let requests = managed.server.requests();
            let is_new = |seen: Option<&str>| seen == Some(&bearer('m'));
            requests.iter().any(|request| is_new(request.authorization())).then_some(())
        }).await;
        managed.until_ready("github", "True", "Ready").await;
        assert_an_unknown_authority_is_told(&managed).await;
    }
}

/// Nobody but `trust.yaml` vouches for the authority of the tests: Istio asks those that the machine trusts.
async fn assert_an_unknown_authority_is_told(managed: &Managed) {
    let port = managed.server.address().port().to_string();
    let untrusted = own("untrusted.yaml", &[("${SERVER_PORT}", port)]);
    managed.kubernetes.apply(&untrusted).await;
    // Before, while the gateway does not know the server's cluster, it is told that.
    let is_told = |object: &Value| {
        let ready = ready(object)?;
        assert_ne!(ready["status"], "True", "{ready}");
        let message = ready["message"].as_str()?;
        let is_told =
            message.contains("TLS_error") && message.contains("CERTIFICATE_VERIFY_FAILED");
        is_told.then_some(())
    };
    let registration = json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPServerRegistration",
        "metadata": {"name": "untrusted", "namespace": "mcp-test"},
    });
    managed
        .kubernetes
        .until_object("what TLS says is told", &registration, is_told)
        .await;
    let requests = managed.server.requests();
    let came = requests
        .iter()
        .filter_map(|request| request.authority.as_deref());
    let came: Vec<_> = came.filter(|host| host.starts_with("untrusted")).collect();
    assert!(came.is_empty(), "nothing was sent: {came:?}");
}

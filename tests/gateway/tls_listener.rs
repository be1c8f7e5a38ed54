//! The Gateway's listener with TLS, whose certificate istiod hands the gateway out of a Secret.

use harness::authority::Authority;
use harness::clients::{Sdk, Visit};
use harness::gateway::temporary_folder;
use harness::load::Load;
use harness::wait::until;
use serde_json::{Value, json};

use crate::faults::{SOME, serve};
use crate::managed::{CONSEQUENCE, HOST, Managed, ready};
use crate::manifests::own;

tests! {
    async fn clients_list_and_call_over_tls() {
        assert_served_over_tls(&Managed::start().await).await;
    }

    async fn another_certificate_is_shown_once_its_secret_has_it_and_no_request_fails() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let address = managed.tls_address();
        make_secret(&managed, &managed.authority, "create").await;
        until_shown(&managed, &managed.authority).await;
        let load = Load::start(&managed.client(), "echo_greet", "greet");
        let next = Authority::new();
        make_secret(&managed, &next, "replace").await;
        until_shown(&managed, &next).await;
        assert!(!managed.authority.knows(address, HOST).await, "the one before is gone");
        load.until_more(SOME).await;
        load.stop().await;
    }
}

/// Asserts that clients list and call over TLS, before the listener has an extension of its own and with one.
pub(crate) async fn assert_served_over_tls(managed: &Managed) {
    make_secret(managed, &managed.authority, "create").await;
    let _upstream = serve(managed).await;
    until_shown(managed, &managed.authority).await;
    assert_listed_and_called(managed).await;
    managed
        .kubernetes
        .apply(&own("extension-tls.yaml", &[]))
        .await;
    let extension = json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPGatewayExtension",
        "metadata": {"name": "mcp-gateway-tls", "namespace": "gateway-system"},
    });
    let is_ready = |object: &Value| (ready(object)?["status"] == "True").then_some(());
    let what = "the listener's own extension is Ready";
    managed
        .kubernetes
        .until_object(what, &extension, is_ready)
        .await;
    assert_listed_and_called(managed).await;
}

/// Writes the Secret that the listener names, with a certificate of this authority.
async fn make_secret(managed: &Managed, authority: &Authority, verb: &str) {
    let folder = temporary_folder("certificate");
    let [certificate, key] = authority.server(HOST).write(folder.path());
    let (certificate, key) = (certificate.display(), key.display());
    let make =
        "kubectl create secret tls mcp-gateway-tls -n gateway-system --dry-run=client -o yaml";
    managed
        .run(&format!(
            "{make} --cert={certificate} --key={key} | kubectl {verb} -f -"
        ))
        .await;
}

/// Waits until the listener shows a certificate that this authority vouches for.
async fn until_shown(managed: &Managed, authority: &Authority) {
    let address = managed.tls_address();
    until("TLS is spoken", CONSEQUENCE, || async {
        authority.knows(address, HOST).await.then_some(())
    })
    .await;
}

/// By a client that trusts the certificate's authority, and asks for the host in the certificate.
async fn assert_listed_and_called(managed: &Managed) {
    let visit = Visit {
        headers: json!({}),
        tool: "echo_greet",
        arguments: json!({"name": "Ada"}),
    };
    let url = format!("https://{HOST}:{}/mcp", managed.tls_address().port());
    let seen = Sdk::TypeScript
        .trusting(&managed.authority, &url, &visit)
        .await;
    assert_eq!(seen.tools, ["echo_greet"]);
    assert!(seen.result.to_string().contains("Ada"), "{}", seen.result);
}

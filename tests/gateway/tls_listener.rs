//! The Gateway's listener with TLS, whose certificate istiod hands the gateway out of a Secret.

use harness::clients::{Sdk, Visit};
use harness::gateway::temporary_folder;
use harness::manifests::Server;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use harness::wait::until;
use serde_json::{Value, json};

use crate::managed::{CONSEQUENCE, HOST, Managed, ready};
use crate::manifests::own;

tests! {
    async fn clients_list_and_call_over_tls() {
        let managed = Managed::start().await;
        let folder = temporary_folder("certificate");
        let [certificate, key] = managed.authority.server(HOST).write(folder.path());
        let (certificate, key) = (certificate.display(), key.display());
        managed
            .run(&format!("kubectl create secret tls mcp-gateway-tls -n gateway-system --cert={certificate} --key={key}"))
            .await;
        let upstream = Upstream::start(Script::with_tools(vec![Tool::new("greet", Answer::Echo)])).await;
        managed.kubernetes.apply(&Server::new("echo", upstream.address()).yaml()).await;
        managed.until_ready("echo", "True", "Ready").await;
        let address = managed.tls_address();
        until("TLS is spoken", CONSEQUENCE, || async {
            managed.authority.knows(address, HOST).await.then_some(())
        }).await;

        assert_listed_and_called(&managed).await;
        managed.kubernetes.apply(&own("extension-tls.yaml", &[])).await;
        let extension = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPGatewayExtension",
            "metadata": {"name": "mcp-gateway-tls", "namespace": "gateway-system"},
        });
        let is_ready = |object: &Value| (ready(object)?["status"] == "True").then_some(());
        managed.kubernetes.until_object("the listener's own extension is Ready", &extension, is_ready).await;
        assert_listed_and_called(&managed).await;
    }
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

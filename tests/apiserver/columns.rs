//! What `kubectl get` prints: the apiserver makes the table.

use serde_json::{Value, json};

use crate::cluster::{cluster, namespace, object};

tests! {
    async fn a_registration_shows_the_guides_columns() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let spec = json!({
            "prefix": "github_",
            "targetRef": {"name": "github-mcp-external"},
            "credentialRef": {"name": "github-token"},
            "category": ["code"],
        });
        let registration = object("MCPServerRegistration", &namespace, "github", spec);
        cluster.submit(registration.clone()).await.unwrap();
        let status = json!({
            "conditions": [ready("True", "41 tools")],
            "discoveredTools": 41,
            "protocolVersion": "2025-11-25",
            "observedGeneration": 1,
        });
        cluster.write_status(&registration, status).await.unwrap();
        let (names, cells) = cluster.table(&registration).await;
        assert_eq!(names, ["Name", "Prefix", "Target", "Path", "Ready", "Tools", "Credentials", "Age", "Category", "Protocol", "Message"]);
        let cells = cells.as_array().unwrap();
        let expected = json!(["github", "github_", "github-mcp-external", "/mcp", "True", 41, "github-token"]);
        assert_eq!(&cells[..7], expected.as_array().unwrap());
        assert_eq!(cells[8..], [json!("[\"code\"]"), json!("2025-11-25"), json!("41 tools")]);
    }

    async fn the_older_kind_shows_the_same_columns() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let server = json!({
            "apiVersion": "mcp.kagenti.com/v1alpha1",
            "kind": "MCPServer",
            "metadata": {"name": "github", "namespace": namespace},
            "spec": {"toolPrefix": "github_", "targetRef": {"name": "route"}, "credentialRef": {"name": "secret"}},
        });
        cluster.submit(server.clone()).await.unwrap();
        let status = json!({"conditions": [ready("False", "no")], "discoveredTools": 0});
        cluster.write_status(&server, status).await.unwrap();
        let (names, cells) = cluster.table(&server).await;
        assert_eq!(names, ["Name", "Prefix", "Target", "Path", "Ready", "Tools", "Credentials", "Age"]);
        assert_eq!(cells.as_array().unwrap()[..7], ["github", "github_", "route", "/mcp", "False", "0", "secret"].map(|text| text.parse::<i64>().map_or_else(|_| json!(text), Value::from)));
    }

    async fn extensions_and_virtual_servers_show_theirs() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let extension = object("MCPGatewayExtension", &namespace, "e", json!({"targetRef": {"name": "g", "sectionName": "mcp"}}));
        let selection = object("MCPVirtualServer", &namespace, "v", json!({"tools": ["github_get_me"]}));
        for (written, status, columns, shown) in [
            (&extension, json!({"conditions": [ready("Unknown", "")]}), vec!["Name", "Ready", "Age"], json!(["e", "Unknown"])),
            (&selection, json!({"conditions": [ready("True", "")], "tools": 1}), vec!["Name", "Ready", "Tools", "Age"], json!(["v", "True", 1])),
        ] {
            cluster.submit(written.clone()).await.unwrap();
            cluster.write_status(written, status).await.unwrap();
            let (names, cells) = cluster.table(written).await;
            assert_eq!(names, columns);
            let shown = shown.as_array().unwrap();
            assert_eq!(cells.as_array().unwrap()[..shown.len()], shown[..]);
        }
    }

    async fn the_status_is_written_apart_from_the_rest() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let mut registration = object("MCPServerRegistration", &namespace, "r", json!({"targetRef": {"name": "route"}}));
        registration["status"] = json!({"discoveredTools": 7});
        let stored = cluster.submit(registration.clone()).await.unwrap();
        assert_eq!(stored.get("status"), None, "who writes the rest writes no status");
        let mut status = cluster.write_status(&registration, json!({"discoveredTools": 3})).await.unwrap();
        assert_eq!(status["status"]["discoveredTools"], 3);
        assert_eq!(status["metadata"]["generation"].take(), 1, "a status makes no new generation");
    }
}

/// A condition `Ready`.
pub(crate) fn ready(status: &str, message: &str) -> Value {
    json!({
        "type": "Ready", "status": status, "reason": "Reason", "message": message,
        "lastTransitionTime": "2026-11-21T00:00:00Z", "observedGeneration": 1,
    })
}

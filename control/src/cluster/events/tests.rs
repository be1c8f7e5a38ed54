use axum::extract::Request;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::mpsc;

use super::*;
use crate::manifests::Kind;
use crate::object::ObjectName;

fn identity() -> Identity {
    Identity {
        kind: Kind::McpServerRegistration,
        name: ObjectName {
            namespace: "mcp-test".to_owned(),
            name: "github".to_owned(),
        },
    }
}

/// Method and event of each write.
type Writes = mpsc::UnboundedReceiver<(String, Value)>;

fn apiserver() -> (Client, Writes) {
    let (teller, told) = mpsc::unbounded_channel();
    let app = Router::new().fallback(move |request: Request| async move {
        let method = request.method().to_string();
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
        let event: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        teller.send((method, event.clone())).unwrap();
        Json(event)
    });
    (Client::new(app, "mcp-system"), told)
}

#[tokio::test]
async fn a_reason_with_a_new_note_is_an_event_of_its_own_and_a_repeated_one_is_counted() {
    let (client, mut told) = apiserver();
    let mut events = Events::new(client);
    let object = json!({
        "apiVersion": "mcp.kuadrant.io/v1alpha1",
        "kind": "MCPServerRegistration",
        "metadata": {"namespace": "mcp-test", "name": "github", "uid": "7"},
        "spec": {"targetRef": {"name": "github"}},
    });
    let objects = Objects::of([object]);
    let known = objects.find(&identity()).unwrap();
    let mut writes = Vec::new();
    for note in [
        "refused: 401",
        "refused: 403",
        "refused: 403",
        "refused: 401",
    ] {
        events.publish(
            event(true, Reason::UpstreamRefused, note),
            &identity(),
            known,
        );
        let (method, event) = told.recv().await.unwrap();
        // Only what is answered is counted.
        while events.writers.join_next().await.is_some() {}
        assert_eq!(event["regarding"]["apiVersion"], "mcp.kuadrant.io/v1alpha1");
        writes.push((
            method,
            event["note"].clone(),
            event["series"]["count"].clone(),
        ));
    }
    let write = |method: &str, note: &str, count: Value| (method.to_owned(), json!(note), count);
    assert_eq!(
        writes,
        [
            write("POST", "refused: 401", Value::Null),
            write("POST", "refused: 403", Value::Null),
            write("PATCH", "refused: 403", json!(2)),
            write("POST", "refused: 401", Value::Null),
        ]
    );
    events.retain(&Objects::default());
    assert!(events.recorders.is_empty());
}

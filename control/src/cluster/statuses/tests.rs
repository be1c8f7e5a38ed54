use axum::body::Bytes;
use axum::routing::patch;
use axum::{Json, Router};
use serde_json::json;

use super::*;
use crate::object::ObjectName;

/// An apiserver that is heard of each write, and answers it when it is told to.
struct Slow {
    statuses: Statuses,
    arrived: mpsc::UnboundedReceiver<Value>,
    answers: Arc<Semaphore>,
}

impl Slow {
    fn start() -> Self {
        let (teller, arrived) = mpsc::unbounded_channel();
        let answers = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&answers);
        let write = patch(move |body: Bytes| {
            let (teller, gate) = (teller.clone(), Arc::clone(&gate));
            async move {
                let object: Value = serde_json::from_slice(&body).unwrap();
                teller.send(object.clone()).unwrap();
                gate.acquire().await.unwrap().forget();
                Json(object)
            }
        });
        let api = Router::new().fallback_service(write);
        let client = Client::new(api, "mcp-system");
        Self {
            statuses: Statuses::new(client),
            arrived,
            answers,
        }
    }

    fn send(&mut self, name: &str, ready: &str) {
        let identity = identity(name);
        let status = json!({"conditions": [{"type": "Ready", "status": ready}]});
        let object = json!({
            "apiVersion": identity.kind.api_versions().first(),
            "kind": identity.kind.as_str(),
            "metadata": {"namespace": "mcp-test", "name": name},
            "status": status,
        });
        self.statuses.send(identity, object);
    }

    /// Name and readiness that arrive next.
    async fn arrives(&mut self) -> (String, String) {
        let object = self.arrived.recv().await.unwrap();
        let text = |place: &str| object.pointer(place).unwrap().as_str().unwrap().to_owned();
        (text("/metadata/name"), text("/status/conditions/0/status"))
    }

    async fn ends(&mut self) -> bool {
        self.answers.add_permits(1);
        let written = self.statuses.written().await;
        self.statuses.end(&written)
    }
}

fn identity(name: &str) -> Identity {
    Identity {
        kind: Kind::McpServerRegistration,
        name: ObjectName {
            namespace: "mcp-test".to_owned(),
            name: name.to_owned(),
        },
    }
}

fn pair(name: &str, ready: &str) -> (String, String) {
    (name.to_owned(), ready.to_owned())
}

#[tokio::test]
async fn an_object_is_written_again_after_its_write_has_ended_and_others_do_not_wait() {
    let mut slow = Slow::start();
    slow.send("echo", "Unknown");
    assert_eq!(slow.arrives().await, pair("echo", "Unknown"));
    slow.send("echo", "True");
    slow.send("other", "True");
    assert_eq!(slow.arrives().await, pair("other", "True"));
    assert_eq!(slow.statuses.sent.len(), 2);

    let looks = [slow.ends().await, slow.ends().await];
    assert_eq!(looks.iter().filter(|again| **again).count(), 1, "{looks:?}");
    slow.send("echo", "True");
    assert_eq!(slow.arrives().await, pair("echo", "True"));
    assert!(!slow.ends().await, "nothing waits any more");
}

#[tokio::test]
async fn what_was_sent_counts_until_it_is_seen_and_what_could_not_be_written_does_not() {
    let mut slow = Slow::start();
    slow.send("echo", "True");
    slow.arrives().await;
    assert!(!slow.ends().await);
    assert!(slow.statuses.sent.contains_key(&identity("echo")));
    let failed = Written {
        identity: identity("echo"),
        is_done: false,
    };
    assert!(slow.statuses.end(&failed), "it is tried again");
    assert!(!slow.statuses.sent.contains_key(&identity("echo")));
}

#[tokio::test]
async fn an_object_that_is_gone_is_written_no_more_and_one_whose_kind_is_not_found_is() {
    let gone = json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "not found", "details": {"name": "echo"}});
    for (answer, is_done) in [
        (gone.to_string(), true),
        ("404 page not found\n".to_owned(), false),
    ] {
        let refuse = move || async move { (http::StatusCode::NOT_FOUND, answer) };
        let client = Client::new(Router::new().fallback(refuse), "mcp-system");
        let apply = Apply::new(client);
        let object = json!({"apiVersion": "mcp.kuadrant.io/v1", "kind": "MCPServerRegistration",
            "metadata": {"namespace": "mcp-test", "name": "echo"}, "status": {}});
        let refused = apply.status(&object).await.unwrap_err();
        assert_eq!(refused.is_of_no_object(), is_done, "{refused}");
    }
}

//! Clients that list and call all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use harness::cluster_gateway::ClusterGateway;
use harness::runtime;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::world::{client, name_of};

/// How many of them.
const CLIENTS: usize = 3;

/// See the module. A request that fails fails the test.
pub(crate) struct Load {
    shared: Arc<State>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    answered: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    /// Starts them. In each list there must be `tool`, which must answer as the server that knows it as `own`.
    pub(crate) fn start(gateway: &ClusterGateway, tool: &'static str, own: &'static str) -> Self {
        let shared = Arc::new(State::default());
        let clients = (0..CLIENTS).map(|_| {
            let (client, state) = (client(gateway), Arc::clone(&shared));
            runtime::spawn(async move {
                while !state.is_over.load(Ordering::SeqCst) {
                    list_and_call(&client, tool, own).await;
                    state.answered.fetch_add(2, Ordering::SeqCst);
                }
            })
        });
        Self {
            clients: clients.collect(),
            shared,
        }
    }

    /// Waits until so many requests more were answered.
    pub(crate) async fn until_more(&self, requests: u64) {
        let answered = || self.shared.answered.load(Ordering::SeqCst);
        let wanted = answered() + requests;
        let what = format!("{requests} requests more are answered");
        until(&what, Duration::from_secs(60), || async {
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            assert!(!failed, "a request has failed: see above");
            (answered() >= wanted).then_some(())
        })
        .await;
    }

    /// Ends them.
    pub(crate) async fn stop(self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.expect("no request has failed");
        }
    }
}

async fn list_and_call(client: &Client, tool: &str, own: &str) {
    let listed = client.list("tools/list", "tools").await;
    let mut names = listed.iter().map(|listed| name_of(listed));
    assert!(names.any(|name| name == tool), "{tool} in {listed:?}");
    let reply = client.call(tool, json!({})).await;
    let called = &reply.result()["structuredContent"]["params"]["name"];
    assert_eq!(called, own, "{}", reply.shown());
}

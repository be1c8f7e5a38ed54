//! Clients that list and call all the while.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::runtime;
use crate::sessions::Client;
use crate::wait::until;

/// How many of them.
const CLIENTS: usize = 3;

/// See the module. A request that fails fails the test.
#[derive(Debug)]
pub struct Load {
    shared: Arc<State>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    answered: AtomicU64,
    is_over: AtomicBool,
    /// What the first client said whose request has failed.
    failure: Mutex<Option<String>>,
}

impl Load {
    /// Starts some like `client`. In each list there must be `tool`, which must answer as the server that knows it as `own`
    /// and echoes.
    pub fn start(client: &Client, tool: &'static str, own: &'static str) -> Self {
        let shared = Arc::new(State::default());
        let clients = (0..CLIENTS).map(|_| {
            let (client, state) = (client.clone(), Arc::clone(&shared));
            runtime::spawn(async move {
                while !state.is_over.load(Ordering::SeqCst) {
                    let round = AssertUnwindSafe(list_and_call(&client, tool, own));
                    if let Err(panic) = round.catch_unwind().await {
                        let said = panic.downcast::<String>();
                        let said = said.map_or_else(|_| "a request".to_owned(), |said| *said);
                        *state.failure.lock().unwrap() = Some(said);
                        return;
                    }
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
    pub async fn until_more(&self, requests: u64) {
        let answered = || self.shared.answered.load(Ordering::SeqCst);
        let wanted = answered() + requests;
        let what = format!("{requests} requests more are answered");
        until(&what, Duration::from_secs(60), || async {
            self.assert_well();
            (answered() >= wanted).then_some(())
        })
        .await;
    }

    /// Ends them.
    pub async fn stop(mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for client in std::mem::take(&mut self.clients) {
            client.await.expect("it ends");
        }
        self.assert_well();
    }

    fn assert_well(&self) {
        let failure = self.shared.failure.lock().unwrap();
        assert!(failure.is_none(), "a request has failed: {failure:?}");
    }
}

async fn list_and_call(client: &Client, tool: &str, own: &str) {
    let listed = client.list("tools/list", "tools").await;
    let mut definitions = listed
        .iter()
        .filter_map(|one| serde_json::from_str::<Value>(one).ok());
    let is_listed = definitions.any(|one| one["name"] == tool);
    assert!(is_listed, "{tool} in {listed:?}");
    let reply = client.call(tool, json!({})).await;
    let called = &reply.result()["structuredContent"]["params"]["name"];
    assert_eq!(called, own, "{}", reply.shown());
}

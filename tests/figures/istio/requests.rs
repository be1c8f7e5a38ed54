//! Clients that list and call all the while, and count what fails.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use harness::runtime;
use harness::sessions::Client;
use tokio::task::JoinHandle;

/// How many clients.
const CLIENTS: usize = 3;

const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;

const CALL: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo_greet", "arguments": {}}}"#;

/// See the module.
pub(super) struct Requests {
    state: Arc<State>,
    clients: Vec<JoinHandle<()>>,
}

/// How they have fared.
pub(super) struct Tally {
    pub(super) made: u64,
    pub(super) failed: u64,
    slowest: Duration,
    first_failure: Option<String>,
}

#[derive(Default)]
struct State {
    made: AtomicU64,
    failed: AtomicU64,
    is_over: AtomicBool,
    slowest: Mutex<Duration>,
    first_failure: Mutex<Option<String>>,
}

impl Requests {
    pub(super) fn start(client: &Client) -> Self {
        let state = Arc::new(State::default());
        let clients = (0..CLIENTS).map(|_| {
            let (client, state) = (client.clone(), Arc::clone(&state));
            runtime::spawn(async move {
                while !state.is_over.load(Ordering::SeqCst) {
                    for body in [LIST, CALL] {
                        state.note(&client, body).await;
                    }
                }
            })
        });
        Self {
            clients: clients.collect(),
            state,
        }
    }

    /// How many were made so far.
    pub(super) fn made(&self) -> u64 {
        self.state.made.load(Ordering::SeqCst)
    }

    /// Ends them.
    pub(super) async fn stop(self) -> Tally {
        self.state.is_over.store(true, Ordering::SeqCst);
        join_all(self.clients).await;
        Tally {
            made: self.state.made.load(Ordering::SeqCst),
            failed: self.state.failed.load(Ordering::SeqCst),
            slowest: *self.state.slowest.lock().unwrap(),
            first_failure: self.state.first_failure.lock().unwrap().clone(),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slowest = self.slowest.as_millis();
        write!(f, "{} | {} | {slowest} ms", self.made, self.failed)?;
        let first = self.first_failure.as_ref();
        first.map_or(Ok(()), |first| write!(f, "; the first: {first}"))
    }
}

impl State {
    async fn note(&self, client: &Client, body: &str) {
        let begun = Instant::now();
        let answered = ask(client, body).await;
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = begun.elapsed().max(*slowest);
        self.made.fetch_add(1, Ordering::SeqCst);
        if let Err(why) = answered {
            self.failed.fetch_add(1, Ordering::SeqCst);
            self.first_failure.lock().unwrap().get_or_insert(why);
        }
    }
}

/// A list must name the tool, and a call must come back from the server.
async fn ask(client: &Client, body: &str) -> Result<(), String> {
    let request = client.post(body);
    let answer = request.try_open(client.address, client.protocol).await?;
    let reply = answer.rest().await;
    let wanted = if body == LIST {
        "echo_greet"
    } else {
        "structuredContent"
    };
    let is_well = reply.status == 200 && reply.complete && reply.text().contains(wanted);
    if is_well { Ok(()) } else { Err(reply.shown()) }
}

//! Calls of one client, one after the other, while something happens to the gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::runtime;
use harness::sessions::Client;
use harness::wait::within;
use tokio::task::JoinHandle;

use crate::managed::CONSEQUENCE;

/// The call of a tool that is there.
pub(crate) const CALL: &str =
    r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo_greet"}}"#;

/// How the filter answers it, whole or not.
const FILTERED: [u16; 2] = [200, 503];

/// A call, each on a connection of its own: from when to when since the first, and its status, 0 for none.
pub(crate) type Seen = (Duration, Duration, u16);

/// See the module.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    calls: JoinHandle<Vec<Seen>>,
}

impl Watch {
    /// Begins to call.
    pub(crate) fn start(client: &Client) -> Self {
        let is_over = Arc::new(AtomicBool::default());
        let (client, end) = (client.clone(), Arc::clone(&is_over));
        let calls = runtime::spawn(async move {
            let (begun, mut seen) = (Instant::now(), Vec::new());
            while !end.load(Ordering::SeqCst) {
                seen.push(call(&client, begun).await);
            }
            seen
        });
        Self { is_over, calls }
    }

    /// Ends with the call that is under way. Asserts that each was answered by a filter that is whole or says that it is
    /// not: what passes by it is answered otherwise, since no route leads from the endpoint to anywhere.
    pub(crate) async fn stop(self) -> Vec<Seen> {
        self.stop_after(&FILTERED).await
    }

    /// The same with these statuses.
    pub(crate) async fn stop_after(self, statuses: &[u16]) -> Vec<Seen> {
        self.is_over.store(true, Ordering::SeqCst);
        let seen = self.calls.await.expect("it ends");
        assert_among(statuses, &seen);
        seen
    }
}

/// Calls for so long.
pub(crate) async fn watch(client: &Client, time: Duration) -> Vec<Seen> {
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while begun.elapsed() < time {
        seen.push(call(client, begun).await);
    }
    seen
}

async fn call(client: &Client, begun: Instant) -> Seen {
    let from = begun.elapsed();
    let answer = client.post(CALL);
    let answer = answer.try_open(client.address, client.protocol);
    let answer = within(
        "a call while something happens to the gateway",
        CONSEQUENCE,
        answer,
    )
    .await;
    let status = answer.map_or(0, |answer| answer.status);
    (from, begun.elapsed(), status)
}

fn assert_among(statuses: &[u16], seen: &[Seen]) {
    let mut others = seen
        .iter()
        .filter(|(_, _, status)| !statuses.contains(status));
    let other = others.next();
    assert!(other.is_none(), "{other:?} and {} more", others.count());
}

/// From the begin of the first call that was not answered well to the end of the last.
pub(crate) fn outage(seen: &[Seen]) -> Duration {
    let mut bad = seen.iter().filter(|(_, _, status)| *status != 200);
    let Some((from, to, _)) = bad.next() else {
        return Duration::ZERO;
    };
    let to = bad.next_back().map_or(*to, |(_, to, _)| *to);
    to - *from
}

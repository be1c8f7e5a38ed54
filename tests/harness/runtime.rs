//! The runtime on which servers, gateways and tests run.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// No test takes longer, however busy the machine is. One that does waits for something that will not come.
const TEST_BOUND: Duration = Duration::from_secs(600);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // For the HTTP clients of others.
    mcp_control::tls::use_ring();
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Runs a test to its end on the calling thread.
pub fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(async {
        // What it has started is dropped while it panics, and so shows its last lines.
        let mut test = pin!(test);
        let ends = tokio::time::timeout(TEST_BOUND, test.as_mut()).await;
        ends.expect("the test ends within its bound");
    });
}

/// Waits for what several tests share, before the first of them begins. Its own bound is the only one.
pub fn prepare<T>(shared: impl Future<Output = T>) -> T {
    RUNTIME.block_on(shared)
}

/// Starts something that may outlive the test that starts it.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    RUNTIME.spawn(task)
}

//! The runtime on which servers, gateways and tests run.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// No test takes longer. One that does waits for something that will not come.
const TEST_BOUND: Duration = Duration::from_secs(150);

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
        tokio::time::timeout(TEST_BOUND, test)
            .await
            .expect("the test ends within its bound");
    });
}

/// Starts something that may outlive the test that starts it.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    RUNTIME.spawn(task)
}

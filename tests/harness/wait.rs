//! Waiting for conditions, with a bound.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, interval, timeout};

/// How often a condition is looked at that nothing announces.
const LOOK: Duration = Duration::from_millis(10);

/// Looks at `condition` until it gives something, and panics with `what` when `bound` is over.
pub async fn until<T, F>(what: &str, bound: Duration, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    let mut look = interval(LOOK);
    while started.elapsed() < bound {
        look.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
    }
    panic!("waited {bound:?} in vain: {what}");
}

/// Awaits `future`, and panics with `what` when `bound` is over.
pub async fn within<T>(what: &str, bound: Duration, future: impl Future<Output = T>) -> T {
    match timeout(bound, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {bound:?} in vain: {what}"),
    }
}

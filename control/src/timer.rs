//! Waiting for a time that may not have been set.

use tokio::time::{Instant, sleep_until};

/// Waits until `time`; without one, forever.
pub(crate) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

//! The time that one pass may take.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::DiscoveryError;

/// When a pass has to be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    started: Instant,
    at: Instant,
}

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        let started = Instant::now();
        Self {
            started,
            at: started + time,
        }
    }

    /// The same or an earlier one.
    pub(super) fn within(self, time: Duration) -> Self {
        Self {
            at: self.at.min(Instant::now() + time),
            ..self
        }
    }

    /// Waits for `work`, or fails with the name of the step that took too long.
    pub(super) async fn bound<T>(
        self,
        step: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, DiscoveryError> {
        let waited = timeout_at(self.at, work).await;
        waited.map_err(|_| DiscoveryError::TimedOut {
            step,
            after: self.at - self.started,
        })
    }
}

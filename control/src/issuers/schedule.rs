//! When to ask an issuer again.

use std::time::Duration;

/// The times of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Bound of one request.
    pub request: Duration,
    /// From a good answer to the next question.
    pub every: Duration,
    /// From the first failure in a row to the next try; doubled with each.
    pub first_retry: Duration,
    /// The longest wait between tries.
    pub longest_retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(4),
            every: Duration::from_secs(300),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
        }
    }
}

/// One issuer's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    timing: Timing,
    /// Failures in a row.
    failures: u32,
}

impl Schedule {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            failures: 0,
        }
    }

    /// How long to wait after a try.
    pub(super) fn wait(&mut self, is_good: bool) -> Duration {
        if is_good {
            self.failures = 0;
            return self.timing.every;
        }
        let doubled = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let wait = self.timing.first_retry.saturating_mul(doubled);
        wait.min(self.timing.longest_retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_fails_is_asked_ever_more_seldom_until_it_answers() {
        let mut schedule = Schedule::new(Timing::default());
        let waits: Vec<_> = (0..8).map(|_| schedule.wait(false).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(schedule.wait(true).as_secs(), 300);
        assert_eq!(schedule.wait(false).as_secs(), 1);
    }
}

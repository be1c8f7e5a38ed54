//! How often Envoy is started again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many ends ...
const MOST: usize = 5;

/// ... within this time are given up on.
const WITHIN: Duration = Duration::from_secs(120);

/// The wait before the first start; doubled with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The unexpected ends of the last while.
#[derive(Debug, Default)]
pub(super) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// Envoy has ended at `now`. How long to wait before it is started again; `None` for no more.
    pub(super) fn after_end(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|end| now.duration_since(*end) < WITHIN);
        let doubled = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push_back(now);
        (self.0.len() <= MOST).then(|| FIRST_WAIT * 2_u32.saturating_pow(doubled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_it_is_given_up() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        let waits: Vec<_> = (0..6)
            .map(|_| restarts.after_end(now).map(|wait| wait.as_millis()))
            .collect();
        assert_eq!(
            waits,
            [Some(100), Some(200), Some(400), Some(800), Some(1600), None]
        );
    }

    #[test]
    fn ends_long_ago_do_not_count() {
        let mut restarts = Restarts::default();
        let now = Instant::now();
        for _ in 0..MOST {
            restarts.after_end(now);
        }
        assert_eq!(restarts.after_end(now + WITHIN), Some(FIRST_WAIT));
    }
}

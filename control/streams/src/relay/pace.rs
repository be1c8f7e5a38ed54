//! When a server is asked for its stream again.

use std::time::Duration;

/// The longest pause that is made unasked.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest that a server's `retry` is taken for.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// What has lived so long was no mere attempt.
const STEADY: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    first: Duration,
    next: Duration,
    /// What the server asks for (WHATWG HTML, Server-sent events).
    retry: Duration,
}

impl Pace {
    /// The first attempts are `first` apart.
    pub(super) fn new(first: Duration) -> Self {
        Self {
            first,
            next: first,
            retry: Duration::ZERO,
        }
    }

    /// A stream has ended that has lived for `life`, and has asked for a pause, or not.
    pub(super) fn has_ended(&mut self, life: Duration, retry: Option<Duration>) {
        if life >= STEADY {
            self.next = self.first;
        }
        if let Some(retry) = retry {
            self.retry = retry.min(LONGEST_RETRY);
        }
    }

    /// The pause before the next attempt. That of many streams ends at different times: what has broken them all at once
    /// is not asked by all at once.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next.max(self.retry);
        self.next = (self.next * 2).min(LONGEST);
        let more = getrandom::u32().map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX));
        pause.mul_f64(1.0 + more / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn assert_about(pause: Duration, seconds: u32) {
        let (least, most) = (SECOND * seconds, SECOND * seconds * 3 / 2);
        assert!((least..=most).contains(&pause), "{pause:?}");
    }

    #[test]
    fn streams_that_end_at_once_are_asked_for_less_and_less() {
        let mut pace = Pace::new(SECOND);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            pace.has_ended(SECOND, None);
            assert_about(pace.pause(), seconds);
        }
        pace.has_ended(STEADY, None);
        assert_about(pace.pause(), 1);
    }

    #[test]
    fn what_has_broken_at_once_is_not_asked_for_at_once() {
        let pauses: Vec<Duration> = (0..8).map(|_| Pace::new(SECOND).pause()).collect();
        let first = pauses.first().unwrap();
        assert!(pauses.iter().any(|pause| pause != first), "{pauses:?}");
    }

    #[test]
    fn no_server_is_asked_sooner_than_it_wants() {
        let mut pace = Pace::new(SECOND);
        pace.has_ended(STEADY, Some(SECOND * 7));
        assert_about(pace.pause(), 7);
        pace.has_ended(STEADY, None);
        assert_about(pace.pause(), 7);
        pace.has_ended(STEADY, Some(SECOND * 1_000_000));
        assert_about(pace.pause(), 300);
    }
}

//! Whether a verdict holds: while the gateway's configuration changes, it may refuse for a moment what it has allowed before
//! and will allow again.

use std::time::{Duration, Instant};

/// The last verdict against somebody, and when it was given first.
#[derive(Debug)]
pub(crate) struct Doubt<V>(Option<(V, Instant)>);

impl<V> Default for Doubt<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: PartialEq> Doubt<V> {
    /// Takes in a verdict that is given now. Whether it holds: it was given `least` ago or before, and no other one since.
    pub(crate) fn holds(&mut self, verdict: V, now: Instant, least: Duration) -> bool {
        match &self.0 {
            Some((former, since)) if *former == verdict => {
                now.saturating_duration_since(*since) >= least
            }
            _ => {
                self.0 = Some((verdict, now));
                false
            }
        }
    }

    /// All is well.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(5);

    #[test]
    fn a_verdict_holds_when_it_is_given_again_later() {
        let (mut doubt, then) = (Doubt::default(), Instant::now());
        assert!(!doubt.holds(405, then, LEAST));
        assert!(!doubt.holds(405, then + LEAST / 2, LEAST));
        assert!(doubt.holds(405, then + LEAST, LEAST));
    }

    #[test]
    fn what_is_said_otherwise_in_between_begins_anew() {
        let (mut doubt, then) = (Doubt::default(), Instant::now());
        assert!(!doubt.holds(405, then, LEAST));
        assert!(!doubt.holds(403, then + LEAST, LEAST));
        assert!(!doubt.holds(405, then + 2 * LEAST, LEAST));
        doubt.clear();
        assert!(!doubt.holds(405, then + 4 * LEAST, LEAST));
    }
}

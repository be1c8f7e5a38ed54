//! Since when a gateway does not serve what it shall, and what was told of that.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// How long that may be before it is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same where it serves something older: what it was given is on its way for no longer.
const BEHIND: Duration = Duration::from_secs(3);

/// See the module. What is wanted meanwhile does not begin it anew.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    since: Option<Instant>,
    /// Generations that were seen since then.
    seen: BTreeSet<String>,
    told: Option<String>,
    /// What it was told to be behind of.
    told_behind: Option<String>,
}

impl Lateness {
    /// It does not serve what it shall.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// It serves this generation instead. One that was not seen before is a step on the way: it is not late then.
    pub(super) fn see(&mut self, generation: &str, now: Instant) {
        if self.seen.insert(generation.to_owned()) {
            self.since = Some(now);
        }
    }

    /// Whether it is to be told that it serves something older than this generation: once for each.
    pub(super) fn tells_behind(&mut self, given: &str, now: Instant) -> bool {
        let since = self.since.map(|since| now.duration_since(since));
        let is_late = since.is_some_and(|since| since > BEHIND);
        let is_news = is_late && self.told_behind.as_deref() != Some(given);
        if is_news {
            self.told_behind = Some(given.to_owned());
        }
        is_news
    }

    /// What it serves is not known any more.
    pub(super) fn unsee(&mut self) {
        self.told_behind = None;
    }

    /// It serves what it shall.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Whether it did not serve what it shall when that was seen last.
    pub(super) fn has_begun(&self) -> bool {
        self.since.is_some()
    }

    /// Whether it takes longer than anybody needs.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.duration_since(since) > PATIENCE)
    }

    /// Whether this is to be told: it is late for a reason that was not told last.
    pub(super) fn tells(&mut self, reason: &str, now: Instant) -> bool {
        let is_news = self.is_late(now) && self.told.as_deref() != Some(reason);
        if is_news {
            self.told = Some(reason.to_owned());
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_wanted_again_and_again_does_not_put_it_off() {
        let start = Instant::now();
        let mut lateness = Lateness::default();
        for second in 0..=10 {
            let now = start + SECOND * second;
            lateness.begin(now);
            assert!(!lateness.tells("no route to host", now), "{second}");
        }
        let now = start + SECOND * 11;
        lateness.begin(now);
        assert!(lateness.tells("no route to host", now));
        lateness.begin(now + SECOND);
        let later = now + SECOND * 2;
        assert!(!lateness.tells("no route to host", later), "told already");
        assert!(lateness.tells("connection refused", later));
    }

    #[test]
    fn a_gateway_that_serves_something_older_for_three_seconds_is_told_once() {
        let start = Instant::now();
        let mut lateness = Lateness::default();
        lateness.begin(start);
        lateness.see("old", start);
        assert!(!lateness.tells_behind("new", start + SECOND * 3));
        assert!(lateness.tells_behind("new", start + SECOND * 4));
        assert!(!lateness.tells_behind("new", start + SECOND * 5));
        assert!(lateness.tells_behind("newer", start + SECOND * 5));
        lateness.unsee();
        assert!(lateness.tells_behind("newer", start + SECOND * 6));
        lateness.end();
        lateness.begin(start + SECOND * 6);
        assert!(lateness.tells_behind("new", start + SECOND * 10));
    }

    #[test]
    fn a_gateway_that_serves_one_generation_after_the_other_is_not_late() {
        let start = Instant::now();
        let mut lateness = Lateness::default();
        lateness.begin(start);
        let shown = [("a", 4), ("b", 8), ("c", 12), ("b", 16), ("c", 20)];
        for (generation, second) in shown {
            let now = start + SECOND * second;
            lateness.see(generation, now);
            assert!(!lateness.tells("not yet", now), "{generation} at {second}");
        }
        let now = start + SECOND * 23;
        lateness.see("c", now);
        assert!(lateness.tells("not yet", now), "nothing new for 11 s");
        lateness.end();
        lateness.begin(now);
        assert!(!lateness.is_late(now + SECOND * 10));
    }
}

//! Whose turn it is.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

/// Members in the order in which they came, taken turn by turn.
#[derive(Clone, Debug)]
pub(super) struct Turns<T> {
    members: BTreeMap<u64, T>,
    last: Option<u64>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            members: BTreeMap::new(),
            last: None,
        }
    }
}

impl<T: Clone> Turns<T> {
    pub(super) fn insert(&mut self, number: u64, member: T) {
        self.members.insert(number, member);
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.members.remove(&number);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.members.values().cloned().collect()
    }

    /// Whose turn it is, when turns come every `poll`: as many as it takes for all to have one within `recheck`, and one at
    /// least.
    pub(super) fn next(&mut self, poll: Duration, recheck: Duration) -> Vec<T> {
        let rounds = recheck.as_millis() / poll.as_millis().max(1);
        let rounds = usize::try_from(rounds).unwrap_or(usize::MAX).max(1);
        let count = self.members.len().div_ceil(rounds);
        let after = self.last.map_or(Unbounded, Excluded);
        let rest = self.members.range((after, Unbounded)).chain(&self.members);
        let chosen: Vec<(u64, T)> = rest
            .map(|(number, one)| (*number, one.clone()))
            .take(count)
            .collect();
        self.last = chosen.last().map(|(number, _)| *number);
        chosen.into_iter().map(|(_, member)| member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn turns(count: u64) -> Turns<u64> {
        let mut turns = Turns::default();
        (0..count).for_each(|number| turns.insert(number, number));
        turns
    }

    #[test]
    fn one_at_a_time_while_that_is_enough() {
        let mut turns = turns(3);
        let mut next = || turns.next(SECOND, MINUTE);
        assert_eq!([next(), next(), next(), next()], [[0], [1], [2], [0]]);
    }

    #[test]
    fn all_have_had_a_turn_after_the_longest_time() {
        for count in [1, 59, 60, 61, 1_000] {
            let mut turns = turns(count);
            let mut seen: Vec<u64> = (0..60).flat_map(|_| turns.next(SECOND, MINUTE)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_leaves_has_no_turn_and_takes_none_from_others() {
        let mut turns = turns(3);
        assert_eq!(turns.next(SECOND, MINUTE), [0]);
        turns.remove(0);
        turns.remove(1);
        assert_eq!(turns.next(SECOND, MINUTE), [2]);
        turns.remove(2);
        assert!(turns.is_empty() && turns.next(SECOND, MINUTE).is_empty());
    }
}

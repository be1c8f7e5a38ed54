//! Whose turn it is.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::{Duration, Instant};

/// Members in the order in which they came, taken turn by turn.
#[derive(Clone, Debug)]
pub(super) struct Turns<T> {
    members: BTreeMap<u64, T>,
    last: Option<u64>,
    /// Who is asked out of turn, and from when on.
    again: BTreeMap<u64, Instant>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            members: BTreeMap::new(),
            last: None,
            again: BTreeMap::new(),
        }
    }
}

impl<T: Clone> Turns<T> {
    pub(super) fn insert(&mut self, number: u64, member: T) {
        self.members.insert(number, member);
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.members.remove(&number);
        self.again.remove(&number);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// One that is asked from `at` on, whosever turn it is then.
    pub(super) fn ask_again(&mut self, number: u64, at: Instant) {
        if self.members.contains_key(&number) {
            self.again.entry(number).or_insert(at);
        }
    }

    /// Those that are to be asked out of turn by now. They are not again.
    pub(super) fn due(&mut self, now: Instant) -> Vec<T> {
        let due: Vec<u64> = (self.again.iter())
            .filter(|(_, at)| **at <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in &due {
            self.again.remove(number);
        }
        let members = due.iter().filter_map(|number| self.members.get(number));
        members.cloned().collect()
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
    fn who_is_in_doubt_is_asked_again_out_of_turn_and_once() {
        let (mut turns, now) = (turns(3), Instant::now());
        turns.ask_again(1, now + SECOND);
        turns.ask_again(2, now);
        turns.ask_again(7, now);
        assert_eq!(turns.due(now), [2]);
        assert_eq!(turns.due(now + SECOND), [1]);
        assert!(turns.due(now + SECOND).is_empty());
        turns.ask_again(0, now);
        turns.remove(0);
        assert!(turns.due(now).is_empty());
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

//! Results of pure functions that are asked for again and again, in bounded memory. A lost one is computed again.

use std::cell::RefCell;
use std::fmt;

/// How many results are kept: two to this power.
const PLACES_LOG2: u32 = 9;

/// Results `V` by what they were computed from, `K`. Each has one place, which it loses to whatever comes after it.
pub(crate) struct Memo<K, V>(RefCell<Vec<Option<(K, V)>>>);

impl<K, V: Clone> Memo<K, V> {
    /// The result at `place`, any number that goes with the key, if it is that of this key.
    pub(crate) fn find(&self, place: u64, is_key: impl FnOnce(&K) -> bool) -> Option<V> {
        let places = self.0.borrow();
        let (key, value) = places.get(index(place))?.as_ref()?;
        is_key(key).then(|| value.clone())
    }

    /// Keeps a result for later.
    pub(crate) fn keep(&self, place: u64, key: K, value: V) {
        let mut places = self.0.borrow_mut();
        if places.is_empty() {
            places.resize_with(1 << PLACES_LOG2, || None);
        }
        if let Some(kept) = places.get_mut(index(place)) {
            *kept = Some((key, value));
        }
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

/// Without its results: whoever needs them computes them.
impl<K, V> Clone for Memo<K, V> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Without its results: they may be secret.
impl<K, V> fmt::Debug for Memo<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

fn index(place: u64) -> usize {
    // Multiplied by 2^64 over the golden ratio, so that every bit of the number has its part in the upper ones.
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PLACES_LOG2)) as usize
}

#[cfg(test)]
mod tests {
    use super::Memo;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_result_is_that_of_its_key_alone() {
        let memo = Memo::default();
        memo.keep(1, "one", 11);
        assert_eq!(memo.find(1, |key| *key == "one"), Some(11));
        assert_eq!(memo.find(1, |key| *key == "two"), None);
        assert_eq!(memo.find(2, |key| *key == "one"), None);
    }

    #[test]
    fn the_last_result_of_a_place_is_kept() {
        let memo = Memo::default();
        memo.keep(1, "one", 11);
        memo.keep(1, "other", 22);
        assert_eq!(memo.find(1, |key| *key == "one"), None);
        assert_eq!(memo.find(1, |key| *key == "other"), Some(22));
    }

    #[test]
    fn results_are_not_printed() {
        let memo = Memo::default();
        memo.keep(1, "secret", "too");
        assert_eq!(format!("{memo:?}"), "Memo { .. }");
    }
}

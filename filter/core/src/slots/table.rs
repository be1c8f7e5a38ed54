//! One table of slots.

use super::entry::{Entry, KeyDigest};
use crate::context::{SharedSlots, Slot};

/// Slots in which one entry may stand. At three quarters full, an entry is pushed out by one insertion in ten.
const CHOICES: u32 = 8;
/// Writes that are tried against other workers before giving up.
pub(super) const ATTEMPTS: u32 = 4;

/// `count` slots whose keys begin with `prefix`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotTable {
    pub(super) prefix: &'static str,
    pub(super) count: u32,
    /// Age in milliseconds at which an entry counts as gone.
    pub(super) lifetime_ms: u64,
}

/// What to do with an entry of the same key that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    Keep,
    Replace,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// In the slot of this number.
    Stored(u32),
    /// Another entry of the same key is there, and stays.
    Taken(Entry),
    /// Other workers were quicker each time.
    Busy,
}

/// A slot in which an entry could be put.
struct Place {
    number: u32,
    version: u32,
    held: Option<Entry>,
}

impl SlotTable {
    /// The entry of `key`.
    pub(super) fn find(
        self,
        slots: &dyn SharedSlots,
        key: &KeyDigest,
        now_ms: u64,
    ) -> Option<Entry> {
        for number in self.choices(key) {
            // Slots are filled in order and never removed: behind one that was never written there is nothing.
            let slot = slots.load(&self.slot_key(number))?;
            if let Some(entry) = self.live(&slot, now_ms).filter(|entry| entry.key == *key) {
                return Some(entry);
            }
        }
        None
    }

    /// Puts `entry` into a free slot, or in the place of the oldest.
    pub(super) fn put(self, slots: &mut dyn SharedSlots, entry: &Entry, existing: Existing) -> Put {
        for _ in 0..ATTEMPTS {
            let Some(place) = self.place_for(slots, entry) else {
                return Put::Busy;
            };
            match place.held {
                Some(held) if held.key == entry.key && existing == Existing::Keep => {
                    return Put::Taken(held);
                }
                _ => {
                    let key = self.slot_key(place.number);
                    if slots.store(&key, &entry.to_bytes(), Some(place.version)) {
                        return Put::Stored(place.number);
                    }
                }
            }
        }
        Put::Busy
    }

    /// Empties the slot of `key` if `matches` its entry, and only if nobody has changed it meanwhile.
    pub(super) fn remove(
        self,
        slots: &mut dyn SharedSlots,
        key: &KeyDigest,
        matches: impl Fn(&Entry) -> bool,
    ) {
        for number in self.choices(key) {
            let slot_key = self.slot_key(number);
            let Some(slot) = slots.load(&slot_key) else {
                return;
            };
            if Entry::from_bytes(&slot.value)
                .is_some_and(|entry| entry.key == *key && matches(&entry))
            {
                slots.store(&slot_key, &[], Some(slot.version));
            }
        }
    }

    /// Whether the slot of this number holds an entry that is not gone.
    pub(super) fn holds_entry(self, slots: &dyn SharedSlots, number: u32, now_ms: u64) -> bool {
        slots
            .load(&self.slot_key(number))
            .is_some_and(|slot| self.live(&slot, now_ms).is_some())
    }

    /// The slot that holds the same key, else the first free one, else that of the oldest entry.
    fn place_for(self, slots: &dyn SharedSlots, entry: &Entry) -> Option<Place> {
        let mut best: Option<Place> = None;
        for number in self.choices(&entry.key) {
            let slot = slots.load(&self.slot_key(number));
            let version = slot.as_ref().map_or(Slot::ABSENT, |slot| slot.version);
            let held = slot
                .as_ref()
                .and_then(|slot| self.live(slot, entry.written_ms));
            let place = Place {
                number,
                version,
                held,
            };
            if place
                .held
                .as_ref()
                .is_some_and(|held| held.key == entry.key)
            {
                return Some(place);
            }
            if best
                .as_ref()
                .is_none_or(|best| place.age_rank() < best.age_rank())
            {
                best = Some(place);
            }
            if slot.is_none() {
                break;
            }
        }
        best
    }

    fn live(self, slot: &Slot, now_ms: u64) -> Option<Entry> {
        Entry::from_bytes(&slot.value)
            .filter(|entry| now_ms.saturating_sub(entry.written_ms) < self.lifetime_ms)
    }

    fn slot_key(self, number: u32) -> String {
        format!("{}{number}", self.prefix)
    }

    /// The numbers of the slots in which an entry may stand, in order of preference.
    fn choices(self, key: &KeyDigest) -> impl Iterator<Item = u32> + use<> {
        let [a, b, c, d, e, f, g, h, ..] = *key;
        let count = u64::from(self.count.max(1));
        let first = u64::from(u32::from_le_bytes([a, b, c, d]));
        // Odd, so that it leads to different slots where `count` is a power of two.
        let step = (u64::from(u32::from_le_bytes([e, f, g, h])) % count) | 1;
        (0..u64::from(CHOICES.min(self.count)))
            .map(move |choice| u32::try_from((first + choice * step) % count).unwrap_or_default())
    }
}

impl Place {
    /// Free slots come first, then the oldest.
    fn age_rank(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.written_ms)
    }
}

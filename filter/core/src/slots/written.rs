//! Which slots of a table were ever written, so that a look at all of them costs no more than there are.

use super::table::{ATTEMPTS, SlotTable};
use crate::context::{SharedSlots, Slot};

/// Slots that one page tells of.
pub(super) const PAGE_SLOTS: u32 = 8 * PAGE_BYTES as u32;
const PAGE_BYTES: usize = 128;

/// A bit for each slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page([u8; PAGE_BYTES]);

impl SlotTable {
    /// Notes that the slot of this number was written. Where other workers are quicker each time, it is noted when its
    /// entry is written next.
    pub(super) fn mark_written(self, slots: &mut dyn SharedSlots, number: u32) {
        let key = self.page_key(number / PAGE_SLOTS);
        for _ in 0..ATTEMPTS {
            let slot = slots.load(&key);
            let version = slot.as_ref().map_or(Slot::ABSENT, |slot| slot.version);
            let mut page = Page::of(slot);
            if !page.mark(number % PAGE_SLOTS) || slots.store(&key, &page.0, Some(version)) {
                return;
            }
        }
    }

    /// Tells of the slots from `page * PAGE_SLOTS` on.
    pub(super) fn written(self, slots: &dyn SharedSlots, page: u32) -> Page {
        Page::of(slots.load(&self.page_key(page)))
    }

    /// No slot has such a key: theirs are numbers behind the prefix.
    fn page_key(self, page: u32) -> String {
        format!("{}w{page}", self.prefix)
    }
}

impl Page {
    /// An empty one where there is none or one of another format.
    fn of(slot: Option<Slot>) -> Self {
        let bytes = slot.and_then(|slot| slot.value.try_into().ok());
        Self(bytes.unwrap_or([0; PAGE_BYTES]))
    }

    /// Whether the slot at this place of the page was written.
    pub(super) fn has(&self, place: u32) -> bool {
        let byte = self.0.get(place as usize / 8);
        byte.is_some_and(|byte| byte & bit(place) != 0)
    }

    /// Tells whether that is new.
    fn mark(&mut self, place: u32) -> bool {
        let is_new = !self.has(place);
        if let Some(byte) = self.0.get_mut(place as usize / 8) {
            *byte |= bit(place);
        }
        is_new
    }
}

fn bit(place: u32) -> u8 {
    1 << (place % 8)
}

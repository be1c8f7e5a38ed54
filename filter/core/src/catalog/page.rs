//! How much of a list one page holds.

use super::list::Entry;

/// See the module. A page has one definition at least, whatever the size of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Definitions.
    pub items: u32,
    /// Bytes of the definitions and the commas between them.
    pub bytes: u32,
}

impl PageSize {
    /// How many of `entries`, which stand one behind another, a page has.
    pub(super) fn fitting(self, entries: &[Entry]) -> usize {
        let Some(first) = entries.first() else {
            return 0;
        };
        let end = first.start.saturating_add(self.bytes as usize);
        let fitting = entries.partition_point(|entry| entry.end <= end);
        fitting.min(self.items as usize).max(1)
    }
}

/// A page that gets its definitions one by one.
#[derive(Debug)]
pub(super) struct Filling {
    size: PageSize,
    items: u32,
    bytes: usize,
}

impl Filling {
    pub(super) fn new(size: PageSize) -> Self {
        Self {
            size,
            items: 0,
            bytes: 0,
        }
    }

    /// Takes this one, if there is room for it.
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        let comma = usize::from(self.items > 0);
        let bytes = self.bytes + comma + (entry.end - entry.start);
        let fits = self.items < self.size.items && bytes <= self.size.bytes as usize;
        if !fits && self.items > 0 {
            return false;
        }
        self.items += 1;
        self.bytes = bytes;
        true
    }
}

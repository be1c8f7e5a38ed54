//! How many sessions at servers are remembered: counted by a sweep over the slots, a few with each tick.
//!
//! How far the sweep has come stands in shared data, too. So the VMs of an Envoy, one for each worker and one on its main
//! thread, carry one sweep on in turns, and another configuration, or another module, goes on where the last one stood.

use mcp_filter_config::Limits;

use super::table::SlotTable;
use super::upstream_sessions;
use super::written::PAGE_SLOTS;
use crate::context::{SharedSlots, Slot};

const KEY: &str = "mcp.v1.sweep";
const FORMAT: u8 = 1;

/// Slots and pages that one step looks at: about a millisecond on a busy machine.
const LOOKS: u32 = 1024;
/// Milliseconds from one step to the next, whichever VM makes it: a little less than from tick to tick.
const PAUSE_MS: u64 = 900;

/// How far the sweep has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    /// When it was carried on last, in milliseconds since the Unix epoch.
    at_ms: u64,
    /// The table and the slot that come next.
    table: u8,
    number: u32,
    /// Live entries before these.
    counted: u64,
    /// What the sweep before has counted.
    total: Option<u64>,
}

/// Carries the sweep on if its time has come. Gives what the last one that has ended has counted: sessions at servers,
/// opened or used within `lifetime_ms`. `None` before the first end.
pub fn count_upstream_sessions(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    lifetime_ms: u64,
    now_ms: u64,
) -> Option<u64> {
    let slot = slots.load(KEY);
    let version = slot.as_ref().map_or(Slot::ABSENT, |slot| slot.version);
    let before = slot.and_then(|slot| Progress::from_bytes(&slot.value));
    let mut progress = before.unwrap_or_default();
    // A clock that was set back stops no sweep.
    if before.is_some() && now_ms.abs_diff(progress.at_ms) < PAUSE_MS {
        return progress.total;
    }
    let total = progress.total;
    progress.at_ms = now_ms;
    progress.step(slots, &upstream_sessions::tables(limits, lifetime_ms));
    let is_ours = slots.store(KEY, &progress.to_bytes(), Some(version));
    if is_ours { progress.total } else { total }
}

impl Progress {
    fn step(&mut self, slots: &dyn SharedSlots, tables: &[SlotTable]) {
        let mut looks = LOOKS;
        while let Some(table) = tables.get(usize::from(self.table)) {
            if self.number >= table.count {
                self.table += 1;
                self.number = 0;
                continue;
            }
            if looks == 0 {
                return;
            }
            looks -= 1;
            self.look_at_page(slots, *table, &mut looks);
        }
        self.table = 0;
        self.total = Some(std::mem::take(&mut self.counted));
    }

    /// Looks at the written slots of the page at hand, as many as there are looks.
    fn look_at_page(&mut self, slots: &dyn SharedSlots, table: SlotTable, looks: &mut u32) {
        let page = table.written(slots, self.number / PAGE_SLOTS);
        loop {
            if page.has(self.number % PAGE_SLOTS) {
                if *looks == 0 {
                    return;
                }
                *looks -= 1;
                self.counted += u64::from(table.holds_entry(slots, self.number, self.at_ms));
            }
            self.number += 1;
            if self.number.is_multiple_of(PAGE_SLOTS) || self.number >= table.count {
                return;
            }
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.at_ms.to_le_bytes());
        bytes.push(self.table);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.counted.to_le_bytes());
        bytes.extend(self.total.into_iter().flat_map(u64::to_le_bytes));
        bytes
    }

    /// `None` for another format.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ([FORMAT], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let (at_ms, rest) = rest.split_first_chunk()?;
        let ([table], rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (counted, rest) = rest.split_first_chunk()?;
        Some(Self {
            at_ms: u64::from_le_bytes(*at_ms),
            table: *table,
            number: u32::from_le_bytes(*number),
            counted: u64::from_le_bytes(*counted),
            total: rest.first_chunk().map(|total| u64::from_le_bytes(*total)),
        })
    }
}

#[cfg(test)]
mod tests;

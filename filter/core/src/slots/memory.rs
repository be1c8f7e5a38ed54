//! Shared data without a host.

use std::collections::BTreeMap;

use crate::context::{SharedSlots, Slot};

/// A map that behaves as Envoy's shared data does. For tests and for programs that run the core natively.
#[derive(Clone, Debug, Default)]
pub struct MemorySlots {
    slots: BTreeMap<String, Slot>,
    last_version: u32,
}

impl MemorySlots {
    /// Without any entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of keys that were ever written.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl SharedSlots for MemorySlots {
    fn load(&self, key: &str) -> Option<Slot> {
        self.slots.get(key).cloned()
    }

    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        if let (Some(version), Some(slot)) = (version, self.slots.get(key))
            && version != slot.version
        {
            return false;
        }
        self.last_version += 1;
        self.slots.insert(
            key.to_owned(),
            Slot {
                value: value.to_vec(),
                version: self.last_version,
            },
        );
        true
    }
}

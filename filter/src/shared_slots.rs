use mcp_filter_core::{SharedSlots, Slot};

use crate::host;

/// The shared data of this Envoy: one map for all its workers, which outlives every configuration.
#[derive(Debug)]
pub(crate) struct HostSlots;

impl SharedSlots for HostSlots {
    fn load(&self, key: &str) -> Option<Slot> {
        host::shared_data(key).map(|(value, version)| Slot { value, version })
    }

    fn store(&mut self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        host::set_shared_data(key, value, version)
    }
}

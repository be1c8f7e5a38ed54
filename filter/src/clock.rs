use std::cell::Cell;

use crate::host;

/// The time as all streams of a plugin know it: asked of the host where it counts, and remembered in between, since
/// each question is a hostcall. Ticks keep it from falling far behind.
#[derive(Debug, Default)]
pub(crate) struct Clock(Cell<u64>);

impl Clock {
    /// Asks the host.
    pub(crate) fn read(&self) {
        self.0.set(host::now_ms());
    }

    /// What the host said last, in milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        self.0.get()
    }
}

//! What is wrong with how the plugins are set up, said to whoever reads the log: now and then, not with each request.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::host;

thread_local! {
    /// Names in the filter state that were complained of.
    static REFUSED_STATES: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Says that access logs are not told what stands under `name`: the first time in this VM, for all requests are alike.
pub(crate) fn filter_state_refused(name: &'static str, status: u32) {
    if REFUSED_STATES.with_borrow_mut(|refused| refused.insert(name)) {
        log::error!(
            "wasm.{name} not left in the filter state (status {status}), so access logs lack it: another filter of \
             this chain has declared a state of this name that cannot be changed; have it use another name"
        );
    }
}

/// Milliseconds from one to the next.
const PAUSE_MS: u64 = 10_000;

/// Of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    last_ms: Cell<Option<u64>>,
}

impl Complaint {
    /// Says that one of the two halves is missing, and what to do.
    pub(crate) fn half_missing(&self, reason: &str) {
        let now_ms = host::now_ms();
        let last_ms = self.last_ms.get();
        if last_ms.is_some_and(|last_ms| now_ms < last_ms.saturating_add(PAUSE_MS)) {
            return;
        }
        self.last_ms.set(Some(now_ms));
        log::error!(
            "answered 503: {reason}: have both plugins in one filter chain, role route before role gate, of the same \
             module and without a vmConfig"
        );
    }
}

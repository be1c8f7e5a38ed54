//! The fixed list of counters and gauges, and the series of servers and tools. Envoy shows each as
//! `wasmcustom.mcp_filter.<name>`.
//!
//! Counters are added to here and told to the host with each tick, so that a request costs no hostcall for them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use crate::host;
use crate::series::AllSeries;

thread_local! {
    // The host counts each definition anew and forgets none, so a new configuration must not define them again.
    static METRICS: OnceCell<Rc<Metrics>> = const { OnceCell::new() };
}

/// The ids, defined on the first call. They belong to the VM, not to a plugin.
pub(crate) fn of_this_vm() -> Rc<Metrics> {
    METRICS.with(|metrics| Rc::clone(metrics.get_or_init(|| Rc::new(Metrics::define()))))
}

/// Metrics as the host knows them.
#[derive(Debug)]
pub(crate) struct Metrics {
    passed: Counter,
    routed: Counter,
    answered: Counter,
    refused: Counter,
    failed: Counter,
    reset: Counter,
    unknown: Counter,
    calls: Counter,
    calls_failed: Counter,
    /// Of servers and tools.
    series: Rc<AllSeries>,
    /// `None` where the host refused it.
    upstream_sessions: Option<u32>,
    /// `None` where the host refused it.
    generation: Option<u32>,
}

#[derive(Debug)]
struct Counter {
    /// `None` where the host refused it.
    id: Option<u32>,
    /// What the host has not been told.
    untold: Cell<i64>,
}

impl Metrics {
    fn define() -> Self {
        Self {
            passed: Counter::define("mcp_filter.requests_passed"),
            routed: Counter::define("mcp_filter.requests_routed"),
            answered: Counter::define("mcp_filter.responses_answered"),
            refused: Counter::define("mcp_filter.responses_refused"),
            failed: Counter::define("mcp_filter.responses_failed"),
            reset: Counter::define("mcp_filter.streams_reset"),
            unknown: Counter::define("mcp_filter.requests_unknown"),
            calls: Counter::define("mcp_filter.calls"),
            calls_failed: Counter::define("mcp_filter.calls_failed"),
            series: Rc::default(),
            upstream_sessions: host::define_gauge("mcp_filter.upstream_sessions"),
            generation: host::define_gauge("mcp_filter.generation"),
        }
    }

    /// Tells the host what has been counted.
    pub(crate) fn tell(&self) {
        for counter in [
            &self.passed,
            &self.routed,
            &self.answered,
            &self.refused,
            &self.failed,
            &self.reset,
            &self.unknown,
            &self.calls,
            &self.calls_failed,
        ] {
            counter.tell();
        }
        self.series.tell();
    }

    /// A request that is not ours.
    pub(crate) fn request_passed(&self) {
        self.passed.add();
    }

    /// A request that was sent to an upstream server.
    pub(crate) fn request_routed(&self) {
        self.routed.add();
    }

    /// A local response: answered below 400, refused below 500, failed above.
    pub(crate) fn local_response(&self, status: u16) {
        let counter = match status {
            0..400 => &self.answered,
            400..500 => &self.refused,
            500.. => &self.failed,
        };
        counter.add();
    }

    /// A stream that was cut.
    pub(crate) fn stream_reset(&self) {
        self.reset.add();
    }

    /// A request for a tool, prompt or resource that is not in the catalog.
    pub(crate) fn request_unknown(&self) {
        self.unknown.add();
    }

    /// Those of servers and tools.
    pub(crate) fn series(&self) -> &Rc<AllSeries> {
        &self.series
    }

    /// A call that was sent.
    pub(crate) fn call(&self) {
        self.calls.add();
    }

    /// A call that the host refused or that ended without a response.
    pub(crate) fn call_failed(&self) {
        self.calls_failed.add();
    }

    /// How many sessions at servers this Envoy remembers, once that is known. Any worker may have counted them, also of
    /// another module, whose gauge is gone with it: so each worker tells it with each tick.
    pub(crate) fn remember_sessions(&self, count: Option<u64>) {
        if let (Some(gauge), Some(count)) = (self.upstream_sessions, count) {
            host::record(gauge, count);
        }
    }

    /// The configuration that is served: the low 48 bits of its digest, exact as a double.
    pub(crate) fn serve_generation(&self, generation: &str) {
        if let (Some(gauge), Some(value)) = (self.generation, low_48_bits(generation)) {
            host::record(gauge, value);
        }
    }
}

/// The last twelve digits of a hexadecimal digest. `None` where it is shorter or something else.
fn low_48_bits(digest: &str) -> Option<u64> {
    let start = digest.len().checked_sub(12)?;
    u64::from_str_radix(digest.get(start..)?, 16).ok()
}

impl Counter {
    fn define(name: &str) -> Self {
        Self {
            id: host::define_counter(name),
            untold: Cell::new(0),
        }
    }

    fn add(&self) {
        self.untold.set(self.untold.get() + 1);
    }

    fn tell(&self) {
        let untold = self.untold.take();
        if let Some(id) = self.id.filter(|_| untold != 0) {
            host::increment(id, untold);
        }
    }
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_gauge_shows_the_last_twelve_digits() {
        assert_eq!(low_48_bits("ffff0123456789ab"), Some(0x0123_4567_89ab));
    }

    #[test]
    fn what_is_no_digest_shows_nothing() {
        for digest in ["", "123", "0123456789ag", "0123456789é0"] {
            assert_eq!(low_48_bits(digest), None, "{digest}");
        }
    }
}

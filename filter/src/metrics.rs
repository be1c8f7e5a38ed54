//! The fixed list of counters and gauges. Envoy shows each as `wasmcustom.mcp_filter.<name>`.

use std::cell::OnceCell;

use crate::host;

thread_local! {
    // The host counts each definition anew and forgets none, so a new configuration must not define them again.
    static METRICS: OnceCell<Metrics> = const { OnceCell::new() };
}

/// The ids, defined on the first call. They belong to the VM, not to a plugin.
pub(crate) fn of_this_vm() -> Metrics {
    METRICS.with(|metrics| *metrics.get_or_init(Metrics::define))
}

/// Ids of the metrics, as the host gave them; `None` where it refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    passed: Option<u32>,
    routed: Option<u32>,
    answered: Option<u32>,
    refused: Option<u32>,
    failed: Option<u32>,
    reset: Option<u32>,
    calls: Option<u32>,
    calls_failed: Option<u32>,
    generation: Option<u32>,
}

impl Metrics {
    fn define() -> Self {
        Self {
            passed: host::define_counter("mcp_filter.requests_passed"),
            routed: host::define_counter("mcp_filter.requests_routed"),
            answered: host::define_counter("mcp_filter.responses_answered"),
            refused: host::define_counter("mcp_filter.responses_refused"),
            failed: host::define_counter("mcp_filter.responses_failed"),
            reset: host::define_counter("mcp_filter.streams_reset"),
            calls: host::define_counter("mcp_filter.calls"),
            calls_failed: host::define_counter("mcp_filter.calls_failed"),
            generation: host::define_gauge("mcp_filter.generation"),
        }
    }

    /// A request that is not ours.
    pub(crate) fn request_passed(&self) {
        add(self.passed);
    }

    /// A request that was sent to an upstream server.
    pub(crate) fn request_routed(&self) {
        add(self.routed);
    }

    /// A local response: answered below 400, refused below 500, failed above.
    pub(crate) fn local_response(&self, status: u16) {
        add(match status {
            0..400 => self.answered,
            400..500 => self.refused,
            500.. => self.failed,
        });
    }

    /// A stream that was cut.
    pub(crate) fn stream_reset(&self) {
        add(self.reset);
    }

    /// A call that was sent.
    pub(crate) fn call(&self) {
        add(self.calls);
    }

    /// A call that the host refused or that ended without a response.
    pub(crate) fn call_failed(&self) {
        add(self.calls_failed);
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

fn add(metric: Option<u32>) {
    if let Some(metric) = metric {
        host::increment(metric);
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

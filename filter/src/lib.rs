//! The Proxy-Wasm adapter: callbacks in, hostcalls out. No rule of MCP stands here.
//!
//! One module, three roles (see `mcp_filter_config::Role`). A `plugin` context compiles the configuration; each HTTP
//! stream of the roles `hold` and `route` is a `stream` context around a `flow`, which asks the core's exchange what
//! to do and lets `apply` do it. The role `gate` is in `gate`; `handshake` joins it with `route`.

mod apply;
mod body;
mod calls;
mod clock;
mod complaint;
mod exchange;
#[cfg(feature = "faults")]
mod faults;
mod flow;
mod gate;
mod handshake;
mod host;
mod metrics;
mod plugin;
mod random;
mod response;
mod series;
mod shared_slots;
mod stream;
#[cfg(all(test, target_arch = "wasm32"))]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests; the lint does not know those of wasm-bindgen-test"
)]
mod tests;
mod token;
mod watching;
mod watermark;
mod weighing;

/// Where the host enters a new VM.
#[cfg(not(test))]
#[allow(
    unreachable_pub,
    reason = "the macro's function is exported to the host, not to Rust"
)]
mod entry {
    proxy_wasm::main! {{
        crate::plugin::start();
    }}
}

//! MCP for a gateway, as pure state machines: bytes, time and randomness come in as arguments, decisions go out as data.
//!
//! One [`Exchange`] is one HTTP stream. The adapter (`mcp-filter`) calls its entry points, which mirror the Proxy-Wasm
//! callbacks, and carries out the one step that each of them returns. A [`Table`] is the compiled configuration that all
//! exchanges share; a stream keeps the table it started with.
//!
//! Nothing here knows Envoy, Kubernetes, a clock or a source of randomness, so the same tests run natively and on wasm32.

mod authentication;
pub mod catalog;
pub mod claims;
pub mod context;
pub mod control_signature;
pub mod era;
pub mod exchange;
pub mod extension;
pub mod headers;
pub mod host;
pub mod identity;
pub mod json;
pub mod log_level;
mod memo;
pub mod method;
pub mod name;
mod pairs;
pub mod policy;
pub mod rejection;
pub mod resource_uri;
mod seal;
pub mod sealed_id;
pub mod session_id;
pub mod slots;
pub mod sse;
pub mod step;
pub mod streams;
pub mod table;
pub mod task_id;
pub mod version;

pub use claims::Claims;
pub use context::{Context, SharedSlots, Slot};
pub use era::Era;
pub use exchange::Exchange;
pub use headers::Headers;
pub use pairs::Pairs;
pub use step::{
    BodyEdit, BodyStep, CallOutcome, CallToken, HeaderEdit, HttpCall, LocalResponse, Release,
    RequestStep, ResponseBody, ResponseHeadStep, ResponseSource, TickStep,
};
pub use table::Table;

//! What the fuzz targets do with their input, one function each: any bytes are welcome, and a broken promise panics.
//!
//! The same source runs over the seeds in `filter/core/tests/seeds.rs`, so that no target rots between two fuzzings.

mod claims;
mod configuration;
mod exchange;
mod ids;
mod json;
mod names;
mod pieces;

pub use claims::claims;
pub use configuration::{catalog, configuration, definition};
pub use exchange::exchange;
pub use ids::{control_signature, sealed_id, session_id};
pub use json::{event_stream, id_rewriter, name_token, scanner};
pub use names::{host, resource_uri};

/// A target's name, as the fuzzer and the folder of its seeds have it, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 14] = [
    ("scanner", scanner),
    ("id_rewriter", id_rewriter),
    ("event_stream", event_stream),
    ("name_token", name_token),
    ("session_id", session_id),
    ("sealed_id", sealed_id),
    ("control_signature", control_signature),
    ("configuration", configuration),
    ("catalog", catalog),
    ("definition", definition),
    ("resource_uri", resource_uri),
    ("host", host),
    ("claims", claims),
    ("exchange", exchange),
];

//! JSON as a stream of bytes: scanned without a tree, edited without a second spelling.

pub mod id_rewriter;
pub mod message;
mod number;
pub(crate) mod outlet;
pub mod scanner;
pub mod splice;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod strategies;
pub mod text;

pub use id_rewriter::IdRewriter;
pub use message::{
    InvalidMessage, Message, MessageKind, MessageRules, ResultMembers, Site, id_value, same_id,
};
pub(crate) use message::{is_response, may_be_response, tells_error};
pub use scanner::{Capture, Field, InvalidJson, Plan, Scanner, ValueKind};

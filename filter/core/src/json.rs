//! JSON as a stream of bytes: scanned without a tree, edited without a second spelling.

pub mod scanner;
pub mod splice;
pub mod text;

pub use scanner::{Capture, Field, InvalidJson, Plan, Scanner, ValueKind};

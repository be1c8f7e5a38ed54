//! Why a configuration is refused.

use std::fmt;

/// Names the place in the configuration and says what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct CompileError {
    /// Where, such as `servers[2].prefix`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// A refusal of the value at `path`.
pub(super) fn refuse<T>(
    path: impl fmt::Display,
    reason: impl fmt::Display,
) -> Result<T, CompileError> {
    Err(CompileError {
        path: path.to_string(),
        reason: reason.to_string(),
    })
}

/// Refuses where `holds` is false.
pub(crate) fn ensure(
    holds: bool,
    path: impl fmt::Display,
    reason: impl fmt::Display,
) -> Result<(), CompileError> {
    if holds { Ok(()) } else { refuse(path, reason) }
}

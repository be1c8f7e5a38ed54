//! The inner loop of the scanner: how far a string goes on without a byte that needs a look.

/// A run of bytes that are neither quote, backslash nor control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// In bytes.
    pub(super) length: usize,
    /// Whether all of them are below 0x80; otherwise they need a check for UTF-8.
    pub(super) ascii: bool,
}

/// The run at the start of `bytes`.
pub(super) fn run(bytes: &[u8]) -> Run {
    portable::run(bytes)
}

mod portable;

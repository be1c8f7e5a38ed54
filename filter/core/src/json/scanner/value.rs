//! What the scanner tells.

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `{...}`
    Object,
    /// `[...]`
    Array,
    /// `"..."`
    String,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

/// Where a captured value stands, in bytes from the start of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its kind.
    pub kind: ValueKind,
    /// First byte, the quote of a string included.
    pub start: u64,
    /// One past the last byte. Equal to `start` until the value has ended.
    pub end: u64,
}

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJson {
    /// Not JSON, or not UTF-8, or a captured string that spells no text (a lone surrogate).
    #[error("not valid JSON at byte {0}")]
    Syntax(u64),
    /// The document ended inside a value, or was empty.
    #[error("ends inside a JSON value")]
    Truncated,
    /// A key that leads to a captured value stands twice in its object.
    #[error("duplicate key at byte {0}")]
    DuplicateKey(u64),
    /// A captured value, which begins at this byte, is longer than the scan keeps.
    #[error("value too long at byte {0}")]
    TooLong(u64),
    /// More than a million containers are open.
    #[error("nested too deeply at byte {0}")]
    TooDeep(u64),
}

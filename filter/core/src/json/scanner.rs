//! An incremental JSON scanner that finds the few values an MCP gateway looks at, in any chunking.
//!
//! It checks the whole document (RFC 8259 grammar, UTF-8, valid escapes, no lone surrogate in a captured string),
//! builds no tree, tolerates any depth with bounded memory, and refuses a second occurrence of any key that leads
//! to a captured value: another parser could take the other one.

/// The values that a plan may capture, each at one path from the root of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Field {
    /// `id`
    Id,
    /// `method`
    Method,
    /// `result`: presence and kind only, its bytes are not kept.
    Result,
    /// `error`: presence and kind only.
    Error,
    /// `params`: presence and kind only.
    Params,
    /// `params.name`
    Name,
    /// `params.uri`
    Uri,
    /// `params.cursor`
    Cursor,
    /// `params.ref.type`
    RefType,
    /// `params.ref.name`
    RefName,
    /// `params.ref.uri`
    RefUri,
    /// `params.requestId`
    RequestId,
    /// `params.protocolVersion`
    ProtocolVersion,
    /// `params.capabilities`: raw object, see [`Scanner::raw`].
    Capabilities,
    /// `params._meta.progressToken`
    ProgressToken,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`
    MetaProtocolVersion,
    /// `result.protocolVersion`
    ResultProtocolVersion,
}

/// Which fields matter to a scan; the others are only checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// What a client sends.
    FromClient,
    /// What an upstream server sends.
    FromServer,
}

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
    /// Not JSON, or not UTF-8.
    #[error("not valid JSON at byte {0}")]
    Syntax(u64),
    /// The document ended inside a value, or was empty.
    #[error("ends inside a JSON value")]
    Truncated,
    /// A key that leads to a captured value stands twice in its object.
    #[error("duplicate key at byte {0}")]
    DuplicateKey(u64),
    /// A captured value is longer than the scan keeps.
    #[error("value too long at byte {0}")]
    TooLong(u64),
}

/// See the module.
#[derive(Debug)]
pub struct Scanner {}

impl Scanner {
    /// Starts a document. Captured values longer than `keep` bytes are [`InvalidJson::TooLong`].
    pub fn new(_plan: Plan, _keep: usize) -> Self {
        Self {}
    }

    /// Scans the next piece. After an error every further call returns the same error.
    pub fn feed(&mut self, _piece: &[u8]) -> Result<(), InvalidJson> {
        Ok(())
    }

    /// The document is over.
    pub fn finish(&mut self) -> Result<(), InvalidJson> {
        Ok(())
    }

    /// The kind of the document itself, once its first byte was seen.
    pub fn root(&self) -> Option<ValueKind> {
        None
    }

    /// Bytes scanned so far.
    pub fn position(&self) -> u64 {
        0
    }

    /// Where `field` stands, once it has begun (objects and arrays) or ended (all others).
    pub fn capture(&self, _field: Field) -> Option<Capture> {
        None
    }

    /// The bytes of a captured value that has ended, as they were written.
    pub fn raw(&self, _field: Field) -> Option<&[u8]> {
        None
    }

    /// The decoded text of a captured string that has ended.
    pub fn text(&self, _field: Field) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    /// Whether the object at `params` has ended, so that no field in it can still come.
    pub fn params_ended(&self) -> bool {
        false
    }
}

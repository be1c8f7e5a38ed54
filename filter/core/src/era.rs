//! The two ways in which MCP is spoken over HTTP.

/// See the module. One endpoint serves both, and a server may speak either or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2025-03-26 to 2025-11-25: a handshake first, then requests that may belong to a session.
    #[default]
    Sessions,
    /// 2026-07-28: each request says all that is to be known of it.
    Stateless,
}

//! What a stateless client is told of a result that the gateway makes.

/// The members of a result that was made for callers of this scope.
///
/// For how long a client may go by what it was told, in milliseconds: MCP 2026-07-28, server/utilities/caching. Control
/// asks each server anew once a minute and is told of most changes before; a client that waits for no notification should
/// not be long behind it.
macro_rules! members {
    ($scope:literal) => {
        concat!(
            r#""ttlMs":15000,"cacheScope":""#,
            $scope,
            r#"","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"mcp-proxy-wasm","version":""#,
            env!("CARGO_PKG_VERSION"),
            r#""}}"#
        )
    };
}

/// Who may be shown a result that was made for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// Everybody.
    Public,
    /// Whoever shows the same credential.
    Private,
}

impl CacheScope {
    /// The members of a result that tell of it, and of who has made it.
    ///
    /// MCP 2026-07-28, basic: `serverInfo` stands in each result.
    pub(crate) fn members(self) -> &'static str {
        match self {
            Self::Public => members!("public"),
            Self::Private => members!("private"),
        }
    }
}

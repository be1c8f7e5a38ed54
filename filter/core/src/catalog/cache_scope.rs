//! What a stateless client is told of a result that the gateway makes.

/// For how long a client may go by what it was told, in milliseconds.
///
/// MCP 2026-07-28, server/utilities/caching. Control asks each server anew once a minute and is told of most changes
/// before; a client that waits for no notification should not be long behind it.
const TTL_MS: u32 = 15_000;

/// Who may be shown a result that was made for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// Everybody.
    Public,
    /// Whoever shows the same credential.
    Private,
}

impl CacheScope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The members of a result that tell of it, and of who has made it.
    ///
    /// MCP 2026-07-28, basic: `serverInfo` stands in each result.
    pub(crate) fn members(self) -> String {
        format!(
            "\"ttlMs\":{TTL_MS},\"cacheScope\":\"{}\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":\
             {{\"name\":\"mcp-proxy-wasm\",\"version\":\"{}\"}}}}",
            self.as_str(),
            env!("CARGO_PKG_VERSION"),
        )
    }
}

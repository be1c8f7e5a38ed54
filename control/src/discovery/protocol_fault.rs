//! What a server did that MCP does not allow.

use crate::gateway_client::MAX_BODY_BYTES;

/// What was seen, in a form fit for a status message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolFault {
    /// Neither a JSON-RPC response nor an event stream.
    #[error(
        "the server answers {status} {media_type}, not MCP ({excerpt}): check the path of the registration and the rewrites of the route"
    )]
    Answer {
        /// HTTP status.
        status: u16,
        /// Media type, `without Content-Type` where there is none.
        media_type: String,
        /// The first characters of the body.
        excerpt: String,
    },
    /// The body ended early.
    #[error("the server's answer was cut: {0}")]
    Cut(String),
    /// A JSON-RPC error.
    #[error("the server answers with error {code}: {message}")]
    Error {
        /// JSON-RPC error code.
        code: i64,
        /// Its message, shortened.
        message: String,
    },
    /// The server refuses `initialize` as one does that has no sessions, but does not speak the stateless revision.
    #[error(
        "the server refuses initialize with error {code}, as one does that speaks MCP 2026-07-28 alone, but it does \
         not answer server/discover as that revision wants it"
    )]
    ModernOnly {
        /// JSON-RPC error code.
        code: i64,
    },
    /// The stream ended before the response.
    #[error("the server's event stream ended without a response to the request")]
    NoResponse,
    /// The body is no JSON-RPC message.
    #[error("the server's answer is not JSON-RPC ({cause}): {excerpt}")]
    NotJsonRpc {
        /// What the parser said.
        cause: String,
        /// The first characters of the message.
        excerpt: String,
    },
    /// `initialize` negotiated a revision that nobody here speaks.
    #[error(
        "the server negotiates MCP {offered:?}; supported are 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28"
    )]
    Revision {
        /// What the server wrote.
        offered: String,
    },
    /// A cursor came twice, so the list would never end.
    #[error("the server gives the same nextCursor twice, so its list never ends")]
    RepeatedCursor,
    /// The result lacks a member or has it with another type.
    #[error("the server's result has no valid {0}")]
    Result(&'static str),
    /// 404 to a request of a session (MCP 2025-11-25, basic/transports, Session Management).
    #[error("the server answers 404 as if it had never opened the session")]
    SessionLost,
    /// `Mcp-Session-Id` has bytes outside 0x21-0x7E (MCP 2025-11-25, basic/transports, Session Management).
    #[error("the server's Mcp-Session-Id has characters that MCP does not allow")]
    SessionId,
    /// The server keeps the response stream of `initialize` open.
    #[error(
        "the server does not end the event stream of its initialize response: the gateway opens sessions with buffered requests, which would wait for it until they time out"
    )]
    StreamStaysOpen,
    /// More pages than anybody needs.
    #[error("the list has more than {0} pages")]
    TooManyPages(usize),
    /// More bytes than anybody needs.
    #[error("the answers have more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// The response names another request.
    #[error("the server answers with the id {0}, which was not asked")]
    WrongId(String),
}

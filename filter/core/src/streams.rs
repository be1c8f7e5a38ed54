//! `mcp-streams`, which does for clients what a filter cannot: it holds streams on which nothing is asked, and parks
//! conversations between the eras.
//!
//! It is a client of the gateway itself. A request that it shall serve goes there on the outer leg, with the headers of
//! its client; whatever it needs for that it asks of the gateway on inner legs, with these same headers. So nothing that
//! guards a server is known or decided there. That it is `mcp-streams` that asks, a ticket shows, which no one else sees.

mod caller;
mod purpose;
mod share;
mod ticket;

pub(crate) use caller::caller;
pub(crate) use purpose::Purpose;
pub(crate) use share::share;
pub(crate) use ticket::Ticket;

use crate::headers::{begins_like, is_like};

/// On both legs: shows that `mcp-streams` asks. Each request to it has a new one, and so has each answer that tells of the
/// catalog.
pub const TICKET: &str = "x-mcp-streams-ticket";

/// `:authority` as the client sent it.
pub const AUTHORITY: &str = "x-mcp-streams-authority";

/// `:path` as the client sent it.
pub const PATH: &str = "x-mcp-streams-path";

/// Names the caller: what is kept for one is given to no other.
pub const CALLER: &str = "x-mcp-streams-caller";

/// Whose share of the room a request takes: [`NAMED`] or [`SHOWN`] and a digest, or [`NOBODY`].
pub const SHARE: &str = "x-mcp-streams-share";

/// How a client speaks, and on answers on the inner leg how a server does: [`SESSIONS`] or [`STATELESS`].
pub const ERA: &str = "x-mcp-streams-era";

/// On the inner leg: what is asked for, [`CATALOG`], [`CALL`], [`MEMBER`], or [`SERVER`] and the name of one.
pub const PURPOSE: &str = "x-mcp-streams";

/// The method of the client's message; `GET` where it is none.
pub const METHOD: &str = "x-mcp-method";

/// `namespace/name` of the server that a request is for, or that has answered.
pub const SERVER_NAME: &str = "x-mcp-servername";

/// In [`ERA`]: with a handshake.
pub const SESSIONS: &str = "sessions";

/// In [`ERA`]: without.
pub const STATELESS: &str = "stateless";

/// How [`SHARE`] begins where a verified token names the client.
pub const NAMED: &str = "named=";

/// How [`SHARE`] begins where it is what a client shows, of which it may have as many as it likes.
pub const SHOWN: &str = "shown=";

/// In [`SHARE`]: nothing tells one such client from another.
pub const NOBODY: &str = "nobody";

/// In [`PURPOSE`]: digests of the lists as the client sees them.
pub const CATALOG: &str = "catalog";

/// In [`PURPOSE`]: what any client could ask.
pub const CALL: &str = "call";

/// In [`PURPOSE`]: what any client could ask, as one message of a batch.
pub const MEMBER: &str = "member";

/// How [`PURPOSE`] begins where the stream of one server is asked for.
pub const SERVER: &str = "server=";

/// The name in whose place no server's can stand: a registration's has a slash.
pub const NAME: &str = "mcp-streams";

/// Whether a header is for the gateway to say to `mcp-streams`, whoever sent it.
pub(crate) fn is_ours(name: &str) -> bool {
    begins_like(name, PURPOSE) || is_like(name, METHOD) || is_like(name, SERVER_NAME)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_the_gateway_says_is_nobody_elses_in_any_spelling() {
        for name in [
            TICKET,
            AUTHORITY,
            PATH,
            CALLER,
            SHARE,
            ERA,
            PURPOSE,
            METHOD,
            SERVER_NAME,
            "x_mcp_streams_ticket",
            "x-mcp_method",
            "x-mcp-servername-",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["x-mcp-virtualserver", "mcp-session-id", "x-mcp", ":path"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}

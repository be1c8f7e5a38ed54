//! The stateless revision 2026-07-28, in its own file so that either era can change or go alone.
//!
//! It is not served yet. What is told to its clients here makes one that speaks both eras fall back to `initialize`:
//! 404 with -32601 to `server/discover`, and to anything else a 400 without the codes that only that era knows.

use super::request_facts::RequestFacts;
use crate::json::{Field, Scanner};
use crate::method::Method;
use crate::rejection::Rejection;

const REVISION: &[u8] = b"2026-07-28";

/// The refusal of a request of that era, if it is one.
pub(crate) fn refusal(
    facts: &RequestFacts,
    method: Method,
    scanner: &Scanner,
) -> Option<Rejection> {
    if method == Method::ServerDiscover {
        return Some(Rejection::DiscoverNotServed);
    }
    let by_header = facts.headers.first("mcp-protocol-version") == Some(REVISION);
    if method == Method::Initialize {
        return None;
    }
    claimed_by_body(scanner).or_else(|| by_header.then_some(Rejection::UnsupportedVersion))
}

/// The refusal of a request, not `initialize`, whose body names a revision.
pub(crate) fn claimed_by_body(scanner: &Scanner) -> Option<Rejection> {
    scanner
        .capture(Field::MetaProtocolVersion)
        .map(|_| Rejection::UnsupportedVersion)
}

//! Virtual servers: a selection of what there is, in the place of all of it.
//!
//! None is served yet. Who asks for one wants less than everything, so everything is no answer: not the lists, and not a
//! call either, which might be one that the selection leaves out.

use crate::headers::{Headers, is_like};
use crate::rejection::Rejection;

/// By which a request asks for one: `namespace/name`.
const HEADER: &str = "x-mcp-virtualserver";

/// The refusal of a request that asks for a virtual server, whatever it names and however the header is spelt.
pub(crate) fn refusal(headers: &Headers) -> Option<Rejection> {
    let mut names = headers.iter().map(|(name, _)| name);
    names
        .any(|name| is_like(name, HEADER))
        .then_some(Rejection::VirtualServer)
}

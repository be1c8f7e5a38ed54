//! Virtual servers: a selection of what there is, in the place of all of it.
//!
//! Who asks for one wants less than everything, so everything is no answer where there is none of the name: not the
//! lists, and not a call either, which might be one that the selection leaves out.

use crate::Table;
use crate::catalog::VirtualServer;
use crate::headers::{Headers, is_like};
use crate::rejection::Rejection;
use crate::table::Endpoint;

/// By which a request asks for one: `namespace/name`.
const HEADER: &str = "x-mcp-virtualserver";

/// Which virtual server a request asks for, by its header or below the path of its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// None: everything.
    Everything,
    /// The one of this name, which may not be there.
    One(Vec<u8>),
    /// Nobody can tell: several, or by a header that only looks like the one.
    Unclear,
}

impl Asked {
    /// What a request to `endpoint` asks for.
    pub(crate) fn of(headers: &Headers, endpoint: &Endpoint) -> Self {
        let path = headers.first(":path").unwrap_or_default();
        let below = endpoint.named_below(path).map(|name| (HEADER, name));
        let alike = headers.iter().filter(|(name, _)| is_like(name, HEADER));
        let mut names = below.into_iter().chain(alike);
        match (names.next(), names.next()) {
            (None, _) => Self::Everything,
            (Some((HEADER, name)), None) => Self::One(name.to_vec()),
            (Some(_), _) => Self::Unclear,
        }
    }

    /// The virtual server, where not everything is asked for.
    pub(crate) fn find<'a>(
        &self,
        table: &'a Table,
    ) -> Result<Option<&'a VirtualServer>, Rejection> {
        match self {
            Self::Everything => Ok(None),
            Self::One(name) => {
                let found = table.virtual_server(name);
                found.map(Some).ok_or(Rejection::VirtualServer)
            }
            Self::Unclear => Err(Rejection::VirtualServer),
        }
    }
}

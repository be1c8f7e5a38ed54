//! What the request headers say, kept until the body has told the rest.

use std::cell::OnceCell;

use super::virtual_server::Asked;
use crate::claims::Claims;
use crate::headers::Headers;
use crate::session_id::Session;
use crate::streams::Purpose;
use crate::table::Endpoint;
use crate::version::ProtocolVersion;
use crate::{Context, Table, session_id, slots};

/// See the module.
#[derive(Debug)]
pub(crate) struct RequestFacts {
    /// All request headers.
    pub(crate) headers: Headers,
    /// The session that the request names; unread before [`RequestFacts::read_session`].
    pub(crate) session: SessionClaim,
    /// The revision that the request names.
    pub(crate) version: VersionClaim,
    /// The virtual server that it asks for.
    pub(crate) virtual_server: Asked,
    /// What it is for, where `mcp-streams` has sent it.
    pub(crate) purpose: Option<Purpose>,
    /// What the caller's token says, once that was asked for.
    claims: OnceCell<Claims>,
}

/// What stands in `Mcp-Session-Id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionClaim {
    /// Not looked at: it is not known yet who asks.
    Unread,
    /// No such header.
    Absent,
    /// An id that was issued here, to this caller, and is still good.
    Valid(Session),
    /// Anything else.
    Unknown,
}

/// What stands in `MCP-Protocol-Version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionClaim {
    /// No such header: 2025-03-26 had none, and `initialize` needs none.
    Absent,
    /// A session revision.
    Known(ProtocolVersion),
    /// Anything else, the stateless revision included.
    Unknown,
}

/// Why the headers alone settle a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// A message follows.
    Post,
    /// What nobody asked for is listened for.
    Get,
    /// The session shall end.
    Delete,
    /// Not served.
    Other,
}

impl RequestFacts {
    /// Reads `headers` of a request to `endpoint`, which comes now.
    pub(crate) fn new(
        headers: Headers,
        endpoint: &Endpoint,
        (table, now_ms): (&Table, u64),
    ) -> Self {
        let version = claimed_version(&headers);
        Self {
            virtual_server: Asked::of(&headers, endpoint),
            purpose: Purpose::of(&headers, table, now_ms),
            headers,
            session: SessionClaim::Unread,
            version,
            claims: OnceCell::new(),
        }
    }

    /// What the caller's token says. It must be known by now.
    pub(crate) fn claims(&self, table: &Table, context: &mut Context<'_>) -> &Claims {
        self.claims
            .get_or_init(|| (context.claims)(table.claim_paths()))
    }

    /// Finds out about the session, once it is known who asks.
    pub(crate) fn read_session(&mut self, table: &Table, context: &mut Context<'_>) {
        if self.session == SessionClaim::Unread {
            self.session = self.claimed_session(table, context);
        }
    }

    fn claimed_session(&self, table: &Table, context: &mut Context<'_>) -> SessionClaim {
        let mut values = self.headers.all("mcp-session-id");
        let Some(id) = values.next() else {
            return SessionClaim::Absent;
        };
        if values.next().is_some() {
            return SessionClaim::Unknown;
        }
        let identity = self.claims(table, context).identity();
        match session_id::verify(id, table.sessions(), &identity, context.now_ms) {
            Ok(session) if !slots::is_ended(context.slots, table.limits(), &session) => {
                SessionClaim::Valid(session)
            }
            _ => SessionClaim::Unknown,
        }
    }

    /// The session, where the request names a good one.
    pub(crate) fn valid_session(&self) -> Option<&Session> {
        match &self.session {
            SessionClaim::Valid(session) => Some(session),
            _ => None,
        }
    }

    /// Whether it asks for what only `mcp-streams` may, and does not show that it is. Who ends a session may do so late: that
    /// is nothing that a client could not ask by itself.
    pub(crate) fn has_no_ticket(&self, table: &Table) -> bool {
        self.purpose.is_none()
            && Purpose::is_only_claimed(&self.headers, table)
            && Verb::of(&self.headers) != Verb::Delete
    }

    /// Announced size of the body in bytes.
    pub(crate) fn content_length(&self) -> Option<u64> {
        std::str::from_utf8(self.headers.first("content-length")?)
            .ok()?
            .parse()
            .ok()
    }
}

impl Verb {
    /// The verb of `headers`.
    pub(crate) fn of(headers: &Headers) -> Self {
        match headers.first(":method") {
            Some(b"POST") => Self::Post,
            Some(b"GET") => Self::Get,
            Some(b"DELETE") => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// MCP 2025-11-25, basic/transports, Security Warning: a present and foreign `Origin` is refused.
pub(crate) fn origin_allowed(headers: &Headers, endpoint: &Endpoint) -> bool {
    let authority = headers.first(":authority").unwrap_or_default();
    headers
        .all("origin")
        .all(|origin| endpoint.allows_origin(origin, authority))
}

/// Of two values another party could take the other one.
fn claimed_version(headers: &Headers) -> VersionClaim {
    let mut values = headers.all("mcp-protocol-version");
    match (values.next(), values.next()) {
        (None, _) => VersionClaim::Absent,
        (Some(text), None) => {
            ProtocolVersion::parse(text).map_or(VersionClaim::Unknown, VersionClaim::Known)
        }
        (Some(_), Some(_)) => VersionClaim::Unknown,
    }
}

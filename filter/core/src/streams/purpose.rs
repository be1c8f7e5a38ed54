use super::{CATALOG, MEMBER, PURPOSE, SERVER, TICKET, Ticket};
use crate::{Headers, Table};

/// What `mcp-streams` asks for, for one of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the lists are made of.
    Catalog,
    /// The stream of the server of this name.
    Server(String),
    /// What any client could ask; it never goes back to `mcp-streams`.
    Call,
    /// The same, as one message of a batch.
    Member,
}

impl Purpose {
    /// That of a request with these headers; `None` where it is not `mcp-streams` that asks.
    pub(crate) fn of(headers: &Headers, table: &Table, now_ms: u64) -> Option<Self> {
        table.streams()?;
        let mut tickets = headers.all(TICKET);
        let ticket = tickets.next().filter(|_| tickets.next().is_none())?;
        if !Ticket::is_good(ticket, table.sessions(), now_ms) {
            return None;
        }
        let purpose = headers.first(PURPOSE).unwrap_or_default();
        let server = purpose.strip_prefix(SERVER.as_bytes());
        Some(match server.and_then(|name| str::from_utf8(name).ok()) {
            Some(name) => Self::Server(name.to_owned()),
            None if purpose == CATALOG.as_bytes() => Self::Catalog,
            None if purpose == MEMBER.as_bytes() => Self::Member,
            None => Self::Call,
        })
    }

    /// Whether a result that asks for input first reaches somebody who knows what to do: nobody goes through such rounds for
    /// one message of a batch.
    pub(crate) fn takes_questions(&self) -> bool {
        *self != Self::Member
    }

    /// Whether headers without a [`Purpose::of`] name one all the same: a ticket that `mcp-streams` shows has lapsed, or
    /// somebody else has written them. Served as the client's own, such a request would go back to `mcp-streams`.
    pub(crate) fn is_only_claimed(headers: &Headers, table: &Table) -> bool {
        table.streams().is_some() && headers.contains(PURPOSE)
    }
}

//! Sessions at upstream servers. A forgotten one costs an `initialize`, and its state at the server.

use mcp_filter_config::Limits;

use super::entry::{Entry, KeyDigest, digest};
use super::table::{Existing, Put, SlotTable};
use crate::context::SharedSlots;
use crate::identity::Identity;
use crate::session_id::{Session, version_code, version_of};
use crate::version::ProtocolVersion;

/// Longest session id of a server that is remembered, in bytes.
const LONGEST_ID: usize = 1024;
/// Age in milliseconds at which the entry of a session that is in use is written again.
const REFRESH_MS: u64 = 5 * 60 * 1000;
/// How the keys of slots begin whose owner is a client's session.
const OF_SESSIONS: &str = "mcp.v1.s.";
/// The same of an identity.
const OF_IDENTITIES: &str = "mcp.v1.i.";

/// By whom an upstream session is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A client in the session with these random bits.
    Session([u8; 16]),
    /// All clients without a session that show this identity.
    Identity(Identity),
}

/// Names an upstream session: by whom, at which server, with which credential, as policies set it. Another one never
/// meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamKey {
    digest: KeyDigest,
    prefix: &'static str,
}

impl Owner {
    /// The client in `session`.
    pub fn of(session: &Session) -> Self {
        Self::Session(*session.unique())
    }

    /// A number that hardly any other owner has.
    pub(crate) fn number(&self) -> u64 {
        let random = match self {
            Self::Session(unique) => unique.first_chunk(),
            Self::Identity(identity) => identity.as_bytes().first_chunk(),
        };
        random.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

impl UpstreamKey {
    /// For requests of `owner` to the registration `server`; `credential` is the digest of what the server is sent.
    pub fn of(owner: &Owner, server: &str, credential: &[u8; 32]) -> Self {
        let (label, prefix, owner) = match owner {
            Owner::Session(unique) => ("upstream session", OF_SESSIONS, unique.as_slice()),
            // In slots of their own: credentials that change with each call push no client's session out.
            Owner::Identity(identity) => {
                let digest = identity.as_bytes().as_slice();
                ("upstream session of identity", OF_IDENTITIES, digest)
            }
        };
        Self {
            digest: digest(label, &[owner, server.as_bytes(), credential]),
            prefix,
        }
    }
}

/// A session at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSession {
    /// As the server issued it.
    pub id: Vec<u8>,
    /// The revision that was negotiated in it.
    pub version: ProtocolVersion,
}

/// What became of a session that was to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// Later requests will find it.
    Stored,
    /// Another stream has opened this one meanwhile: use it, and end the one that was to be inserted.
    Lost(UpstreamSession),
    /// It cannot be remembered: it is good for one request, and should be ended after it.
    NotStored,
}

/// The session of `key`. One that is in use is kept from being the oldest.
pub fn upstream_session(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    key: &UpstreamKey,
    now_ms: u64,
) -> Option<UpstreamSession> {
    let table = table(limits, key);
    let entry = table.find(slots, &key.digest, now_ms)?;
    let session = UpstreamSession::from_bytes(&entry.payload)?;
    if now_ms.saturating_sub(entry.written_ms) >= REFRESH_MS {
        let entry = Entry {
            written_ms: now_ms,
            ..entry
        };
        put(table, slots, &entry, Existing::Replace);
    }
    Some(session)
}

/// Remembers a session that was just opened.
pub fn insert_upstream_session(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    key: &UpstreamKey,
    (session, now_ms): (&UpstreamSession, u64),
) -> Inserted {
    if session.id.len() > LONGEST_ID {
        return Inserted::NotStored;
    }
    let entry = Entry {
        key: key.digest,
        written_ms: now_ms,
        payload: session.to_bytes(),
    };
    match put(table(limits, key), slots, &entry, Existing::Keep) {
        Put::Stored(_) => Inserted::Stored,
        Put::Taken(other) => {
            UpstreamSession::from_bytes(&other.payload).map_or(Inserted::NotStored, Inserted::Lost)
        }
        Put::Busy => Inserted::NotStored,
    }
}

/// Forgets the session of `key` if it still is `id`: the server has ended it.
pub fn forget_upstream_session(
    slots: &mut dyn SharedSlots,
    limits: &Limits,
    key: &UpstreamKey,
    id: &[u8],
) {
    table(limits, key).remove(slots, &key.digest, |entry| {
        entry.payload.get(1..) == Some(id)
    });
}

impl UpstreamSession {
    fn to_bytes(&self) -> Vec<u8> {
        [&[version_code(self.version)], self.id.as_slice()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, id) = bytes.split_first()?;
        Some(Self {
            id: id.to_vec(),
            version: version_of(*version)?,
        })
    }
}

/// All tables of upstream sessions, where an entry counts as gone that was not used for `lifetime_ms`.
pub(super) fn tables(limits: &Limits, lifetime_ms: u64) -> [SlotTable; 2] {
    [OF_SESSIONS, OF_IDENTITIES].map(|prefix| SlotTable {
        prefix,
        count: limits.session_slots,
        lifetime_ms,
    })
}

fn table(limits: &Limits, key: &UpstreamKey) -> SlotTable {
    SlotTable {
        prefix: key.prefix,
        count: limits.session_slots,
        lifetime_ms: u64::MAX,
    }
}

/// Puts an entry where a sweep finds it.
fn put(table: SlotTable, slots: &mut dyn SharedSlots, entry: &Entry, existing: Existing) -> Put {
    let put = table.put(slots, entry, existing);
    if let Put::Stored(number) = put {
        table.mark_written(slots, number);
    }
    put
}

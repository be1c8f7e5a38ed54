//! Session ids that describe themselves: any worker and any replica can read and check one, and nothing is stored.
//!
//! An id carries no authority: every request is authorised anew.

mod capabilities;
mod keys;

pub use capabilities::ClientCapabilities;
pub(crate) use keys::SessionKey;
pub(crate) use keys::decode_key;
pub use keys::{InvalidKey, SessionKeys};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use crate::Context;
use crate::identity::Identity;
use crate::version::ProtocolVersion;

/// Format, key id, random bits, seconds of issue, revision, capabilities, identity: what the MAC covers.
const STATED_BYTES: usize = 1 + 1 + 16 + 5 + 1 + 1 + 16;
const MAC_BYTES: usize = 16;
/// A multiple of three, so that base64 leaves no bits unused.
const ID_BYTES: usize = STATED_BYTES + MAC_BYTES;
const TEXT_BYTES: usize = ID_BYTES / 3 * 4;
const FORMAT: u8 = 1;
/// An id as clients send it.
type IdText = [u8; TEXT_BYTES];
/// How far apart the clocks of two replicas may be.
const CLOCK_SKEW_SECONDS: u64 = 60;

/// What a session id states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The revision that `initialize` negotiated.
    pub version: ProtocolVersion,
    /// What the client declared there.
    pub capabilities: ClientCapabilities,
    /// Who opened the session.
    pub identity: Identity,
}

/// A session whose id was issued here and is still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    unique: [u8; 16],
    issued_seconds: u64,
    version: ProtocolVersion,
    capabilities: ClientCapabilities,
}

impl Session {
    /// 128 random bits that no other session has.
    pub fn unique(&self) -> &[u8; 16] {
        &self.unique
    }

    /// Seconds since the Unix epoch.
    pub fn issued_seconds(&self) -> u64 {
        self.issued_seconds
    }

    /// The revision that `initialize` negotiated.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// What the client declared.
    pub fn capabilities(&self) -> ClientCapabilities {
        self.capabilities
    }
}

/// Why an id names no session. Clients are told 404 whatever the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSession {
    /// Not of the shape that is issued here.
    #[error("not a session id of this gateway")]
    Malformed,
    /// Of a key that is no longer in force, or never was.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// Invented or changed.
    #[error("signature does not match")]
    Forged,
    /// Issued to somebody else.
    #[error("issued to another identity")]
    OtherIdentity,
    /// Older than the sessions' lifetime.
    #[error("expired")]
    Expired,
    /// Issued later than now.
    #[error("issued in the future")]
    FromTheFuture,
}

/// A new session id with `statement`: visible ASCII, as MCP 2025-11-25, basic/transports, Session Management, demands.
///
/// `None` without a key to mint with.
pub fn mint(
    keys: &SessionKeys,
    statement: &Statement,
    context: &mut Context<'_>,
) -> Option<Vec<u8>> {
    let key = keys.minting()?;
    let mut unique = [0; 16];
    (context.random)(&mut unique);
    let mut id = Vec::with_capacity(ID_BYTES);
    id.extend([FORMAT, key.id()]);
    id.extend(unique);
    id.extend((context.now_ms / 1000).to_be_bytes().iter().skip(3));
    id.extend([
        version_code(statement.version),
        statement.capabilities.bits(),
    ]);
    id.extend(statement.identity.as_bytes().iter().take(16));
    let mac = key.session_mac().chain_update(&id).finalize().into_bytes();
    id.extend(mac.iter().take(MAC_BYTES));
    Some(URL_SAFE_NO_PAD.encode(id).into_bytes())
}

/// Reads and checks an id that a client sent. `identity` is that of the request at hand.
pub fn verify(
    id: &[u8],
    keys: &SessionKeys,
    identity: &Identity,
    now_ms: u64,
) -> Result<Session, InvalidSession> {
    let id: &IdText = id.try_into().map_err(|_| InvalidSession::Malformed)?;
    let place = place(id);
    let is_known = |known: &IdText| is_same(known, id);
    let Genuine {
        session,
        identity: claimed,
    } = match keys.genuine().find(place, is_known) {
        Some(genuine) => genuine,
        None => {
            let genuine = Genuine::check(id, keys)?;
            keys.genuine().keep(place, *id, genuine.clone());
            genuine
        }
    };
    if !identity.as_bytes().starts_with(&claimed) {
        return Err(InvalidSession::OtherIdentity);
    }
    let now = now_ms / 1000;
    if session.issued_seconds > now + CLOCK_SKEW_SECONDS {
        return Err(InvalidSession::FromTheFuture);
    }
    if now.saturating_sub(session.issued_seconds) >= keys.ttl_seconds() {
        return Err(InvalidSession::Expired);
    }
    Ok(session)
}

/// What stands in an id that was signed with a key in force.
#[derive(Clone, Debug)]
struct Genuine {
    session: Session,
    identity: [u8; 16],
}

impl Genuine {
    fn check(id: &IdText, keys: &SessionKeys) -> Result<Self, InvalidSession> {
        let mut bytes = [0; ID_BYTES];
        let length = URL_SAFE_NO_PAD
            .decode_slice(id, &mut bytes)
            .map_err(|_| InvalidSession::Malformed)?;
        let (stated, mac) = bytes
            .split_first_chunk::<STATED_BYTES>()
            .ok_or(InvalidSession::Malformed)?;
        let (key_id, genuine) = Self::read(stated)
            .filter(|_| length == ID_BYTES)
            .ok_or(InvalidSession::Malformed)?;
        let key = keys.by_id(key_id).ok_or(InvalidSession::UnknownKey)?;
        key.session_mac()
            .chain_update(stated)
            .verify_truncated_left(mac)
            .map_err(|_| InvalidSession::Forged)?;
        Ok(genuine)
    }

    /// With the id of the key.
    fn read(stated: &[u8; STATED_BYTES]) -> Option<(u8, Self)> {
        let ([format, key_id], rest) = stated.split_first_chunk()?;
        let (unique, rest) = rest.split_first_chunk::<16>()?;
        let ([s0, s1, s2, s3, s4], rest) = rest.split_first_chunk()?;
        let ([version, capabilities], rest) = rest.split_first_chunk()?;
        let identity = *rest.first_chunk::<16>()?;
        let session = Session {
            unique: *unique,
            issued_seconds: u64::from_be_bytes([0, 0, 0, *s0, *s1, *s2, *s3, *s4]),
            version: version_of(*version)?,
            capabilities: ClientCapabilities::from_bits(*capabilities),
        };
        (*format == FORMAT).then_some((*key_id, Self { session, identity }))
    }
}

/// Where an id is remembered: by some of its random bits.
fn place(id: &IdText) -> u64 {
    let random = id.get(8..).and_then(<[u8]>::first_chunk);
    random.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// In a time that does not tell where they differ.
fn is_same(one: &IdText, other: &IdText) -> bool {
    one.iter()
        .zip(other)
        .fold(0, |difference, (a, b)| difference | (a ^ b))
        == 0
}

pub(crate) fn version_code(version: ProtocolVersion) -> u8 {
    match version {
        ProtocolVersion::V2025_03_26 => 1,
        ProtocolVersion::V2025_06_18 => 2,
        ProtocolVersion::V2025_11_25 => 3,
    }
}

pub(crate) fn version_of(code: u8) -> Option<ProtocolVersion> {
    match code {
        1 => Some(ProtocolVersion::V2025_03_26),
        2 => Some(ProtocolVersion::V2025_06_18),
        3 => Some(ProtocolVersion::V2025_11_25),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;

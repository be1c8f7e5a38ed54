//! Ids of a server's requests as clients see them: sealed, so that the answer finds its way home from any worker and
//! any replica, and only in the session in which the request was made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use crate::session_id::{Session, SessionKey, SessionKeys};

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 12;
/// Longest original id and longest upstream session id, in bytes.
pub const LONGEST_PART: usize = 256;
/// Longest text that [`open`] looks at.
const LONGEST_TEXT: usize = (2 + NONCE_BYTES + 8 + 4 + 2 * LONGEST_PART + 16).div_ceil(3) * 4;

/// Names a server by what stays when servers come and go: its registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerDigest([u8; 8]);

impl ServerDigest {
    /// Of the registration `namespace/name`.
    pub fn of(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// What an id shown to a client stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedId {
    /// Who asked.
    pub server: ServerDigest,
    /// Its own id as it wrote it: a JSON token, quotes included where it is a string. At most [`LONGEST_PART`] bytes.
    pub original: Vec<u8>,
    /// Its session in which it asked; empty where it has none. At most [`LONGEST_PART`] bytes.
    pub upstream_session: Vec<u8>,
}

impl SealedId {
    /// Text for a JSON string that needs no escape, or `None` when a part is too long or there is no key.
    pub fn seal(&self, keys: &SessionKeys, session: &Session) -> Option<String> {
        let key = keys.minting()?;
        let plain = self.to_bytes()?;
        let nonce = nonce(key, session, &plain)?;
        let payload = Payload {
            msg: &plain,
            aad: &associated(key.id(), session),
        };
        let sealed = ChaCha20Poly1305::new(key.seal().into())
            .encrypt(&nonce.into(), payload)
            .ok()?;
        let bytes = [&[FORMAT, key.id()], nonce.as_slice(), &sealed].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The opposite of [`SealedId::seal`]; `None` for whatever was not sealed for this session.
    pub fn open(text: &str, keys: &SessionKeys, session: &Session) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([format, key_id], rest) = bytes.split_first_chunk()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let key = keys.by_id(*key_id).filter(|_| *format == FORMAT)?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(*key_id, session),
        };
        let plain = ChaCha20Poly1305::new(key.seal().into())
            .decrypt(nonce.into(), payload)
            .ok()?;
        Self::from_bytes(&plain)
    }

    fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.upstream_session.len() > LONGEST_PART || self.original.len() > LONGEST_PART {
            return None;
        }
        let length = u16::try_from(self.original.len()).ok()?;
        Some(
            [
                &self.server.0,
                length.to_be_bytes().as_slice(),
                &self.original,
                &self.upstream_session,
            ]
            .concat(),
        )
    }

    fn from_bytes(plain: &[u8]) -> Option<Self> {
        let (server, rest) = plain.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (original, upstream_session) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(Self {
            server: ServerDigest(*server),
            original: original.to_vec(),
            upstream_session: upstream_session.to_vec(),
        })
    }
}

/// Of the content: one id is always sealed alike, so that a server can name its request again, to cancel it.
fn nonce(key: &SessionKey, session: &Session, plain: &[u8]) -> Option<[u8; NONCE_BYTES]> {
    let mac = key
        .seal_nonce_mac()
        .chain_update(session.unique())
        .chain_update(plain);
    mac.finalize().into_bytes().first_chunk().copied()
}

fn associated(key_id: u8, session: &Session) -> [u8; 18] {
    let mut bytes = [0; 18];
    for (to, from) in bytes
        .iter_mut()
        .zip([FORMAT, key_id].iter().chain(session.unique()))
    {
        *to = *from;
    }
    bytes
}

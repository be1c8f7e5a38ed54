//! The bytes of a slot.

use sha2::{Digest as _, Sha256};

use crate::session_id::Session;

const FORMAT: u8 = 1;

/// Names an entry: equal digests are the same entry.
pub(super) type KeyDigest = [u8; 32];

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: KeyDigest,
    /// Milliseconds since the Unix epoch.
    pub(super) written_ms: u64,
    pub(super) payload: Vec<u8>,
}

impl Entry {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [
            &[FORMAT],
            self.key.as_slice(),
            &self.written_ms.to_le_bytes(),
            &self.payload,
        ]
        .concat()
    }

    /// `None` for a free slot and for one of another format.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ([format], rest) = bytes.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (written_ms, payload) = rest.split_first_chunk()?;
        let written_ms = u64::from_le_bytes(*written_ms);
        (*format == FORMAT).then(|| Self {
            key: *key,
            written_ms,
            payload: payload.to_vec(),
        })
    }
}

/// Digest of `parts` with their lengths, and of `label`, which keeps kinds of keys apart.
pub(super) fn digest(label: &str, parts: &[&[u8]]) -> KeyDigest {
    let mut hash = Sha256::new();
    for part in std::iter::once(&label.as_bytes()).chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Of what there is one for each session: random bits need no digest to be spread over the slots.
pub(super) fn session_key(session: &Session) -> KeyDigest {
    let mut key = KeyDigest::default();
    for (byte, unique) in key.iter_mut().zip(session.unique()) {
        *byte = *unique;
    }
    key
}

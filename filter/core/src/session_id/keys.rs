//! The keys of session ids and of what is sealed in them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Genuine, IdText};
use crate::memo::Memo;

/// Keys in force and the lifetime of what they sign.
#[derive(Clone, Debug, Default)]
pub struct SessionKeys {
    keys: Vec<SessionKey>,
    ttl_seconds: u64,
    genuine: Memo<IdText, Genuine>,
}

/// One key, from which a key for each use is derived.
#[derive(Clone)]
pub(crate) struct SessionKey {
    id: u8,
    session: Hmac<Sha256>,
    seal: [u8; 32],
    seal_nonce: Hmac<Sha256>,
}

/// Why a secret is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 bytes in standard base64")]
pub struct InvalidKey;

impl SessionKeys {
    /// Keys of `(id, secret)`, each secret 32 bytes. The first mints, all are accepted.
    pub fn new(keys: impl IntoIterator<Item = (u8, [u8; 32])>, ttl_seconds: u64) -> Self {
        Self {
            keys: keys
                .into_iter()
                .map(|(id, secret)| SessionKey::new(id, &secret))
                .collect(),
            ttl_seconds,
            genuine: Memo::default(),
        }
    }

    /// Seconds for which an id is good.
    pub fn ttl_seconds(&self) -> u64 {
        self.ttl_seconds
    }

    /// Ids whose signature was checked.
    pub(super) fn genuine(&self) -> &Memo<IdText, Genuine> {
        &self.genuine
    }

    pub(crate) fn minting(&self) -> Option<&SessionKey> {
        self.keys.first()
    }

    pub(crate) fn by_id(&self, id: u8) -> Option<&SessionKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SessionKey {
    fn new(id: u8, secret: &[u8; 32]) -> Self {
        let derived = |label: &str| -> [u8; 32] {
            hmac(secret)
                .chain_update(label.as_bytes())
                .finalize()
                .into_bytes()
                .into()
        };
        Self {
            id,
            session: hmac(&derived("mcp session id v1")),
            seal: derived("mcp sealed id v1"),
            seal_nonce: hmac(&derived("mcp sealed id nonce v1")),
        }
    }

    pub(crate) fn id(&self) -> u8 {
        self.id
    }

    pub(crate) fn session_mac(&self) -> Hmac<Sha256> {
        self.session.clone()
    }

    pub(crate) fn seal_nonce_mac(&self) -> Hmac<Sha256> {
        self.seal_nonce.clone()
    }

    pub(crate) fn seal(&self) -> &[u8; 32] {
        &self.seal
    }
}

/// Decodes 32 bytes of standard base64.
pub(crate) fn decode_key(text: &str) -> Result<[u8; 32], InvalidKey> {
    let bytes = STANDARD.decode(text).map_err(|_| InvalidKey)?;
    bytes.try_into().map_err(|_| InvalidKey)
}

/// RFC 2104 pads a short key with zeros to the block.
fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (padded, byte) in block.iter_mut().zip(key) {
        *padded = *byte;
    }
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::SessionKeys;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_key_is_never_printed() {
        let keys = SessionKeys::new([(7, [0xab; 32])], 60);
        let printed = format!("{keys:?}");
        assert!(printed.contains("id: 7"));
        let derived = keys
            .minting()
            .unwrap()
            .seal()
            .map(|byte| byte.to_string())
            .join(", ");
        assert!(!printed.contains("171, 171") && !printed.contains(&derived));
    }
}

//! What the gateway gives clients to keep for it: sealed, so that it can be read and changed by nobody, and good for one
//! owner and one purpose alone. Any worker and any replica can open it, and nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use hmac::Mac as _;

use crate::session_id::{SessionKey, SessionKeys};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// For what something is sealed, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'a> {
    /// Another number for each purpose, which is the first byte of what is sealed.
    pub(crate) format: u8,
    /// Of a length that the purpose knows, or that shows in the bytes.
    pub(crate) owner: &'a [u8],
}

/// Characters of what is sealed of so many bytes.
pub(crate) const fn text_length(plain: usize) -> usize {
    ((2 + NONCE_BYTES + plain + TAG_BYTES) * 4).div_ceil(3)
}

impl Bound<'_> {
    /// Text of letters, digits, `-` and `_`, always the same for the same bytes. `None` without a key.
    pub(crate) fn seal(&self, keys: &SessionKeys, plain: &[u8]) -> Option<String> {
        let key = keys.minting()?;
        let nonce = self.nonce(key, plain)?;
        let payload = Payload {
            msg: plain,
            aad: &self.associated(key.id()),
        };
        let sealed = ChaCha20Poly1305::new(key.seal().into())
            .encrypt(&nonce.into(), payload)
            .ok()?;
        let bytes = [&[self.format, key.id()], nonce.as_slice(), &sealed].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The opposite of [`Bound::seal`]; `None` for whatever was not sealed for this owner and purpose.
    pub(crate) fn open(&self, keys: &SessionKeys, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([format, key_id], rest) = bytes.split_first_chunk()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let key = keys.by_id(*key_id).filter(|_| *format == self.format)?;
        let payload = Payload {
            msg: sealed,
            aad: &self.associated(*key_id),
        };
        ChaCha20Poly1305::new(key.seal().into())
            .decrypt(nonce.into(), payload)
            .ok()
    }

    /// Of the content: one thing is always sealed alike, so that it can be named again. Of the purpose and the owner,
    /// too, for no two things may be sealed under one nonce.
    fn nonce(&self, key: &SessionKey, plain: &[u8]) -> Option<[u8; NONCE_BYTES]> {
        let owner_bytes = self.owner.len() as u64;
        let mac = key
            .seal_nonce_mac()
            .chain_update([self.format])
            .chain_update(owner_bytes.to_be_bytes())
            .chain_update(self.owner)
            .chain_update(plain);
        mac.finalize().into_bytes().first_chunk().copied()
    }

    fn associated(&self, key_id: u8) -> Vec<u8> {
        [&[self.format, key_id], self.owner].concat()
    }
}

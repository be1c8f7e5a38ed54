//! Control's signature over a request.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_compact::{KeyPair, Seed};
use http::Method;
use sha2::{Digest as _, Sha256};

/// Signs requests, so that the filter recognises control (Ed25519, RFC 8032). The filter holds the public key alone.
pub struct Signer(KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.public_key()).finish()
    }
}

impl Signer {
    /// The key pair that `seed` (32 secret random bytes) leads to.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(KeyPair::from_seed(Seed::new(seed)))
    }

    /// The public key for `ControlKeys::public_keys`: 32 bytes, standard base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(*self.0.pk)
    }

    /// The value of `x-mcp-control` for one request, good for a short time only.
    pub(super) fn sign(
        &self,
        method: &Method,
        host: &str,
        path: &str,
        credential: Option<&[u8]>,
    ) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let mut nonce = [0; 16];
        // Without randomness the nonce stays zero: the signature still holds, it only is no longer unique.
        let _ = getrandom::fill(&mut nonce);
        let nonce = URL_SAFE_NO_PAD.encode(nonce);
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(credential.unwrap_or_default()));
        let text = format!("{method}\n{host}\n{path}\n{now}\n{nonce}\n{digest}");
        let signature = URL_SAFE_NO_PAD.encode(*self.0.sk.sign(text.as_bytes(), None));
        format!("{now}.{nonce}.{signature}")
    }
}

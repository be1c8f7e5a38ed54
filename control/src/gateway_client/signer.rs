//! Control's signature over a request.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use mcp_filter_core::control_signature::{Nonce, SignedRequest, SigningKey};

use super::SendError;

/// Signs requests, so that the filter recognises control. The filter holds the public key alone.
pub struct Signer(SigningKey);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.public_key()).finish()
    }
}

impl Signer {
    /// The key pair that `seed` (32 secret random bytes) leads to.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_seed(seed))
    }

    /// The public key for `ControlKeys::public_keys`: 32 bytes, standard base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.0.public_key().as_bytes())
    }

    /// The value of `x-mcp-control` for one request, good once and for a short time.
    pub(super) fn sign(
        &self,
        method: &Method,
        host: &str,
        path: &str,
        credential: Option<&[u8]>,
    ) -> Result<String, SendError> {
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            });
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(|error| SendError::Random(error.to_string()))?;
        let request = SignedRequest {
            method: method.as_str().as_bytes(),
            host: host.as_bytes(),
            path: path.as_bytes(),
            credential,
        };
        Ok(self.0.sign(&request, now_ms, &nonce))
    }
}

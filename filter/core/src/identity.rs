//! Who sends a request, as far as a verified token tells.

use sha2::{Digest, Sha256};

/// A digest of issuer and subject. Equal digests are the same caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity([u8; 32]);

impl Identity {
    /// Callers without a verified token, all of them: a value that no digest of a token takes.
    pub const ANONYMOUS: Self = Self([0; 32]);

    /// The caller whom the issuer `iss` calls `sub` (RFC 7519, sections 4.1.1 and 4.1.2).
    pub fn of_token(issuer: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [issuer, subject] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// The whole digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

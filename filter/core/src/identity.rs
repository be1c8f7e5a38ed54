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

#[cfg(test)]
mod tests {
    use super::Identity;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn issuer_and_subject_do_not_run_into_each_other() {
        assert_ne!(Identity::of_token("ab", "c"), Identity::of_token("a", "bc"));
        assert_ne!(Identity::of_token("a", ""), Identity::of_token("", "a"));
    }

    #[test]
    fn the_same_caller_has_the_same_identity_and_is_not_anonymous() {
        let alice = Identity::of_token("https://issuer", "alice");
        assert_eq!(alice, Identity::of_token("https://issuer", "alice"));
        assert_ne!(alice, Identity::of_token("https://issuer", "bob"));
        assert_ne!(Identity::of_token("", ""), Identity::ANONYMOUS);
    }
}

//! Who sends a request, as far as a verified token tells.

use sha2::{Digest, Sha256};

/// A digest of issuer and subject. Equal digests are the same caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    digest: [u8; 32],
    names_subject: bool,
}

impl Identity {
    /// Callers without a verified token, all of them: a value that no digest of a token takes.
    pub const ANONYMOUS: Self = Self {
        digest: [0; 32],
        names_subject: false,
    };

    /// The caller whom the issuer `iss` calls `sub` (RFC 7519, sections 4.1.1 and 4.1.2).
    pub fn of_token(issuer: impl AsRef<[u8]>, subject: impl AsRef<[u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in [issuer.as_ref(), subject.as_ref()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self {
            digest: hash.finalize().into(),
            names_subject: !subject.as_ref().is_empty(),
        }
    }

    /// The caller of whose verified token these claims are. Both are optional: a token that names no subject stands for
    /// its issuer, and one that has neither claim, or no token at all, for nobody in particular.
    pub fn of_claims(issuer: Option<Vec<u8>>, subject: Option<Vec<u8>>) -> Self {
        match (issuer, subject) {
            (None, None) => Self::ANONYMOUS,
            (issuer, subject) => {
                Self::of_token(issuer.unwrap_or_default(), subject.unwrap_or_default())
            }
        }
    }

    /// The whole digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether it is one caller, and not all of an issuer or everybody.
    pub fn names_subject(&self) -> bool {
        self.names_subject
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

    #[test]
    fn a_token_that_has_one_claim_alone_is_not_anonymous() {
        let claim = || Some(b"x".to_vec());
        let of_issuer = Identity::of_claims(claim(), None);
        let of_subject = Identity::of_claims(None, claim());
        assert_ne!(of_issuer, of_subject);
        assert!(![of_issuer, of_subject].contains(&Identity::of_claims(None, None)));
        assert!(of_subject.names_subject() && !of_issuer.names_subject());
        assert!(!Identity::ANONYMOUS.names_subject());
        assert_eq!(Identity::of_claims(None, None), Identity::ANONYMOUS);
        assert_eq!(
            Identity::of_claims(claim(), claim()),
            Identity::of_token("x", "x")
        );
    }
}

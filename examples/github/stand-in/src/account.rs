use serde::Serialize;
use sha2::{Digest, Sha256};

/// The user whom a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Made from the token's digest, so it differs from token to token and gives none away.
    pub login: String,
    /// Likewise.
    pub id: u32,
}

impl Account {
    /// The account of a token; the same for the same token, always.
    pub fn of_token(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        let number = digest
            .iter()
            .take(4)
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        Self {
            login: format!("octocat-{number:08x}"),
            id: number >> 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_are_two_accounts() {
        assert_ne!(Account::of_token("ghp_alice"), Account::of_token("ghp_bob"));
    }

    #[test]
    fn a_token_is_one_account() {
        assert_eq!(
            Account::of_token("ghp_alice"),
            Account::of_token("ghp_alice")
        );
    }

    #[test]
    fn a_login_is_made_from_the_digest_of_the_token() {
        assert_eq!(Account::of_token("ghp_alice").login, "octocat-9061945c");
    }
}

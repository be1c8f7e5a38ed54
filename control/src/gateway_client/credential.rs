//! A server's credential, kept out of logs and messages.

use std::fmt;

use http::HeaderValue;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// The value that a server expects in `Authorization`, scheme included.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

/// A credential with bytes that no HTTP header can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the credential holds a line break or another control character, which no HTTP header can carry: \
     store the value of the Authorization header alone in the Secret"
)]
pub struct InvalidCredential;

impl Credential {
    /// Takes the value as the Secret holds it. White space around it, such as the line break that editors leave
    /// behind, is not part of a header value (RFC 9110, 5.5) and is dropped.
    pub fn new(value: &str) -> Self {
        Self(value.trim_ascii().to_owned())
    }

    pub(super) fn header(&self) -> Result<HeaderValue, InvalidCredential> {
        let mut header = HeaderValue::from_str(&self.0).map_err(|_| InvalidCredential)?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// `text` without this credential: neither the whole value nor the part after its scheme.
    pub fn hidden_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let token = self
            .0
            .split_once(' ')
            .map_or("", |(_, token)| token.trim_start());
        for secret in [self.0.as_str(), token] {
            if !secret.is_empty() {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({HIDDEN})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_value() {
        assert_eq!(
            format!("{:?}", Credential::new("Bearer abc")),
            "Credential(***)"
        );
    }

    #[test]
    fn a_line_break_at_the_end_is_dropped_and_one_inside_is_refused() {
        assert_eq!(
            Credential::new("Bearer abc\n").header().unwrap(),
            "Bearer abc"
        );
        assert_eq!(
            Credential::new("Bearer\nabc").header(),
            Err(InvalidCredential)
        );
    }

    #[test]
    fn a_quoted_token_is_hidden_with_and_without_its_scheme() {
        let credential = Credential::new("Bearer abc123");
        assert_eq!(credential.hidden_in("bad token abc123"), "bad token ***");
        assert_eq!(
            credential.hidden_in("bad header Bearer abc123"),
            "bad header ***"
        );
    }

    #[test]
    fn an_empty_credential_hides_nothing() {
        assert_eq!(Credential::new("").hidden_in("text"), "text");
    }
}

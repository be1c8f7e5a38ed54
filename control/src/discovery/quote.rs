//! The beginning of what a server said, fit for a status message.

use crate::gateway_client::Credential;

/// Characters that are shown.
const SHOWN: usize = 120;

/// Bytes that are looked at.
const READ: usize = 64 * 1024;

/// Quotes a server without its credential, which some repeat in their errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quote<'a>(pub(super) Option<&'a Credential>);

impl Quote<'_> {
    /// The first characters of `bytes` on one line. What is not printable becomes a space.
    pub(super) fn of(self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes.get(..READ).unwrap_or(bytes));
        let text = match self.0 {
            Some(credential) => credential.hidden_in(&text),
            None => text.into_owned(),
        };
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let line = words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let mut shown: String = line.chars().take(SHOWN).collect();
        if shown.is_empty() {
            return "an empty body".to_owned();
        }
        if shown.len() < line.len() || READ < bytes.len() {
            shown.push_str("...");
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_page_is_shortened_to_one_line() {
        let page = format!("<html>\r\n  <b>\u{1b}[31m{}", "x".repeat(1000));
        let shown = Quote(None).of(page.as_bytes());
        assert!(
            shown.starts_with("<html> <b> [31mxxx") && shown.ends_with("x..."),
            "{shown}"
        );
        assert_eq!(shown.chars().count(), SHOWN + 3);
    }

    #[test]
    fn nothing_is_called_an_empty_body() {
        assert_eq!(Quote(None).of(b" \r\n"), "an empty body");
    }

    #[test]
    fn a_credential_across_the_cut_is_hidden_whole() {
        let credential = Credential::new("Bearer secret-token");
        let body = format!("{}secret-token", "x".repeat(SHOWN - 4));
        assert!(!Quote(Some(&credential)).of(body.as_bytes()).contains("sec"));
    }
}

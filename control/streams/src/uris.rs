//! URIs of resources that somebody is subscribed to.

use serde_json::value::RawValue;

/// What a URI is long at most, as it is written.
const LONGEST: usize = 8 << 10;

/// A few URIs, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uris(Vec<Uri>);

/// A URI, and the JSON token by which it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uri {
    text: String,
    token: Box<str>,
}

impl Uri {
    /// Reads a JSON string of no more than 8 KiB.
    pub(crate) fn read(token: &RawValue) -> Option<Self> {
        if token.get().len() > LONGEST {
            return None;
        }
        let text = serde_json::from_str(token.get()).ok()?;
        let token = token.get().into();
        Some(Self { text, token })
    }

    /// The JSON token, as it was written.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl Uris {
    /// Adds one that is not there; tells whether it was not.
    pub(crate) fn insert(&mut self, uri: Uri) -> bool {
        let is_new = !self.contains(&uri);
        if is_new {
            self.0.push(uri);
        }
        is_new
    }

    pub(crate) fn contains(&self, uri: &Uri) -> bool {
        self.0.iter().any(|one| one.text == uri.text)
    }

    /// Removes one; tells whether it was there.
    pub(crate) fn remove(&mut self, uri: &Uri) -> bool {
        let before = self.0.len();
        self.0.retain(|one| one.text != uri.text);
        self.0.len() < before
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Of all tokens together, which are no shorter than what they say.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|uri| uri.token.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Uri> {
        self.0.iter()
    }

    /// As a JSON array of the tokens as they were written.
    pub(crate) fn array(&self) -> String {
        let tokens: Vec<&str> = self.0.iter().map(Uri::token).collect();
        format!("[{}]", tokens.join(","))
    }
}

impl FromIterator<Uri> for Uris {
    fn from_iter<I: IntoIterator<Item = Uri>>(uris: I) -> Self {
        let mut all = Self::default();
        for uri in uris {
            all.insert(uri);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(token: &str) -> Uri {
        Uri::read(&RawValue::from_string(token.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn a_uri_is_one_in_any_spelling_and_stays_as_it_was_written_first() {
        let mut uris = Uris::default();
        assert!(uris.insert(uri(r#""a:\/b""#)));
        assert!(!uris.insert(uri(r#""a:/b""#)));
        assert!(uris.insert(uri(r#""c:d""#)));
        assert_eq!(uris.array(), r#"["a:\/b","c:d"]"#);
        assert_eq!(uris.bytes(), 12);
        assert!(uris.remove(&uri(r#""a:/b""#)) && !uris.remove(&uri(r#""a:/b""#)));
        assert_eq!((uris.len(), uris.is_empty()), (1, false));
    }

    #[test]
    fn a_uri_has_a_length_at_most() {
        let of_length = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
        let read = |token: String| Uri::read(&RawValue::from_string(token).unwrap());
        assert!(read(of_length(LONGEST)).is_some());
        assert_eq!(read(of_length(LONGEST + 1)), None);
    }

    #[test]
    fn what_is_no_string_is_no_uri() {
        let number = RawValue::from_string("1".to_owned()).unwrap();
        assert_eq!(Uri::read(&number), None);
    }
}

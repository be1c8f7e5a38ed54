//! Whose share of the room something takes: the filter says so.

use http::header::HeaderValue;
use mcp_filter_core::streams;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    /// Of a client that a token names.
    Named(HeaderValue),
    /// Of what a client shows, a credential or a session, of which it may have as many as it likes.
    Shown(HeaderValue),
    /// Of clients that cannot be told apart.
    Nobody,
}

impl Share {
    /// What the filter says; of one that says nothing of shares, `caller` is what is known.
    pub(crate) fn read(told: Option<&HeaderValue>, caller: &HeaderValue) -> Self {
        let Some(told) = told else {
            return Self::Shown(caller.clone());
        };
        match told.as_bytes() {
            text if text.starts_with(streams::NAMED.as_bytes()) => Self::Named(told.clone()),
            text if text.starts_with(streams::SHOWN.as_bytes()) => Self::Shown(told.clone()),
            _ => Self::Nobody,
        }
    }

    /// Whether a token names who has it.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_says_whose_share_it_is() {
        let value = HeaderValue::from_static;
        let caller = value("c0ffee");
        let read = |text| Share::read(Some(&value(text)), &caller);
        assert_eq!(read("named=1"), Share::Named(value("named=1")));
        assert_eq!(read("shown=1"), Share::Shown(value("shown=1")));
        assert_eq!(read("nobody"), Share::Nobody);
        assert_eq!(Share::read(None, &caller), Share::Shown(caller.clone()));
    }
}

//! A JSON-RPC message, its parts as they were written.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// See the module. A part that is not there is `None`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message<'a> {
    /// Of a request or an answer.
    #[serde(borrow, default)]
    pub(crate) id: Option<&'a RawValue>,
    /// Of a request or a notification.
    #[serde(borrow, default)]
    pub(crate) method: Option<Cow<'a, str>>,
    /// Of a request or a notification.
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
    /// Of an answer.
    #[serde(borrow, default)]
    pub(crate) result: Option<&'a RawValue>,
    /// Of an answer.
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a message; `None` when it is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whether it answers a request.
    pub(crate) fn is_answer(&self) -> bool {
        self.method.is_none() && (self.result.is_some() || self.error.is_some())
    }

    /// The method, where it has one.
    pub(crate) fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_they_were_written() {
        let message =
            Message::read(br#"{"method":"a\u002fb","id":1.0,"params":{"x": 1e2 }}"#).unwrap();
        assert_eq!(message.method(), "a/b");
        assert_eq!(message.id.unwrap().get(), "1.0");
        assert_eq!(message.params.unwrap().get(), r#"{"x": 1e2 }"#);
        assert!(!message.is_answer());
        assert!(
            Message::read(br#"{"id":1,"error":{}}"#)
                .unwrap()
                .is_answer()
        );
    }

    #[test]
    fn what_is_no_object_is_no_message() {
        assert!(Message::read(b"1").is_none());
        assert!(Message::read(b"{\"id\":").is_none());
    }
}

//! JSON-RPC messages by what they are, read and written without a change to what they carry.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::{ObjectWriter, string};
use crate::message;

/// One message.
#[derive(Clone, Debug)]
pub(crate) enum Message<'a> {
    /// It wants an answer.
    Request {
        /// As its sender wrote it.
        id: &'a RawValue,
        /// What it asks for.
        method: Cow<'a, str>,
        /// With what.
        params: Option<&'a RawValue>,
    },
    /// It wants none.
    Notification {
        /// What it tells.
        method: Cow<'a, str>,
        /// About what.
        params: Option<&'a RawValue>,
    },
    /// It is one.
    Response {
        /// Of the request.
        id: &'a RawValue,
        /// What became of it.
        answer: Answer<'a>,
    },
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    /// It was done.
    Result(&'a RawValue),
    /// It was not.
    Error(&'a RawValue),
}

/// What an error says.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// `None` for whatever is none.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        let parts = message::Message::read(json)?;
        let (id, params) = (parts.id, parts.params);
        match (parts.method, id) {
            (Some(method), Some(id)) => Some(Self::Request { id, method, params }),
            (Some(method), None) => Some(Self::Notification { method, params }),
            (None, Some(id)) => {
                let answer =
                    (parts.error.map(Answer::Error)).or(parts.result.map(Answer::Result))?;
                Some(Self::Response { id, answer })
            }
            (None, None) => None,
        }
    }
}

impl<'a> Answer<'a> {
    /// The response that carries it, to the request with this id.
    pub(crate) fn response(self, id: &str) -> String {
        let (name, value) = match self {
            Self::Result(result) => ("result", result),
            Self::Error(error) => ("error", error),
        };
        envelope(id).member(name, value.get()).end()
    }

    /// The code of an error, with what it carries.
    pub(crate) fn error(self) -> Option<(i64, String, Option<&'a RawValue>)> {
        let Self::Error(error) = self else {
            return None;
        };
        let ErrorBody {
            code,
            message,
            data,
        } = serde_json::from_str(error.get()).ok()?;
        Some((code, message.into_owned(), data))
    }
}

/// The result `json` to the request with this id.
pub(crate) fn result(id: &str, json: &str) -> String {
    envelope(id).member("result", json).end()
}

/// An error to the request with this id.
pub(crate) fn error(id: &str, code: i64, text: &str) -> String {
    let error = ObjectWriter::default()
        .member("code", &code.to_string())
        .member("message", &string(text));
    envelope(id).member("error", &error.end()).end()
}

/// A request.
pub(crate) fn request(id: &str, method: &str, params: Option<&str>) -> String {
    with_params(envelope(id).member("method", &string(method)), params)
}

/// A notification.
pub(crate) fn notification(method: &str, params: Option<&str>) -> String {
    let envelope = ObjectWriter::default().member("jsonrpc", "\"2.0\"");
    with_params(envelope.member("method", &string(method)), params)
}

fn envelope(id: &str) -> ObjectWriter {
    ObjectWriter::default()
        .member("jsonrpc", "\"2.0\"")
        .member("id", id)
}

fn with_params(object: ObjectWriter, params: Option<&str>) -> String {
    match params {
        Some(params) => object.member("params", params).end(),
        None => object.end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_goes_under_another_id_with_its_bytes() {
        let json = br#"{"result":{"a":1.0e5, "b":[ ]},"id":"x","jsonrpc":"2.0"}"#;
        let Some(Message::Response { id, answer }) = Message::parse(json) else {
            panic!("no response")
        };
        assert_eq!(id.get(), "\"x\"");
        assert_eq!(
            answer.response("7"),
            r#"{"jsonrpc":"2.0","id":7,"result":{"a":1.0e5, "b":[ ]}}"#
        );
    }

    #[test]
    fn what_is_no_message_is_none() {
        for odd in [
            "",
            "[]",
            "7",
            "{}",
            r#"{"id":null,"result":{}}"#,
            r#"{"id":1}"#,
        ] {
            assert!(Message::parse(odd.as_bytes()).is_none(), "{odd}");
        }
    }
}

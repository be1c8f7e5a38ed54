//! Every refusal that begins here, with its HTTP status and JSON-RPC code.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use mcp_filter_core::Era;
use mcp_filter_core::json::splice::string_token;
use serde_json::value::RawValue;

/// Why a client is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Filter: the request lacks a header that it sets, or has one that it never sets.
    #[error("this is no address for clients: the header {0} is missing or strange")]
    NotRouted(&'static str),
    /// Client: it does not take events.
    #[error("only text/event-stream is served here")]
    NotAcceptable,
    /// Client: the body is larger than any that is served.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// Client: its body was cut, or is no JSON-RPC message.
    #[error("the body is no JSON-RPC message")]
    NotAMessage,
    /// Client: a member of `params` is missing or of the wrong type.
    #[error("{0}")]
    InvalidParams(&'static str),
    /// This program: a bound is reached.
    #[error("too many {what}{whose}: at most {most} are served at once")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Of some clients, where it is not of all.
        whose: &'static str,
        /// The bound.
        most: usize,
    },
    /// Server: what has come for one client is more than is kept.
    #[error("the answers together are larger than {0} bytes")]
    AnswersTooLarge(usize),
    /// This program: it ends.
    #[error("the gateway ends its conversations now; ask again")]
    Ending,
    /// Gateway: it did not answer.
    #[error("the gateway does not answer")]
    Gateway,
}

impl Refusal {
    fn code(&self) -> i32 {
        match self {
            Self::NotRouted(_) | Self::NotAcceptable | Self::BodyTooLarge(_) => -32600,
            Self::NotAMessage => -32700,
            Self::InvalidParams(_) => -32602,
            Self::TooMany { .. } | Self::AnswersTooLarge(_) | Self::Ending | Self::Gateway => {
                -32603
            }
        }
    }

    /// Clients of the session revisions, which pin no status, do not read errors that come with another than 200; the
    /// stateless revision has its own (MCP 2026-07-28, basic/transports).
    fn status(&self, era: Era) -> StatusCode {
        match self {
            Self::NotRouted(_) | Self::NotAMessage => StatusCode::BAD_REQUEST,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            _ if era == Era::Sessions => StatusCode::OK,
            Self::InvalidParams(_) => StatusCode::BAD_REQUEST,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Ending => StatusCode::SERVICE_UNAVAILABLE,
            Self::AnswersTooLarge(_) | Self::Gateway => StatusCode::BAD_GATEWAY,
        }
    }

    /// Another attempt may succeed.
    fn is_passing(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::Ending | Self::Gateway)
    }

    /// The answer to a request with this id, or to none.
    pub(crate) fn respond(&self, id: Option<&RawValue>, era: Era) -> Response {
        json(self.status(era), self.message(id))
    }

    /// The answer to GET, of which clients read the status alone.
    pub(crate) fn respond_to_get(&self) -> Response {
        let status = match self {
            Self::TooMany { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Gateway => StatusCode::BAD_GATEWAY,
            other => other.status(Era::Stateless),
        };
        json(status, self.message(None))
    }

    /// The JSON-RPC error.
    pub(crate) fn message(&self, id: Option<&RawValue>) -> Vec<u8> {
        let id = id.map_or_else(String::new, |id| format!(r#""id":{},"#, id.get()));
        let data = if self.is_passing() {
            r#","data":{"retry":true}"#
        } else {
            ""
        };
        let head = format!(
            r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{},"message":"#,
            self.code()
        );
        let text = string_token(&self.to_string());
        [head.as_bytes(), &text, data.as_bytes(), b"}}"].concat()
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_id_as_it_was_written() {
        let id: Box<RawValue> = serde_json::from_str(r#""\u0061""#).unwrap();
        let told = Refusal::InvalidParams("no").message(Some(&id));
        let expected = r#"{"jsonrpc":"2.0","id":"\u0061","error":{"code":-32602,"message":"no"}}"#;
        assert_eq!(String::from_utf8(told).unwrap(), expected);
    }

    #[test]
    fn a_refusal_that_passes_says_so() {
        let refusal = Refusal::TooMany {
            what: "streams",
            whose: "",
            most: 2,
        };
        let expected = concat!(
            r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"too many streams: at most 2 are served at once","#,
            r#""data":{"retry":true}}}"#
        );
        assert_eq!(String::from_utf8(refusal.message(None)).unwrap(), expected);
        assert_eq!(refusal.respond_to_get().status(), 503);
    }

    #[test]
    fn clients_with_sessions_get_errors_with_200() {
        let refusals = [Refusal::InvalidParams("no"), Refusal::Gateway];
        let statuses = |era| {
            refusals
                .each_ref()
                .map(|refusal| refusal.respond(None, era).status().as_u16())
        };
        assert_eq!(statuses(Era::Sessions), [200, 200]);
        assert_eq!(statuses(Era::Stateless), [400, 502]);
    }
}

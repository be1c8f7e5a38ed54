//! Every refusal and failure that a client can see, with its HTTP status and JSON-RPC code.
//!
//! A policy's own denial is not here, where its author wrote one: it goes out byte for byte.

mod text;

use std::borrow::Cow;

use crate::era::Era;
use crate::json::splice::string_token;
use crate::policy::HeaderFault;
use crate::step::LocalResponse;
use crate::version::{ProtocolVersion, STATELESS_REVISION};

/// Why a client is answered with an error. Whose fault it is stands in the first word of each group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Client: the body is not JSON.
    InvalidJson,
    /// Client: a JSON-RPC batch where there are none, or in one what it may not hold.
    Batch,
    /// Client: JSON, but no JSON-RPC message.
    NotAMessage,
    /// Client: a key that decides about the message stands in it twice.
    DuplicateKey,
    /// Client: an id, name or cursor that is longer than any that is served.
    TooLong,
    /// Client: the body is larger than Envoy holds.
    BodyTooLarge,
    /// Client: the body did not come in the time that Envoy gives it.
    BodyStalled,
    /// Client: a browser's page of another origin.
    ForeignOrigin,
    /// Client: a host that only the gateway itself may ask for.
    InternalHost,
    /// Client: it asks for what only `mcp-streams` may ask, and shows no good ticket.
    NoTicket,
    /// Client: GET, PUT and the like.
    MethodNotAllowed,
    /// Client: no such session, or no longer.
    UnknownSession,
    /// Client: the request needs a session id and has none.
    MissingSession,
    /// Client: `MCP-Protocol-Version` names a revision that is not served.
    UnsupportedVersion,
    /// Client: a stateless request of a revision that is not served, which it names.
    UnsupportedRevision(String),
    /// Client: a header of a stateless request is missing, or says something else than the body.
    HeaderMismatch(&'static str),
    /// Client: a stateless request lacks what stands for the handshake.
    MissingMeta(&'static str),
    /// Client: it asks for a virtual server that is not served.
    VirtualServer,
    /// Client: the answer to a server's request carries an id that was never given out in this session.
    UnknownResponse,
    /// Client: a required member of `params` is missing or of the wrong type.
    InvalidParams(&'static str),
    /// Client: `nextCursor` of another catalog, or invented.
    InvalidCursor,
    /// Client: a header that decides about a credential is ambiguous or broken.
    HeaderFault(HeaderFault),
    /// Client: a policy denies the request, and its author wrote no answer.
    DeniedByPolicy {
        /// `namespace/name` of the policy.
        policy: String,
        /// The status that it asks for.
        status: u16,
        /// How a client gets a token that could satisfy it: `WWW-Authenticate`.
        challenge: Option<String>,
    },
    /// Client: no tool of this name.
    UnknownTool(String),
    /// Client: no prompt of this name.
    UnknownPrompt(String),
    /// Client: no resource of this URI.
    UnknownResource(String),
    /// Client: no such method.
    MethodNotFound,
    /// Server: it could not be reached, or Envoy gave up.
    Unreachable {
        /// `namespace/name` of its registration.
        server: String,
        /// Envoy's status.
        status: u16,
    },
    /// Server: silent for longer than its registration allows.
    TimedOut {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Server: it refused the credential.
    Refused {
        /// `namespace/name` of its registration.
        server: String,
        /// 401 or 403.
        status: u16,
        /// The client header from which the route's policy takes the credential.
        wants: Option<String>,
    },
    /// Server: it answered with something that is not MCP.
    NotMcp {
        /// `namespace/name` of its registration.
        server: String,
        /// Its status.
        status: u16,
    },
    /// Server: its session could not be opened.
    NoUpstreamSession {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Server: it lost its session and the request can't be sent again.
    UpstreamSessionLost,
    /// Server: it asked, and did not take the client's answer.
    AnswerNotTaken {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Server: an event of its stream is no MCP message, or answers a request that is not this one.
    StrangeEvent {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Server: its stream ended without the answer.
    NoAnswer {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Server: it asks for input before it answers, of a client that cannot be asked.
    InputRequired {
        /// `namespace/name` of its registration.
        server: String,
    },
    /// Client: it cancelled the request and the server did not end it.
    Cancelled,
    /// Gateway: Envoy failed before it was decided where the request goes.
    GatewayFailed {
        /// Envoy's status.
        status: u16,
    },
    /// Gateway: `mcp-streams` did not answer.
    StreamsUnavailable,
    /// Gateway: of the two plugins that stand for one filter, one is missing or in the wrong place.
    HalfMissing,
    /// Gateway: a plugin has no configuration that it can serve.
    NotConfigured,
}

const INVALID_JSON: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;
/// MCP 2025-11-25, server/resources, Error Handling.
const RESOURCE_NOT_FOUND: i32 = -32002;
/// MCP 2026-07-28, basic, Error Codes.
const HEADER_MISMATCH: i32 = -32020;
const UNSUPPORTED_PROTOCOL_VERSION: i32 = -32022;

/// Whom a refusal answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The request's id as the client wrote it, where it is known.
    pub id: Option<&'a [u8]>,
    /// How the client speaks.
    pub era: Era,
}

impl<'a> From<Option<&'a [u8]>> for Caller<'a> {
    fn from(id: Option<&'a [u8]>) -> Self {
        let era = Era::Sessions;
        Self { id, era }
    }
}

impl Rejection {
    /// The HTTP status.
    pub fn status(&self, era: Era) -> u16 {
        match era {
            Era::Sessions => self.status_in_sessions(),
            Era::Stateless => self.status_of_stateless(),
        }
    }

    /// MCP 2026-07-28, basic/transports/streamable-http: a method that is not served is 404. A server that does not
    /// answer as MCP asks is told as HTTP tells it of any other.
    fn status_of_stateless(&self) -> u16 {
        match self {
            Self::MethodNotFound => 404,
            Self::TimedOut { .. } | Self::Unreachable { status: 504, .. } => 504,
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::NotMcp { .. }
            | Self::NoUpstreamSession { .. }
            | Self::UpstreamSessionLost => 502,
            Self::StreamsUnavailable => 503,
            _ => self.status_in_sessions(),
        }
    }

    /// Errors that belong to a request and not to the transport are 200: clients of the session revisions drop the
    /// JSON-RPC error of any other status, and take 404 for the end of their session.
    fn status_in_sessions(&self) -> u16 {
        match self {
            Self::InvalidJson
            | Self::Batch
            | Self::NotAMessage
            | Self::DuplicateKey
            | Self::TooLong
            | Self::MissingSession
            | Self::UnsupportedVersion
            | Self::UnsupportedRevision(_)
            | Self::HeaderMismatch(_)
            | Self::MissingMeta(_)
            | Self::HeaderFault(_)
            | Self::UnknownResponse => 400,
            Self::ForeignOrigin | Self::InternalHost | Self::NoTicket => 403,
            Self::UnknownSession | Self::UpstreamSessionLost => 404,
            Self::MethodNotAllowed => 405,
            Self::BodyStalled => 408,
            Self::BodyTooLarge => 413,
            Self::DeniedByPolicy { status, .. } | Self::GatewayFailed { status } => *status,
            Self::HalfMissing | Self::NotConfigured => 503,
            // There is no request whose client could read a JSON-RPC error.
            Self::AnswerNotTaken { .. } => 502,
            _ => 200,
        }
    }

    /// The JSON-RPC error code.
    pub fn code(&self, era: Era) -> i32 {
        match self {
            Self::InvalidJson => INVALID_JSON,
            Self::MethodNotFound => METHOD_NOT_FOUND,
            Self::UnsupportedRevision(_) => UNSUPPORTED_PROTOCOL_VERSION,
            Self::HeaderMismatch(_) => HEADER_MISMATCH,
            // MCP 2026-07-28, server/resources, Error Handling: a code of its own no more.
            Self::UnknownResource(_) if era == Era::Stateless => INVALID_PARAMS,
            Self::UpstreamSessionLost if era == Era::Stateless => INTERNAL_ERROR,
            Self::InvalidParams(_)
            | Self::MissingMeta(_)
            | Self::InvalidCursor
            | Self::UnknownTool(_)
            | Self::UnknownPrompt(_) => INVALID_PARAMS,
            Self::UnknownResource(_) => RESOURCE_NOT_FOUND,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Refused { .. }
            | Self::NotMcp { .. }
            | Self::NoUpstreamSession { .. }
            | Self::AnswerNotTaken { .. }
            | Self::StrangeEvent { .. }
            | Self::NoAnswer { .. }
            | Self::InputRequired { .. }
            | Self::Cancelled
            | Self::GatewayFailed { .. }
            | Self::StreamsUnavailable
            | Self::HalfMissing
            | Self::NotConfigured => INTERNAL_ERROR,
            _ => INVALID_REQUEST,
        }
    }

    /// For the log; never holds anything of the request.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::Batch => "batch",
            Self::NotAMessage => "not_a_message",
            Self::DuplicateKey => "duplicate_key",
            Self::TooLong => "too_long",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyStalled => "body_stalled",
            Self::ForeignOrigin => "foreign_origin",
            Self::InternalHost => "internal_host",
            Self::NoTicket => "no_ticket",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnknownSession => "unknown_session",
            Self::MissingSession => "missing_session",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnsupportedRevision(_) => "unsupported_revision",
            Self::HeaderMismatch(_) => "header_mismatch",
            Self::MissingMeta(_) => "missing_meta",
            Self::VirtualServer => "virtual_server",
            Self::UnknownResponse => "unknown_response",
            Self::InvalidParams(_) => "invalid_params",
            Self::InvalidCursor => "invalid_cursor",
            Self::HeaderFault(_) => "header_fault",
            Self::DeniedByPolicy { .. } => "denied_by_policy",
            Self::UnknownTool(_) => "unknown_tool",
            Self::UnknownPrompt(_) => "unknown_prompt",
            Self::UnknownResource(_) => "unknown_resource",
            Self::MethodNotFound => "method_not_found",
            Self::Unreachable { .. } => "upstream_unreachable",
            Self::TimedOut { .. } => "upstream_timed_out",
            Self::Refused { .. } => "upstream_refused",
            Self::NotMcp { .. } => "upstream_not_mcp",
            Self::NoUpstreamSession { .. } => "no_upstream_session",
            Self::UpstreamSessionLost => "upstream_session_lost",
            Self::AnswerNotTaken { .. } => "answer_not_taken",
            Self::StrangeEvent { .. } => "strange_event",
            Self::NoAnswer { .. } => "no_answer",
            Self::InputRequired { .. } => "input_required",
            Self::Cancelled => "cancelled",
            Self::GatewayFailed { .. } => "gateway_failed",
            Self::StreamsUnavailable => "streams_unavailable",
            Self::HalfMissing => "half_missing",
            Self::NotConfigured => "not_configured",
        }
    }

    /// The JSON-RPC error as one line.
    pub fn body<'a>(&self, caller: impl Into<Caller<'a>>) -> Vec<u8> {
        let Caller { id, era } = caller.into();
        let message = string_token(&self.to_string());
        let mut body = Vec::with_capacity(96 + message.len() + id.map_or(0, <[u8]>::len));
        body.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
        if let Some(id) = id {
            body.extend_from_slice(b"\"id\":");
            body.extend_from_slice(id);
            body.push(b',');
        }
        body.extend_from_slice(b"\"error\":{\"code\":");
        body.extend_from_slice(self.code(era).to_string().as_bytes());
        body.extend_from_slice(b",\"message\":");
        body.extend_from_slice(&message);
        if let Some(data) = self.data(era) {
            body.extend_from_slice(b",\"data\":{");
            body.extend_from_slice(&data);
            body.push(b'}');
        }
        body.extend_from_slice(b"}}");
        body
    }

    /// The members of `error.data`.
    fn data(&self, era: Era) -> Option<Vec<u8>> {
        let (name, value) = match self {
            Self::UnknownResource(uri) => (r#""uri":"#.to_owned(), string_token(uri)),
            Self::UnsupportedRevision(requested) => {
                let supported = supported_revisions();
                (
                    format!(r#""supported":{supported},"requested":"#),
                    string_token(requested),
                )
            }
            Self::UpstreamSessionLost if era == Era::Stateless => {
                (r#""retry":"#.to_owned(), b"true".to_vec())
            }
            Self::StreamsUnavailable => (r#""retry":"#.to_owned(), b"true".to_vec()),
            _ => return None,
        };
        Some([name.into_bytes(), value].concat())
    }

    /// What it says beside that in a header.
    fn more_headers(&self) -> Option<(Cow<'static, str>, Vec<u8>)> {
        let (name, value) = match self {
            Self::MethodNotAllowed => ("allow", "POST, DELETE"),
            Self::DeniedByPolicy {
                status: 403,
                challenge: Some(challenge),
                ..
            } => ("www-authenticate", challenge.as_str()),
            // RFC 9110, section 11.6.1: no 401 is without one.
            Self::DeniedByPolicy { status: 401, .. } => ("www-authenticate", "Bearer"),
            _ => return None,
        };
        Some((Cow::Borrowed(name), value.into()))
    }

    /// The whole answer.
    pub fn response<'a>(&self, caller: impl Into<Caller<'a>>) -> LocalResponse {
        let caller = caller.into();
        let mut headers = vec![(Cow::Borrowed("content-type"), b"application/json".to_vec())];
        headers.extend(self.more_headers());
        LocalResponse {
            status: self.status(caller.era),
            headers,
            body: self.body(caller),
            reason: self.reason(),
        }
    }
}

/// What `server/discover` tells, and whoever asks for another one: a JSON array, the latest first.
///
/// MCP 2026-07-28, basic/versioning: a server of both eras names all its revisions.
pub(crate) fn supported_revisions() -> String {
    let sessions = ProtocolVersion::ALL.iter().rev();
    let names = sessions.map(|version| format!(",\"{}\"", version.as_str()));
    format!("[\"{STATELESS_REVISION}\"{}]", names.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_id_is_echoed_as_the_client_wrote_it() {
        let body = Rejection::MethodNotFound.body(Some(b"1.0e2".as_slice()));
        assert_eq!(
            body,
            br#"{"jsonrpc":"2.0","id":1.0e2,"error":{"code":-32601,"message":"Method not found"}}"#
        );
    }

    #[test]
    fn an_unknown_id_is_left_out_and_never_null() {
        let body = Rejection::InvalidJson.body(None);
        assert!(body.starts_with(br#"{"jsonrpc":"2.0","error":{"code":-32700"#));
    }

    #[test]
    fn a_name_of_the_client_is_escaped() {
        let body = Rejection::UnknownTool("a\"\n".to_owned()).body(Some(b"1".as_slice()));
        assert!(
            String::from_utf8(body)
                .unwrap()
                .contains(r#"Unknown tool: a\"\n"#)
        );
    }

    #[test]
    fn an_unknown_resource_names_the_uri_that_the_client_sent() {
        let body =
            Rejection::UnknownResource("x:\u{e9}".to_owned()).body(Some(b"\"a\"".as_slice()));
        assert!(
            String::from_utf8(body)
                .unwrap()
                .ends_with("\"data\":{\"uri\":\"x:\u{e9}\"}}}")
        );
    }

    #[test]
    fn a_405_names_the_allowed_methods() {
        let response = Rejection::MethodNotAllowed.response(None);
        assert_eq!(response.status, 405);
        assert!(
            response
                .headers
                .contains(&(Cow::Borrowed("allow"), b"POST, DELETE".to_vec()))
        );
    }
}

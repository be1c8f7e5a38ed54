//! Every refusal and failure that a client can see, with its HTTP status and JSON-RPC code.
//!
//! A policy's own denial is not here, where its author wrote one: it goes out byte for byte.

use std::borrow::Cow;
use std::fmt;

use crate::json::splice::string_token;
use crate::policy::HeaderFault;
use crate::step::LocalResponse;

/// Why a client is answered with an error. Whose fault it is stands in the first word of each group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Client: the body is not JSON.
    InvalidJson,
    /// Client: a JSON-RPC batch.
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
    /// Client: GET, PUT and the like.
    MethodNotAllowed,
    /// Client: no such session, or no longer.
    UnknownSession,
    /// Client: the request needs a session id and has none.
    MissingSession,
    /// Client: `MCP-Protocol-Version` names a revision that is not served.
    UnsupportedVersion,
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
    /// Client: `server/discover` where the stateless revision is not served.
    DiscoverNotServed,
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
    /// Client: it cancelled the request and the server did not end it.
    Cancelled,
    /// Gateway: Envoy failed before it was decided where the request goes.
    GatewayFailed {
        /// Envoy's status.
        status: u16,
    },
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

impl Rejection {
    /// The HTTP status. Errors that belong to a request and not to the transport are 200: clients of the session
    /// revisions drop the JSON-RPC error of any other status, and take 404 for the end of their session.
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidJson
            | Self::Batch
            | Self::NotAMessage
            | Self::DuplicateKey
            | Self::TooLong
            | Self::MissingSession
            | Self::UnsupportedVersion
            | Self::HeaderFault(_)
            | Self::UnknownResponse => 400,
            Self::ForeignOrigin | Self::InternalHost => 403,
            Self::UnknownSession | Self::UpstreamSessionLost | Self::DiscoverNotServed => 404,
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
    pub fn code(&self) -> i32 {
        match self {
            Self::InvalidJson => INVALID_JSON,
            Self::MethodNotFound | Self::DiscoverNotServed => METHOD_NOT_FOUND,
            Self::InvalidParams(_)
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
            | Self::Cancelled
            | Self::GatewayFailed { .. }
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
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnknownSession => "unknown_session",
            Self::MissingSession => "missing_session",
            Self::UnsupportedVersion => "unsupported_version",
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
            Self::DiscoverNotServed => "discover_not_served",
            Self::Unreachable { .. } => "upstream_unreachable",
            Self::TimedOut { .. } => "upstream_timed_out",
            Self::Refused { .. } => "upstream_refused",
            Self::NotMcp { .. } => "upstream_not_mcp",
            Self::NoUpstreamSession { .. } => "no_upstream_session",
            Self::UpstreamSessionLost => "upstream_session_lost",
            Self::AnswerNotTaken { .. } => "answer_not_taken",
            Self::StrangeEvent { .. } => "strange_event",
            Self::NoAnswer { .. } => "no_answer",
            Self::Cancelled => "cancelled",
            Self::GatewayFailed { .. } => "gateway_failed",
            Self::HalfMissing => "half_missing",
            Self::NotConfigured => "not_configured",
        }
    }

    /// The JSON-RPC error as one line. `id` is the request's id as the client wrote it, where it is known.
    pub fn body(&self, id: Option<&[u8]>) -> Vec<u8> {
        let message = string_token(&self.to_string());
        let mut body = Vec::with_capacity(96 + message.len() + id.map_or(0, <[u8]>::len));
        body.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
        if let Some(id) = id {
            body.extend_from_slice(b"\"id\":");
            body.extend_from_slice(id);
            body.push(b',');
        }
        body.extend_from_slice(b"\"error\":{\"code\":");
        body.extend_from_slice(self.code().to_string().as_bytes());
        body.extend_from_slice(b",\"message\":");
        body.extend_from_slice(&message);
        if let Self::UnknownResource(uri) = self {
            body.extend_from_slice(b",\"data\":{\"uri\":");
            body.extend_from_slice(&string_token(uri));
            body.push(b'}');
        }
        body.extend_from_slice(b"}}");
        body
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
    pub fn response(&self, id: Option<&[u8]>) -> LocalResponse {
        let mut headers = vec![(Cow::Borrowed("content-type"), b"application/json".to_vec())];
        headers.extend(self.more_headers());
        LocalResponse {
            status: self.status(),
            headers,
            body: self.body(id),
            reason: self.reason(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidJson => f.write_str("Parse error: the body is not valid JSON"),
            Self::Batch => f.write_str("Invalid request: batches are not served, send one message"),
            Self::NotAMessage => f.write_str("Invalid request: not a JSON-RPC message"),
            Self::DuplicateKey => f.write_str("Invalid request: duplicate key"),
            Self::TooLong => f.write_str("Invalid request: id, method or name too long"),
            Self::BodyTooLarge => f.write_str("Invalid request: body too large"),
            Self::BodyStalled => f.write_str("Invalid request: the body did not come in time"),
            Self::ForeignOrigin => f.write_str("Forbidden: origin not allowed"),
            Self::InternalHost => f.write_str("Forbidden: this host is not served from outside"),
            Self::MethodNotAllowed => f.write_str("Method not allowed: use POST"),
            Self::UnknownSession => f.write_str("Session not found: initialize anew"),
            Self::MissingSession => f.write_str("Invalid request: no Mcp-Session-Id"),
            Self::UnsupportedVersion => f.write_str(
                "Invalid request: unsupported MCP-Protocol-Version, served are 2025-11-25, 2025-06-18 and 2025-03-26",
            ),
            Self::VirtualServer => f.write_str(
                "Invalid request: the virtual server that the path or x-mcp-virtualserver names is not served here, its form is namespace/name",
            ),
            Self::UnknownResponse => f.write_str("Invalid request: no request of this id in this session"),
            Self::InvalidParams(member) => write!(f, "Invalid params: {member}"),
            Self::InvalidCursor => f.write_str("Invalid params: cursor"),
            Self::HeaderFault(fault) => write!(f, "Invalid request: {fault}"),
            Self::DeniedByPolicy { policy, .. } => write!(f, "Forbidden: policy {policy} denies it"),
            Self::UnknownTool(name) => write!(f, "Unknown tool: {name}"),
            Self::UnknownPrompt(name) => write!(f, "Unknown prompt: {name}"),
            Self::UnknownResource(_) => f.write_str("Resource not found"),
            Self::MethodNotFound | Self::DiscoverNotServed => f.write_str("Method not found"),
            Self::Unreachable { server, status } => {
                write!(f, "MCP server {server} could not be reached (gateway status {status})")
            }
            Self::TimedOut { server } => write!(f, "MCP server {server} did not answer in time"),
            Self::Refused { server, status, wants: Some(header) } => {
                write!(f, "MCP server {server} refused the credential with status {status}; send a valid one in the header {header}")
            }
            Self::Refused { server, status, wants: None } => {
                write!(f, "MCP server {server} refused the request with status {status}; no credential of yours is sent to it")
            }
            Self::NotMcp { server, status } => {
                write!(f, "MCP server {server} answered with status {status} and no MCP message")
            }
            Self::NoUpstreamSession { server } => write!(f, "MCP server {server} did not open a session"),
            Self::UpstreamSessionLost => f.write_str("Session lost: initialize anew"),
            Self::AnswerNotTaken { server } => write!(f, "MCP server {server} did not take the answer"),
            Self::StrangeEvent { server } => {
                write!(f, "MCP server {server} sent an event that is no MCP message, or answers another request")
            }
            Self::NoAnswer { server } => write!(f, "MCP server {server} ended its stream without an answer"),
            Self::Cancelled => f.write_str("Request cancelled"),
            Self::GatewayFailed { status } => write!(f, "Gateway failed with status {status}"),
            Self::HalfMissing => f.write_str("Gateway not ready: one of its two plugins is missing"),
            Self::NotConfigured => f.write_str("Gateway not ready: it has no configuration"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_id_is_echoed_as_the_client_wrote_it() {
        let body = Rejection::MethodNotFound.body(Some(b"1.0e2"));
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
        let body = Rejection::UnknownTool("a\"\n".to_owned()).body(Some(b"1"));
        assert!(
            String::from_utf8(body)
                .unwrap()
                .contains(r#"Unknown tool: a\"\n"#)
        );
    }

    #[test]
    fn an_unknown_resource_names_the_uri_that_the_client_sent() {
        let body = Rejection::UnknownResource("x:\u{e9}".to_owned()).body(Some(b"\"a\""));
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

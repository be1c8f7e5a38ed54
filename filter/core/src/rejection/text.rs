//! What is said of a refusal to people.

use std::fmt;

use super::Rejection;
use crate::version::STATELESS_REVISION;

const UNSUPPORTED_VERSION: &str = "Invalid request: unsupported MCP-Protocol-Version, served are 2026-07-28, 2025-11-25, \
     2025-06-18 and 2025-03-26";

const NO_STREAMS: &str = "mcp-streams, a part of the gateway, does not answer: try again";

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidJson => f.write_str("Parse error: the body is not valid JSON"),
            Self::Batch => f.write_str("Invalid request: this batch is not served, send one message"),
            Self::NotAMessage => f.write_str("Invalid request: not a JSON-RPC message"),
            Self::DuplicateKey => f.write_str("Invalid request: duplicate key"),
            Self::TooLong => f.write_str("Invalid request: id, method or name too long"),
            Self::BodyTooLarge => f.write_str("Invalid request: body too large"),
            Self::BodyStalled => f.write_str("Invalid request: the body did not come in time"),
            Self::ForeignOrigin => f.write_str("Forbidden: origin not allowed"),
            Self::InternalHost => f.write_str("Forbidden: this host is not served from outside"),
            Self::NoTicket => f.write_str("Forbidden: only mcp-streams asks for this, and its ticket is not good"),
            Self::MethodNotAllowed => f.write_str("Method not allowed: use POST"),
            Self::UnknownSession => f.write_str("Session not found: initialize anew"),
            Self::MissingSession => f.write_str("Invalid request: no Mcp-Session-Id"),
            Self::UnsupportedVersion => f.write_str(UNSUPPORTED_VERSION),
            Self::UnsupportedRevision(_) => f.write_str("Unsupported protocol version"),
            Self::HeaderMismatch(header) => {
                write!(f, "Header mismatch: {header} is missing, or says something else than the body")
            }
            Self::MissingMeta(key) => {
                write!(f, "Invalid params: params._meta has no {key} of the kind that {STATELESS_REVISION} asks for")
            }
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
            Self::MethodNotFound => f.write_str("Method not found"),
            Self::Unreachable { server, status } => {
                write!(f, "MCP server {server} could not be reached (gateway status {status})")
            }
            Self::TimedOut { server } => write!(f, "MCP server {server} did not answer in time"),
            Self::Refused { server, status, wants } => {
                write!(f, "MCP server {server} refused the ")?;
                refused(f, *status, wants.as_deref())
            }
            Self::NotMcp { server, status } => write!(f, "MCP server {server} answered with status {status} and no MCP message"),
            Self::NoUpstreamSession { server } => write!(f, "MCP server {server} did not open a session"),
            Self::UpstreamSessionLost => f.write_str("Session lost: initialize anew"),
            Self::AnswerNotTaken { server } => write!(f, "MCP server {server} did not take the answer"),
            Self::StrangeEvent { server } => {
                write!(f, "MCP server {server} sent an event that is no MCP message, or answers another request")
            }
            Self::NoAnswer { server } => write!(f, "MCP server {server} ended its stream without an answer"),
            Self::InputRequired { server } => {
                write!(f, "MCP server {server} asks for input before it answers, which this client's revision has no way to give")
            }
            Self::Cancelled => f.write_str("Request cancelled"),
            Self::GatewayFailed { status } => write!(f, "Gateway failed with status {status}"),
            Self::StreamsUnavailable => f.write_str(NO_STREAMS),
            Self::HalfMissing => f.write_str("Gateway not ready: one of its two plugins is missing"),
            Self::NotConfigured => f.write_str("Gateway not ready: it has no configuration"),
        }
    }
}

fn refused(f: &mut fmt::Formatter<'_>, status: u16, wants: Option<&str>) -> fmt::Result {
    match wants {
        Some(header) => write!(
            f,
            "credential with status {status}; send a valid one in the header {header}"
        ),
        None => write!(
            f,
            "request with status {status}; no credential of yours is sent to it"
        ),
    }
}

//! The rules of the stateless revision 2026-07-28, where they differ from those of sessions.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use mcp_filter_core::version::STATELESS_REVISION;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::capabilities::{Capabilities, client_info, of_clients};
use super::connection::{Answer, Connection};
use super::deadline::Deadline;
use super::members::Members;
use super::refusal::{METHOD_NOT_FOUND, protocol};
use super::{DiscoveryError, ProtocolFault};

/// The request by which a server tells which revisions it speaks (MCP 2026-07-28, server/discover).
pub(super) const DISCOVER: &str = "server/discover";

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What the server announces; `None` where it answers that it does not speak the revision.
pub(super) async fn discover(
    connection: &mut Connection,
    deadline: Deadline,
) -> Result<Option<Capabilities>, DiscoveryError> {
    match connection.request(DISCOVER, json!({}), deadline).await? {
        Answer::Result(result) => read(&result).map_err(|fault| protocol(DISCOVER, fault)),
        Answer::MethodNotFound => Ok(None),
    }
}

fn read(result: &RawValue) -> Result<Option<Capabilities>, ProtocolFault> {
    let members = Members::read(result.get()).map_err(|_| ProtocolFault::Result("object"))?;
    let versions: Option<Vec<String>> = members
        .last("supportedVersions")
        .and_then(|value| serde_json::from_str(value.get()).ok());
    let versions = versions.ok_or(ProtocolFault::Result("supportedVersions"))?;
    if !versions.iter().any(|version| version == STATELESS_REVISION) {
        return Ok(None);
    }
    Capabilities::of(&members).map(Some)
}

/// The params with what every request says of itself and of its sender (MCP 2026-07-28, basic, _meta).
pub(super) fn with_meta(mut params: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS_REVISION,
        "io.modelcontextprotocol/clientCapabilities": of_clients(),
        "io.modelcontextprotocol/clientInfo": client_info(),
    });
    if let Value::Object(members) = &mut params {
        members.insert("_meta".to_owned(), meta);
    }
    params
}

/// What is repeated of the body (MCP 2026-07-28, basic/transports/streamable-http, Standard Headers).
pub(super) fn headers(method: &'static str) -> HeaderMap {
    let version = HeaderValue::from_static(STATELESS_REVISION);
    let method = HeaderValue::from_static(method);
    HeaderMap::from_iter([(PROTOCOL_VERSION, version), (METHOD, method)])
}

/// An unknown method comes with 404 here, and a result says whether it is one (MCP 2026-07-28, basic, ResultType).
pub(super) fn judged(
    step: &'static str,
    outcome: Result<Answer, DiscoveryError>,
) -> Result<Answer, DiscoveryError> {
    match outcome {
        Ok(Answer::Result(result)) => match expect_complete(&result) {
            Ok(()) => Ok(Answer::Result(result)),
            Err(fault) => Err(protocol(step, fault)),
        },
        Err(DiscoveryError::ProtocolError { fault, .. }) if matches!(*fault, ProtocolFault::Error { code, .. } if code == METHOD_NOT_FOUND) => {
            Ok(Answer::MethodNotFound)
        }
        outcome => outcome,
    }
}

/// Absent counts as complete.
fn expect_complete(result: &RawValue) -> Result<(), ProtocolFault> {
    let members = Members::read(result.get()).map_err(|_| ProtocolFault::Result("object"))?;
    let Some(kind) = members.last("resultType") else {
        return Ok(());
    };
    match serde_json::from_str::<String>(kind.get()) {
        Ok(kind) if kind == "complete" => Ok(()),
        _ => Err(ProtocolFault::Result("resultType")),
    }
}

//! The start of a session (MCP 2025-11-25, basic/lifecycle, Initialization).

use mcp_filter_core::version::ProtocolVersion;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::connection::{Answer, Connection};
use super::deadline::Deadline;
use super::members::Members;
use super::refusal::{INITIALIZE, protocol};
use super::{DiscoveryError, ProtocolFault};

/// What a server said about itself.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) revision: ProtocolVersion,
    pub(super) issues_sessions: bool,
    pub(super) completions: bool,
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
    /// Whether it tells when one of its lists has changed.
    pub(super) tells_changes: bool,
}

/// Opens a session on a fresh connection.
pub(super) async fn initialize(
    connection: &mut Connection,
    deadline: Deadline,
) -> Result<Handshake, DiscoveryError> {
    // All that clients can do: some servers offer a tool only to those that can answer what it asks.
    let params = json!({
        "protocolVersion": ProtocolVersion::LATEST.as_str(),
        "capabilities": {"elicitation": {"form": {}, "url": {}}, "roots": {}, "sampling": {}},
        "clientInfo": {"name": "mcp-control", "version": env!("CARGO_PKG_VERSION")},
    });
    let Answer::Result(result) = connection.request(INITIALIZE, params, deadline).await? else {
        return Err(protocol(INITIALIZE, ProtocolFault::Result("result")));
    };
    let handshake = read(&result, connection).map_err(|fault| protocol(INITIALIZE, fault))?;
    connection.negotiated(handshake.revision);
    connection
        .notify("notifications/initialized", deadline)
        .await?;
    Ok(handshake)
}

fn read(result: &RawValue, connection: &Connection) -> Result<Handshake, ProtocolFault> {
    let members = Members::read(result.get()).map_err(|_| ProtocolFault::Result("object"))?;
    let offered = members
        .last("protocolVersion")
        .and_then(|value| value.get().parse().ok());
    let Some(Value::String(offered)) = offered else {
        return Err(ProtocolFault::Result("protocolVersion"));
    };
    let revision = ProtocolVersion::parse(offered.as_bytes());
    let revision = revision.ok_or_else(|| ProtocolFault::Revision {
        offered: connection.quote().of(offered.as_bytes()),
    })?;
    let capabilities = members
        .last("capabilities")
        .and_then(|value| value.get().parse().ok());
    let Some(Value::Object(capabilities)) = capabilities else {
        return Err(ProtocolFault::Result("capabilities"));
    };
    let has = |name| capabilities.get(name).is_some_and(Value::is_object);
    let tells = |name| {
        capabilities
            .get(name)
            .and_then(|value| value.get("listChanged"))
            == Some(&Value::Bool(true))
    };
    Ok(Handshake {
        revision,
        issues_sessions: connection.has_session_id(),
        completions: has("completions"),
        tools: has("tools"),
        prompts: has("prompts"),
        resources: has("resources"),
        tells_changes: ["tools", "prompts", "resources"].into_iter().any(tells),
    })
}

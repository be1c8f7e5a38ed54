//! The start of a session (MCP 2025-11-25, basic/lifecycle, Initialization).

use mcp_filter_core::version::ProtocolVersion;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::capabilities::{Capabilities, client_info, of_clients};
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
    pub(super) capabilities: Capabilities,
}

/// Opens a session on a fresh connection.
pub(super) async fn initialize(
    connection: &mut Connection,
    deadline: Deadline,
) -> Result<Handshake, DiscoveryError> {
    let params = json!({
        "protocolVersion": ProtocolVersion::LATEST.as_str(),
        "capabilities": of_clients(),
        "clientInfo": client_info(),
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
    Ok(Handshake {
        revision,
        issues_sessions: connection.has_session_id(),
        capabilities: Capabilities::of(&members)?,
    })
}

//! Requests that the gateway answers itself.

use std::borrow::Cow;

use super::message::kind;
use crate::catalog::{CacheScope, ListKind, Shown};
use crate::era::Era;
use crate::extension;
use crate::identity::Identity;
use crate::json::{Field, Scanner, ValueKind};
use crate::rejection::{Rejection, supported_revisions};
use crate::session_id::{self, ClientCapabilities, Statement};
use crate::step::LocalResponse;
use crate::version::ProtocolVersion;
use crate::{Context, Table};

/// A 200 with a JSON-RPC result that is made of `parts`, in one allocation.
pub(crate) fn result(id: &[u8], parts: &[&[u8]], reason: &'static str) -> LocalResponse {
    const HEAD: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";
    const RESULT: &[u8] = b",\"result\":";
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut body = Vec::with_capacity(HEAD.len() + id.len() + RESULT.len() + length + 1);
    body.extend_from_slice(HEAD);
    body.extend_from_slice(id);
    body.extend_from_slice(RESULT);
    for part in parts {
        body.extend_from_slice(part);
    }
    body.push(b'}');
    answer(body, reason)
}

/// A 200 with the answers to a batch.
pub(crate) fn array(answers: &[Vec<u8>]) -> LocalResponse {
    let length = answers.iter().map(|answer| answer.len() + 1).sum::<usize>();
    let mut body = Vec::with_capacity(length + 1);
    for answer in answers {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(answer);
    }
    body.push(b']');
    answer(body, "batch")
}

fn answer(body: Vec<u8>, reason: &'static str) -> LocalResponse {
    LocalResponse {
        status: 200,
        headers: vec![json()],
        body,
        reason,
    }
}

/// MCP 2025-11-25, basic/transports, Sending Messages: an accepted notification or response is a bare 202.
pub(crate) fn accepted() -> LocalResponse {
    LocalResponse {
        status: 202,
        headers: Vec::new(),
        body: Vec::new(),
        reason: "accepted",
    }
}

/// `ping`
pub(crate) fn pong(id: &[u8]) -> LocalResponse {
    done(id, "ping")
}

/// An answer that says no more than that it is done.
pub(crate) fn done(id: &[u8], reason: &'static str) -> LocalResponse {
    result(id, &[b"{}"], reason)
}

/// `completion/complete` for a server that completes nothing, beside others that do.
///
/// MCP 2025-11-25, server/utilities/completion; MCP 2026-07-28, basic, ResultType.
pub(crate) fn completion(id: &[u8], era: Era) -> LocalResponse {
    let result_type: &[u8] = match era {
        Era::Sessions => b"",
        Era::Stateless => br#""resultType":"complete","#,
    };
    let parts = [b"{", result_type, br#""completion":{"values":[]}}"#];
    result(id, &parts, "completion")
}

/// One page of what is shown of a list.
pub(crate) fn list(
    table: &Table,
    list: ListKind,
    (scanner, shown): (&Scanner, &Shown<'_>),
    id: &[u8],
) -> Result<LocalResponse, Rejection> {
    let cursor = match kind(scanner, Field::Cursor) {
        None | Some(ValueKind::Null) => None,
        Some(ValueKind::String) => Some(
            scanner
                .text(Field::Cursor)
                .ok_or(Rejection::InvalidCursor)?,
        ),
        Some(_) => return Err(Rejection::InvalidCursor),
    };
    let page = table
        .list_result(list, cursor.as_deref(), shown)
        .map_err(|_| Rejection::InvalidCursor)?;
    Ok(result(id, &page.parts(), "list"))
}

/// `initialize`: negotiates the revision and mints the session id.
///
/// MCP 2025-11-25, basic/lifecycle, Initialization; basic/transports, Session Management.
pub(crate) fn initialize(
    table: &Table,
    (scanner, identity): (&Scanner, Identity),
    id: &[u8],
    context: &mut Context<'_>,
) -> Result<LocalResponse, Rejection> {
    let requested = match kind(scanner, Field::ProtocolVersion) {
        Some(ValueKind::String) => scanner.text(Field::ProtocolVersion),
        _ => None,
    };
    let version =
        ProtocolVersion::negotiate(&requested.ok_or(Rejection::InvalidParams("protocolVersion"))?);
    let answer = format!(
        "{{\"protocolVersion\":\"{}\",\"capabilities\":{},\"serverInfo\":{{\"name\":\"mcp-proxy-wasm\",\"version\":\"{}\"}}}}",
        version.as_str(),
        capabilities(table, Some(version)),
        env!("CARGO_PKG_VERSION"),
    );
    let mut response = result(id, &[answer.as_bytes()], "initialize");
    let statement = Statement {
        version,
        capabilities: scanner
            .raw(Field::Capabilities)
            .map(ClientCapabilities::from_json)
            .unwrap_or_default(),
        identity,
    };
    if let Some(session) = session_id::mint(table.sessions(), &statement, context) {
        response
            .headers
            .push((Cow::Borrowed("mcp-session-id"), session));
    }
    Ok(response)
}

/// `server/discover`: what stands for the handshake in the stateless revision.
///
/// MCP 2026-07-28, server/discover.
pub(crate) fn discover(table: &Table, scope: CacheScope, id: &[u8]) -> LocalResponse {
    let answer = format!(
        "{{\"resultType\":\"complete\",\"supportedVersions\":{},\"capabilities\":{},{}}}",
        supported_revisions(),
        table.stateless_capabilities(|| capabilities(table, None)),
        scope.members(),
    );
    result(id, &[answer.as_bytes()], "discover")
}

/// What the lists of tools, prompts and resources are made of, for `mcp-streams`.
pub(crate) fn digests([tools, prompts, resources]: [u64; 3]) -> LocalResponse {
    let body = format!(
        r#"{{"tools":"{tools:016x}","prompts":"{prompts:016x}","resources":"{resources:016x}"}}"#
    );
    answer(body.into_bytes(), "catalog")
}

/// What the servers together can deliver. `listChanged` needs a stream, which `mcp-streams` holds, and so does
/// `resources.subscribe`: without one a subscription is passed on to its server, but what it is for,
/// `notifications/resources/updated`, comes on the stream of a GET. `tasks.list` would have to be asked of all servers at
/// once.
fn capabilities(table: &Table, version: Option<ProtocolVersion>) -> String {
    const TASKS: &str = "{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}";
    // No other revision knows these.
    let has_tasks = version == Some(ProtocolVersion::V2025_11_25) && table.has_tasks(Era::Sessions);
    let has_extension = version.is_none() && table.has_tasks(Era::Stateless);
    let extensions = [
        (extension::TASKS, has_extension),
        (extension::APPS, table.has_apps()),
    ];
    let extensions = object(extensions.map(|(name, has)| (name, has, "{}")));
    let (list, resources) = match table.streams() {
        Some(_) => (
            r#"{"listChanged":true}"#,
            r#"{"subscribe":true,"listChanged":true}"#,
        ),
        None => ("{}", "{}"),
    };
    let offered = [
        ("tools", true, list),
        ("prompts", table.has_prompts(), list),
        ("resources", table.has_resources(), resources),
        ("completions", table.has_completions(), "{}"),
        ("logging", table.has_logging(), "{}"),
        ("tasks", has_tasks, TASKS),
        ("extensions", extensions != "{}", &extensions),
    ];
    object(offered)
}

/// Of the members that are there.
fn object<const N: usize>(members: [(&str, bool, &str); N]) -> String {
    let members: Vec<String> = members
        .iter()
        .filter(|(_, has, _)| *has)
        .map(|(name, _, what)| format!("\"{name}\":{what}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn json() -> (Cow<'static, str>, Vec<u8>) {
    (Cow::Borrowed("content-type"), b"application/json".to_vec())
}

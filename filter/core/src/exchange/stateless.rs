//! Requests of the stateless revision 2026-07-28, in a file of their own so that either era can change or go alone.
//!
//! Everything that a session would hold stands in each of them: in `params._meta`, and mirrored in headers by which
//! whoever does not read bodies may decide. So the two must say the same.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::message::kind;
use crate::Headers;
use crate::era::Era;
use crate::json::{Field, Scanner, ValueKind};
use crate::log_level::LogLevel;
use crate::method::{Method, RoutedMethod};
use crate::rejection::Rejection;
use crate::version::STATELESS_REVISION;

const VERSION_HEADER: &str = "mcp-protocol-version";

/// In which era a client speaks, by what has come of its message.
///
/// MCP 2026-07-28, basic/versioning: a request with that `_meta` is of its era, `initialize` begins a session. Only that
/// key counts: clients of sessions send others in `_meta`. Nothing but a stateless request asks `server/discover`.
pub(crate) fn era_of(headers: &Headers, scanner: &Scanner) -> Era {
    let method = scanner
        .text(Field::Method)
        .map(|method| Method::parse(&method));
    let by_header = headers.first(VERSION_HEADER) == Some(STATELESS_REVISION.as_bytes())
        && method != Some(Method::Initialize);
    let by_body = scanner.capture(Field::MetaProtocolVersion).is_some();
    if by_header || by_body || method == Some(Method::ServerDiscover) {
        Era::Stateless
    } else {
        Era::Sessions
    }
}

/// Refuses a message that does not say of itself what the revision asks, or says it twice and not the same. What stands in
/// `_meta` is looked at once the message `is_whole`.
///
/// MCP 2026-07-28, basic/transports/streamable-http, Server Validation; basic, Per-request protocol fields. The order is
/// that of the published conformance suite.
pub(crate) fn check(headers: &Headers, scanner: &Scanner, is_whole: bool) -> Result<(), Rejection> {
    let version = only(headers, VERSION_HEADER)?.ok_or(MISSING_VERSION)?;
    if is_whole {
        check_meta(scanner, version)?;
    }
    let method = scanner.text(Field::Method);
    let method = method.ok_or(Rejection::NotAMessage)?;
    let name = named_by(Method::parse(&method));
    compare(headers, "mcp-method", &method)?;
    match name.and_then(|field| scanner.text(field)) {
        Some(name) => compare(headers, "mcp-name", &name),
        None => Ok(()),
    }
}

/// MCP 2026-07-28, changelog: what sessions need is gone.
pub(crate) fn serves(method: Method) -> Result<(), Rejection> {
    match method {
        Method::ServerDiscover
        | Method::Listen
        | Method::List(_)
        | Method::Routed(
            RoutedMethod::ToolsCall
            | RoutedMethod::PromptsGet
            | RoutedMethod::ResourcesRead
            | RoutedMethod::Complete
            | RoutedMethod::TasksGet
            | RoutedMethod::TasksUpdate
            | RoutedMethod::TasksCancel,
        ) => Ok(()),
        _ => Err(Rejection::MethodNotFound),
    }
}

const MISSING_VERSION: Rejection = Rejection::HeaderMismatch(VERSION_HEADER);

/// What stands for the handshake.
fn check_meta(scanner: &Scanner, header: &[u8]) -> Result<(), Rejection> {
    let claimed = match kind(scanner, Field::MetaProtocolVersion) {
        Some(ValueKind::String) => scanner.text(Field::MetaProtocolVersion),
        _ => None,
    };
    let claimed = claimed.ok_or(Rejection::MissingMeta(
        "io.modelcontextprotocol/protocolVersion",
    ))?;
    if kind(scanner, Field::MetaClientCapabilities) != Some(ValueKind::Object) {
        return Err(Rejection::MissingMeta(
            "io.modelcontextprotocol/clientCapabilities",
        ));
    }
    if claimed.as_bytes() != header {
        return Err(Rejection::HeaderMismatch(VERSION_HEADER));
    }
    if claimed != STATELESS_REVISION {
        return Err(Rejection::UnsupportedRevision(claimed.into_owned()));
    }
    check_log_level(scanner)
}

/// MCP 2026-07-28, server/utilities/logging: a level that there is not is an invalid parameter.
fn check_log_level(scanner: &Scanner) -> Result<(), Rejection> {
    let level = scanner.text(Field::MetaLogLevel);
    let is_known = level.is_some_and(|level| LogLevel::parse(&level).is_some());
    if scanner.capture(Field::MetaLogLevel).is_none() || is_known {
        return Ok(());
    }
    Err(Rejection::InvalidParams("io.modelcontextprotocol/logLevel"))
}

/// Where a message stands what `Mcp-Name` repeats.
fn named_by(method: Method) -> Option<Field> {
    match method {
        Method::Routed(RoutedMethod::ToolsCall | RoutedMethod::PromptsGet) => Some(Field::Name),
        Method::Routed(RoutedMethod::ResourcesRead) => Some(Field::Uri),
        // Its extension io.modelcontextprotocol/tasks (SEP-2663), Routing Headers.
        Method::Routed(
            RoutedMethod::TasksGet | RoutedMethod::TasksUpdate | RoutedMethod::TasksCancel,
        ) => Some(Field::TaskId),
        _ => None,
    }
}

/// Refuses a header that is missing or says something else than the body.
fn compare(headers: &Headers, name: &'static str, body: &str) -> Result<(), Rejection> {
    let mismatch = Rejection::HeaderMismatch(name);
    let header = only(headers, name)?.ok_or_else(|| mismatch.clone())?;
    match decoded(header) {
        Some(header) if *header == *body.as_bytes() => Ok(()),
        _ => Err(mismatch),
    }
}

/// Of two values another party could take the other one.
fn only<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a [u8]>, Rejection> {
    let mut values = headers.all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(<[u8]>::trim_ascii)),
        (_, Some(_)) => Err(Rejection::HeaderMismatch(name)),
    }
}

/// The text of a mirrored header; `None` where its base64 is none.
///
/// MCP 2026-07-28, basic/transports/streamable-http, Value Encoding: both markers in this case, or it is a plain value.
fn decoded(header: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = header.strip_prefix(b"=?base64?");
    match inner.and_then(|inner| inner.strip_suffix(b"?=")) {
        Some(encoded) => STANDARD.decode(encoded).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(header)),
    }
}

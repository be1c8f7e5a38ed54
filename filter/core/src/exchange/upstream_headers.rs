//! The headers of a request on its way to a server.

use std::borrow::Cow;

use super::route::Route;
use super::streaming::GET;
use crate::era::Era;
use crate::headers::{Headers, begins_like, is_like};
use crate::method::RoutedMethod;
use crate::policy::Part;
use crate::slots::UpstreamSession;
use crate::step::HeaderEdit;
use crate::table::{Server, Table};
use crate::version::{ProtocolVersion, STATELESS_REVISION};

/// Those that no server sees and that begin with `x`.
const PRIVATE_X: &[&str] = &[
    "x-forwarded-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Those of ours that say the same to whoever reads them: a client's own is left alone where it says what ours would.
/// The others are always set, since a filter between may have changed them.
const PLAIN: &[&str] = &[
    "accept",
    "accept-encoding",
    "content-type",
    "mcp-protocol-version",
];

/// The edits that turn a client's request headers into the server's.
pub(crate) fn edits(headers: &Headers, table: &Table, route: &Route) -> Vec<HeaderEdit> {
    let mut set = values(table, route);
    let mut edits: Vec<HeaderEdit> = Vec::with_capacity(set.len() + 6);
    let is_dropped = |name: &str| is_private(table, name) || could_pass_for_a_policys(route, name);
    for (name, _) in headers.iter().filter(|(name, _)| is_dropped(name)) {
        let is_set = set.iter().any(|(candidate, _)| candidate == name);
        let is_removed = || {
            edits
                .iter()
                .any(|edit| matches!(edit, HeaderEdit::Remove(removed) if removed == name))
        };
        if !is_set && !is_removed() {
            edits.push(HeaderEdit::Remove(Cow::Owned(name.to_owned())));
        }
    }
    set.retain(|(name, value)| !PLAIN.contains(&name.as_ref()) || !headers.is_only(name, value));
    edits.extend(
        set.into_iter()
            .map(|(name, value)| HeaderEdit::Set(name, value)),
    );
    edits
}

/// Every header that a routed request gets, `:authority` and `:path` of Envoy's route included.
pub(crate) fn values(table: &Table, route: &Route) -> Vec<(Cow<'static, str>, Vec<u8>)> {
    let server = table.server(route.server);
    let session = route.upstream_session.as_ref();
    let mut values = Vec::with_capacity(11 + route.policy_headers.len());
    for (name, value) in [
        (":authority", server.host.as_str()),
        (":path", &server.path),
        ("x-mcp-servername", &server.name),
        ("x-mcp-method", route.method),
    ] {
        values.push((Cow::Borrowed(name), value.into()));
    }
    if let Some(of) = &route.of {
        let (name, text) = match of {
            Part::Tool(text) => ("x-mcp-toolname", text),
            Part::Prompt(text) => ("x-mcp-promptname", text),
            Part::Resource(text) => ("x-mcp-resourceuri", text),
        };
        values.push((Cow::Borrowed(name), header_value(text)));
    }
    if !route.hints.is_empty() {
        let hints = route.hints.header_value().into_bytes();
        values.push((Cow::Borrowed("x-mcp-annotation-hints"), hints));
    }
    match route.era {
        Era::Sessions => values.extend(message_headers(
            server,
            session.map(|of_route| &of_route.session),
        )),
        Era::Stateless => values.extend(stateless_headers(route)),
    }
    if route.method == GET {
        // MCP 2025-11-25, basic/transports, Listening for Messages from the Server.
        values.retain(|(name, _)| name != "content-type" && name != "accept");
        values.push((Cow::Borrowed("accept"), b"text/event-stream".to_vec()));
    }
    values.extend(route.policy_headers.iter().cloned());
    values
}

/// What each POST to `server` carries, with or without an upstream session.
pub(crate) fn message_headers(
    server: &Server,
    session: Option<&UpstreamSession>,
) -> Vec<(Cow<'static, str>, Vec<u8>)> {
    let mut headers = plain_headers();
    // MCP 2025-06-18, basic/transports, Protocol Version Header; 2025-03-26 has no such header.
    let version = session.map_or(server.session_version, |session| Some(session.version));
    if version != Some(ProtocolVersion::V2025_03_26) {
        let revision = version.map_or(STATELESS_REVISION, ProtocolVersion::as_str);
        headers.push((Cow::Borrowed("mcp-protocol-version"), revision.into()));
    }
    if let Some(session) = session {
        headers.push((Cow::Borrowed("mcp-session-id"), session.id.clone()));
    }
    headers
}

/// What each POST carries.
fn plain_headers() -> Vec<(Cow<'static, str>, Vec<u8>)> {
    let accept = b"application/json, text/event-stream".as_slice();
    let headers = [
        ("accept", accept),
        ("accept-encoding", b"identity"),
        ("content-type", b"application/json"),
    ];
    let owned = |(name, value): (&'static str, &[u8])| (Cow::Borrowed(name), value.to_vec());
    headers.map(owned).into()
}

/// What a stateless request carries: its body says the same.
///
/// MCP 2026-07-28, basic/transports/streamable-http, Request Metadata Headers.
fn stateless_headers(route: &Route) -> Vec<(Cow<'static, str>, Vec<u8>)> {
    let mut headers = plain_headers();
    headers.push((
        Cow::Borrowed("mcp-protocol-version"),
        STATELESS_REVISION.into(),
    ));
    headers.push((Cow::Borrowed("mcp-method"), route.method.into()));
    let is_completion = route.method == RoutedMethod::Complete.as_str();
    let task = route.tasks.as_ref().and_then(|tasks| tasks.asked_id());
    if let Some(task) = task {
        headers.push((Cow::Borrowed("mcp-name"), header_value(&task)));
    } else if let Some(Part::Tool(name) | Part::Prompt(name) | Part::Resource(name)) = &route.of
        && !is_completion
    {
        headers.push((Cow::Borrowed("mcp-name"), header_value(name)));
    }
    headers.extend(route.mirrored_headers.iter().cloned());
    headers
}

/// Leaves what mirrors arguments: those pass unchanged, and so does it.
///
/// MCP 2026-07-28, basic/transports/streamable-http, Server Behavior for Custom Headers.
pub(crate) fn with_parameters(edits: Vec<HeaderEdit>, table: &Table) -> Vec<HeaderEdit> {
    let is_credential = |name: &str| {
        let mut credentials = table.credential_headers().iter();
        credentials.any(|header| is_like(name, header))
    };
    let mirrors = |edit: &HeaderEdit| matches!(edit, HeaderEdit::Remove(name) if name.starts_with("mcp-param-") && !is_credential(name));
    edits.into_iter().filter(|edit| !mirrors(edit)).collect()
}

/// A name or URI as a header value: as it is where it is visible ASCII, else base64 between markers
/// (the spelling of MCP 2026-07-28, basic/transports/streamable-http, Value Encoding).
pub(crate) fn header_value(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if plain && text.trim() == text && !text.starts_with("=?base64?") {
        return text.as_bytes().to_vec();
    }
    format!(
        "=?base64?{}?=",
        base64::engine::general_purpose::STANDARD.encode(text)
    )
    .into_bytes()
}

/// Whether a careless server could take a header of the client for one that a policy sets, such as its caller's role.
fn could_pass_for_a_policys(route: &Route, name: &str) -> bool {
    let mut set = route.policy_headers.iter();
    set.any(|(set, _)| is_like(name, set.trim_end_matches(['-', '_'])))
}

/// Whether no server sees a header of the client.
pub(crate) fn is_private(table: &Table, name: &str) -> bool {
    is_the_clients_affair(name)
        || table
            .credential_headers()
            .iter()
            .any(|header| is_like(name, header))
}

/// Credentials; what belongs to the client's own hop; what says where the request was for; what would make anything else
/// of a POST than it is (preconditions, ranges, another method), so that a server could answer without a message.
/// MCP's own headers and those that policies and telemetry key on are set here, never passed on.
///
/// The first byte decides for most names.
fn is_the_clients_affair(name: &str) -> bool {
    let is_one_of = |headers: &[&str]| headers.iter().any(|header| is_like(name, header));
    match name.as_bytes().first() {
        Some(b'a') => is_one_of(&["authorization"]),
        Some(b'c') => is_one_of(&["cookie"]),
        Some(b'f') => is_one_of(&["forwarded"]),
        // RFC 9110, section 13.1.
        Some(b'i') => begins_like(name, "if-"),
        Some(b'l') => is_one_of(&["last-event-id"]),
        Some(b'm') => begins_like(name, "mcp-"),
        Some(b'o') => is_one_of(&["origin"]),
        Some(b'p') => is_one_of(&["proxy-authorization"]),
        Some(b'r') => is_one_of(&["range", "referer"]),
        Some(b'x') => begins_like(name, "x-mcp-") || is_one_of(PRIVATE_X),
        _ => false,
    }
}

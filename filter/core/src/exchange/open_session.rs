//! Opens a session at a server: `initialize`, then `notifications/initialized`, and what the client has said before that
//! every server of its session shall know.

use super::calls::{Calls, SideCall};
use super::response::ContentType;
use super::route::Route;
use super::set_level;
use crate::json::{Field, Plan, Scanner};
use crate::log_level::LogLevel;
use crate::policy::CompiledPolicy;
use crate::rejection::Rejection;
use crate::session_id::{ClientCapabilities, Session};
use crate::slots::{self, UpstreamSession};
use crate::step::{CallOutcome, CallToken};
use crate::table::Server;
use crate::version::ProtocolVersion;
use crate::{Context, Headers, Table, sse};

/// See the module.
#[derive(Debug)]
pub(crate) struct OpenSession {
    stage: Stage,
    /// What the server is told at last.
    level: Option<LogLevel>,
}

#[derive(Debug)]
enum Stage {
    Initialize(CallToken),
    Initialized(CallToken, UpstreamSession),
    SetLevel(CallToken, UpstreamSession),
}

/// What a server is told of the client for which a session is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Introduction {
    capabilities: ClientCapabilities,
    /// From which level on it wants log messages, where it has said so.
    level: Option<LogLevel>,
}

impl Introduction {
    /// Of the client in `session`, to the server of `route`.
    pub(crate) fn of(
        session: Option<&Session>,
        route: &Route,
        table: &Table,
        context: &Context<'_>,
    ) -> Self {
        let Some(session) = session else {
            return Self {
                capabilities: ClientCapabilities::of_nobody(),
                level: None,
            };
        };
        let logs = table.server(route.server).logging;
        let level = || slots::log_level(context.slots, table.limits(), session);
        Self {
            capabilities: session.capabilities(),
            level: logs.then(level).flatten(),
        }
    }
}

/// Beside the 0 of `initialize`. No client's id is used before it: the session is not open yet.
const SET_LEVEL_ID: &[u8] = b"\"mcp-proxy-wasm/level\"";

/// Where the opening stands after a call's end.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Not one of its calls, or another call follows.
    Pending,
    /// The server issued this id and knows that the client is ready.
    Opened(UpstreamSession),
    /// The server answered and issued no id: it has no sessions any more.
    Sessionless,
    /// It did not work.
    Failed(Rejection),
}

impl OpenSession {
    /// Sends `initialize` with what the client declared.
    pub(crate) fn begin(
        table: &Table,
        route: &Route,
        client: Introduction,
        calls: &mut Calls,
    ) -> Self {
        let server = table.server(route.server);
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{{\"protocolVersion\":\"{}\",\
             \"capabilities\":{},\"clientInfo\":{{\"name\":\"mcp-proxy-wasm\",\"version\":\"{}\"}}}}}}",
            revision(server).as_str(),
            client.capabilities.to_json(),
            env!("CARGO_PKG_VERSION"),
        );
        Self {
            stage: Stage::Initialize(send(table, route, None, body.into_bytes(), calls)),
            level: client.level,
        }
    }

    /// The id that the server has issued, while it is not yet in use.
    pub(crate) fn issued(&self) -> Option<&UpstreamSession> {
        match &self.stage {
            Stage::Initialize(_) => None,
            Stage::Initialized(_, session) | Stage::SetLevel(_, session) => Some(session),
        }
    }

    /// A call of the exchange has ended.
    pub(crate) fn on_call(
        &mut self,
        (token, outcome): (CallToken, &CallOutcome),
        table: &Table,
        route: &Route,
        calls: &mut Calls,
    ) -> Opening {
        match &self.stage {
            Stage::Initialize(expected) if *expected == token => {
                match initialized(outcome, revision(table.server(route.server))) {
                    Err(status) => Opening::Failed(failure(table, route, status)),
                    Ok(None) => Opening::Sessionless,
                    Ok(Some(session)) => {
                        let body =
                            br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_vec();
                        let token = send(table, route, Some(&session), body, calls);
                        self.stage = Stage::Initialized(token, session);
                        Opening::Pending
                    }
                }
            }
            Stage::Initialized(expected, session) if *expected == token => {
                match (status(outcome), self.level) {
                    (Some(200..=299), None) => Opening::Opened(session.clone()),
                    (Some(200..=299), Some(level)) => {
                        let session = session.clone();
                        let body = set_level::request(level, SET_LEVEL_ID);
                        let token = send(table, route, Some(&session), body, calls);
                        self.stage = Stage::SetLevel(token, session);
                        Opening::Pending
                    }
                    (status, _) => Opening::Failed(failure(table, route, status)),
                }
            }
            // Whatever comes of it: a call does not fail for its log messages.
            Stage::SetLevel(expected, session) if *expected == token => {
                Opening::Opened(session.clone())
            }
            _ => Opening::Pending,
        }
    }
}

/// What is asked for: a server that speaks no revision with sessions issues none, so nobody opens any there.
fn revision(server: &Server) -> ProtocolVersion {
    server.session_version.unwrap_or(ProtocolVersion::LATEST)
}

/// `:status` of an answered call.
pub(crate) fn status(outcome: &CallOutcome) -> Option<u16> {
    match outcome {
        CallOutcome::Answered { headers, .. } => status_of(headers),
        CallOutcome::Failed => None,
    }
}

/// `:status` of response headers.
pub(crate) fn status_of(headers: &Headers) -> Option<u16> {
    std::str::from_utf8(headers.first(":status")?)
        .ok()?
        .parse()
        .ok()
}

/// The refusal that a server's status stands for.
pub(crate) fn failure(table: &Table, route: &Route, status: Option<u16>) -> Rejection {
    let server = table.server(route.server).name.clone();
    match status {
        Some(status @ (401 | 403)) => Rejection::Refused {
            server,
            status,
            wants: wanted_header(table, route),
        },
        _ => Rejection::NoUpstreamSession { server },
    }
}

/// The client header from which the server's policies take its credential.
fn wanted_header(table: &Table, route: &Route) -> Option<String> {
    table
        .policies(route.server)
        .flat_map(CompiledPolicy::credential_headers)
        .next()
        .cloned()
}

fn send(
    table: &Table,
    route: &Route,
    session: Option<&UpstreamSession>,
    body: Vec<u8>,
    calls: &mut Calls,
) -> CallToken {
    let timeout_ms = u64::from(table.limits().side_call_ms);
    let call = SideCall {
        verb: "POST",
        session,
        route,
        body,
        timeout_ms,
    };
    calls.send(table.server(route.server), call)
}

/// The session id of an `initialize` that was answered with a result.
fn initialized(
    outcome: &CallOutcome,
    asked: ProtocolVersion,
) -> Result<Option<UpstreamSession>, Option<u16>> {
    let CallOutcome::Answered { headers, body } = outcome else {
        return Err(None);
    };
    let status = status_of(headers);
    let negotiated = match status {
        Some(200..=299) => negotiated_version(headers, body, asked).ok_or(status)?,
        status => return Err(status),
    };
    let id = headers.first("mcp-session-id").filter(|id| !id.is_empty());
    Ok(id.map(|id| UpstreamSession {
        id: id.to_vec(),
        version: negotiated,
    }))
}

fn negotiated_version(
    headers: &Headers,
    body: &[u8],
    asked: ProtocolVersion,
) -> Option<ProtocolVersion> {
    match ContentType::of_body(headers) {
        ContentType::Events => {
            let mut messages = sse::events(body).filter(sse::Event::is_message);
            messages.find_map(|event| version_in(&event.data, asked))
        }
        ContentType::Json | ContentType::Other => version_in(body, asked),
    }
}

/// The revision in an `initialize` result; the one that was asked for where it names one that is not spoken here.
fn version_in(message: &[u8], asked: ProtocolVersion) -> Option<ProtocolVersion> {
    let mut scanner = Scanner::new(Plan::FromServer, 1024);
    scanner.feed(message).and_then(|()| scanner.finish()).ok()?;
    scanner.capture(Field::Result)?;
    let named = scanner.text(Field::ResultProtocolVersion);
    Some(
        named
            .and_then(|named| ProtocolVersion::parse(named.as_bytes()))
            .unwrap_or(asked),
    )
}

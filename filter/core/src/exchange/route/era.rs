//! How a server is spoken to, and what a message must lose or gain for that.

use super::Route;
use crate::catalog::{ListedIn, Mirrored};
use crate::era::Era;
use crate::exchange::mirrored_arguments;
use crate::exchange::reading::Reading;
use crate::json::splice::{self, Splice};
use crate::json::{Field, Scanner, ValueKind};
use crate::rejection::Rejection;
use crate::session_id::{ClientCapabilities, Session};
use crate::table::Table;
use crate::version::STATELESS_REVISION;

impl Route {
    /// Speaks to the server as the client speaks, where the server can and has what is asked for so, and else as the
    /// server does.
    ///
    /// What a stateless server is to be told stands in `params._meta`, and what a server of sessions is not to be told.
    /// So between the eras all of the message must have come: `_meta` could follow.
    pub(crate) fn choose_era(&mut self, table: &Table, reading: &Reading) -> Result<(), Rejection> {
        let server = table.server(self.server);
        let has_sessions = server.session_version.is_some();
        self.era = match (reading.era, self.listed_in) {
            _ if !server.stateless => Era::Sessions,
            _ if !has_sessions => Era::Stateless,
            (_, ListedIn::SessionsOnly) => Era::Sessions,
            (_, ListedIn::StatelessOnly) => Era::Stateless,
            (of_client, ListedIn::Both) => of_client,
        };
        if reading.era == self.era {
            return Ok(());
        }
        if !reading.is_complete() {
            return Err(Rejection::BodyTooLarge);
        }
        match self.era {
            Era::Stateless => {
                self.introduce(&reading.scanner, &passed_on(reading));
                let tool = self.tool.and_then(|tool| table.definition_of(tool));
                let parameters = tool.map(Mirrored::of_tool).unwrap_or_default();
                self.mirrored_headers = mirrored_arguments::headers(&reading.held, &parameters)?;
            }
            Era::Sessions => self.leave_out_revision(reading),
        }
        Ok(())
    }

    /// Says for a client of sessions what stands for the handshake.
    ///
    /// MCP 2026-07-28, basic, Per-request protocol fields.
    fn introduce(&mut self, scanner: &Scanner, capabilities: &str) {
        let mut members =
            format!("\"io.modelcontextprotocol/protocolVersion\":\"{STATELESS_REVISION}\"");
        if scanner.capture(Field::MetaClientCapabilities).is_some() {
            let with = capabilities.as_bytes().to_vec();
            self.replace(scanner, Field::MetaClientCapabilities, with);
        } else {
            members.push_str(",\"io.modelcontextprotocol/clientCapabilities\":");
            members.push_str(capabilities);
        }
        let meta = scanner.capture(Field::Meta);
        let (start, end, with) = match (meta, scanner.capture(Field::Params)) {
            (Some(meta), _) if meta.kind == ValueKind::Object => {
                let comma = if scanner.has_members(Field::Meta) {
                    ","
                } else {
                    ""
                };
                (meta.start + 1, meta.start + 1, format!("{members}{comma}"))
            }
            (Some(meta), _) => (meta.start, meta.end, format!("{{{members}}}")),
            (None, Some(params)) => {
                let at = params.start + 1;
                (at, at, format!("\"_meta\":{{{members}}},"))
            }
            (None, None) => return,
        };
        let with = with.into_bytes();
        self.splice(Splice { start, end, with });
    }

    /// A server of both eras goes by this member, whatever the headers say, and would take the request for one of the
    /// other era.
    ///
    /// MCP 2026-07-28, basic/versioning.
    fn leave_out_revision(&mut self, reading: &Reading) {
        let Reading { scanner, held, .. } = reading;
        let field = Field::MetaProtocolVersion;
        let value = scanner.capture(field).map(|value| value.end);
        let member = (scanner.key_end(field).zip(value))
            .and_then(|(key, value)| splice::member(held, key as usize, value as usize));
        if let Some((start, end)) = member {
            let (start, end) = (start as u64, end as u64);
            let with = Vec::new();
            self.splice(Splice { start, end, with });
        }
    }
}

/// What a client of sessions declares to a stateless server: nothing that leads to a question but where `mcp-streams` makes
/// the call, for nobody else would carry it to the client.
fn passed_on(reading: &Reading) -> String {
    let facts = &reading.facts;
    let session = facts.valid_session();
    let capabilities = session.map_or_else(ClientCapabilities::default, Session::capabilities);
    match &facts.purpose {
        Some(purpose) if purpose.takes_questions() => capabilities.to_json(),
        _ => capabilities.without_requests().to_json(),
    }
}

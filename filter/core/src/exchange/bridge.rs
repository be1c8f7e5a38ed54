//! Calls in which a server may ask its client, where the two speak differently: `mcp-streams` makes them, and holds what
//! one of the two cannot.
//!
//! The filter alone translates what is one request and one result ([`super::translation`]). A question in between needs
//! somebody who waits.

use std::rc::Rc;

use super::Exchange;
use super::reading::Reading;
use super::request::Outcome;
use super::route::Route;
use super::streaming::{RESPONSE, ToStreams};
use crate::era::Era;
use crate::json::Field;
use crate::json::splice::{self, Splice};
use crate::method::RoutedMethod;
use crate::rejection::{Caller, Rejection};
use crate::session_id::{ClientCapabilities, Session};
use crate::step::{BodyEdit, RequestStep};
use crate::version::ProtocolVersion;
use crate::{Context, Table};

impl Route {
    /// Turns to `mcp-streams` where this is such a call. It gets the message as the client has sent it, and makes the call
    /// by an inner request, which the filter translates.
    ///
    /// MCP 2026-07-28, basic/patterns/mrtr: only these methods may ask, and only for what was declared.
    pub(crate) fn cross_bridge(&mut self, method: RoutedMethod, reading: &Reading, table: &Table) {
        let may_ask = matches!(
            method,
            RoutedMethod::ToolsCall | RoutedMethod::PromptsGet | RoutedMethod::ResourcesRead
        );
        let is_between = reading.era != self.era && reading.facts.purpose.is_none();
        self.is_bridged =
            may_ask && is_between && table.streams().is_some() && !declared(reading).is_empty();
        if self.is_bridged {
            self.splices.clear();
            // The inner request does what there is to do about tasks.
            self.tasks = None;
        }
    }
}

/// What the client of a message that has come whole can be asked for.
fn declared(reading: &Reading) -> ClientCapabilities {
    match reading.era {
        Era::Sessions => {
            // MCP 2025-03-26 has batches, of which no answer could be taken out for `mcp-streams`.
            let session = reading.facts.valid_session();
            let session = session.filter(|one| one.version() != ProtocolVersion::V2025_03_26);
            session.map_or_else(ClientCapabilities::default, Session::capabilities)
        }
        Era::Stateless => {
            let place = reading.scanner.capture(Field::MetaClientCapabilities);
            let json =
                place.and_then(|place| reading.held.get(place.start as usize..place.end as usize));
            ClientCapabilities::from_json(json.unwrap_or_default())
        }
    }
}

/// The client's answer to a question of a server, which `mcp-streams` has put to it under the id `original`.
pub(super) fn answer(reading: &Reading, original: Vec<u8>) -> Result<Outcome, Rejection> {
    let place = reading.scanner.capture(Field::Id);
    let place = place.ok_or(Rejection::UnknownResponse)?;
    let splice = Splice {
        start: place.start,
        end: place.end,
        with: original,
    };
    let edited = splice::replace(&reading.held, &[splice]).ok_or(Rejection::UnknownResponse)?;
    Ok(Outcome::Answer(BodyEdit::Replace(Rc::new(edited))))
}

impl Exchange {
    /// Lets it go there.
    pub(super) fn answer_streams(
        &mut self,
        reading: &Reading,
        body: BodyEdit,
        context: &mut Context<'_>,
    ) -> RequestStep {
        let to = ToStreams {
            method: RESPONSE,
            server: None,
        };
        // Its id names a request of the gateway, not of the client.
        let nobody = Caller {
            id: None,
            era: reading.era,
        };
        self.stream((&reading.facts, nobody), (to, body), context)
    }
}

//! All pages of the lists that a server announced (MCP 2025-11-25, server/utilities/pagination).

use std::collections::HashSet;

use serde_json::json;
use serde_json::value::RawValue;

use crate::gateway_client::MAX_BODY_BYTES;
use crate::offer::{Definition, Offer};

use super::connection::{Answer, Connection};
use super::deadline::Deadline;
use super::definition::{List, PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOLS};
use super::handshake::Handshake;
use super::members::Members;
use super::refusal::protocol;
use super::{DiscoveryError, ProtocolFault};

/// Pages of one list that are read.
const MAX_PAGES: usize = 1000;

/// Items that are named one by one as left out; beyond them only their number is told.
const MAX_NAMED: usize = 100;

/// Reads what the server offers in an open session.
pub(super) async fn read_all(
    connection: &mut Connection,
    handshake: &Handshake,
    deadline: Deadline,
) -> Result<Offer, DiscoveryError> {
    let mut reader = Reader {
        connection,
        deadline,
        bytes_left: MAX_BODY_BYTES,
        left_out: Vec::new(),
        unnamed: 0,
    };
    let mut offer = Offer {
        protocol_version: handshake.revision.as_str().to_owned(),
        issues_sessions: handshake.issues_sessions,
        completions: handshake.completions,
        ..Offer::default()
    };
    if handshake.tools {
        offer.tools = reader.list(&TOOLS).await?;
    }
    if handshake.prompts {
        offer.prompts = reader.list(&PROMPTS).await?;
    }
    if handshake.resources {
        offer.resources = reader.list(&RESOURCES).await?;
        offer.resource_templates = reader.list(&RESOURCE_TEMPLATES).await?;
    }
    if reader.unnamed > 0 {
        reader.left_out.push(format!("and {} more", reader.unnamed));
    }
    offer.left_out = reader.left_out;
    Ok(offer)
}

struct Reader<'a> {
    connection: &'a mut Connection,
    deadline: Deadline,
    bytes_left: usize,
    left_out: Vec<String>,
    unnamed: usize,
}

impl Reader<'_> {
    async fn list(&mut self, list: &List) -> Result<Vec<Definition>, DiscoveryError> {
        let mut items = Items::default();
        let mut cursors = HashSet::new();
        let mut params = json!({});
        for _ in 0..MAX_PAGES {
            let answer = self
                .connection
                .request(list.method, params, self.deadline)
                .await?;
            let Answer::Result(result) = answer else {
                self.unknown_method(list);
                return Ok(items.definitions);
            };
            let cursor = self
                .page(list, &result, &mut items)
                .map_err(|fault| protocol(list.method, fault))?;
            let Some(cursor) = cursor else {
                return Ok(items.definitions);
            };
            params = json!({"cursor": cursor});
            if !cursors.insert(cursor) {
                return Err(protocol(list.method, ProtocolFault::RepeatedCursor));
            }
        }
        Err(protocol(
            list.method,
            ProtocolFault::TooManyPages(MAX_PAGES),
        ))
    }

    /// Takes one page; returns its cursor. An empty string is a cursor like any other.
    fn page(
        &mut self,
        list: &List,
        result: &RawValue,
        items: &mut Items,
    ) -> Result<Option<String>, ProtocolFault> {
        let json = result.get();
        self.bytes_left = self
            .bytes_left
            .checked_sub(json.len())
            .ok_or(ProtocolFault::TooLarge)?;
        let members = Members::read(json).map_err(|_| ProtocolFault::Result("object"))?;
        if members
            .duplicate()
            .is_some_and(|key| key == list.member || key == "nextCursor")
        {
            return Err(ProtocolFault::Result("members: one stands twice"));
        }
        let page: Option<Vec<&RawValue>> = members
            .last(list.member)
            .and_then(|value| serde_json::from_str(value.get()).ok());
        for item in page.ok_or(ProtocolFault::Result(list.member))? {
            if let Err(reason) = items.take(list, item) {
                self.leave_out(format!("{}: {reason}", list.label(items.seen - 1, item)));
            }
        }
        let cursor = members
            .last("nextCursor")
            .map(|value| serde_json::from_str(value.get()));
        cursor
            .transpose()
            .map(Option::flatten)
            .map_err(|_| ProtocolFault::Result("nextCursor"))
    }

    /// Few servers that announce resources know templates, so nobody need be told.
    fn unknown_method(&mut self, list: &List) {
        if list.method != RESOURCE_TEMPLATES.method {
            let method = list.method;
            self.leave_out(format!(
                "{method}: announced, but answered with -32601 (unknown method)"
            ));
        }
    }

    fn leave_out(&mut self, what: String) {
        if self.left_out.len() < MAX_NAMED {
            self.left_out.push(what);
        } else {
            self.unnamed += 1;
        }
    }
}

#[derive(Default)]
struct Items {
    definitions: Vec<Definition>,
    keys: HashSet<String>,
    seen: usize,
}

impl Items {
    /// Of two items with one key the first stays.
    fn take(&mut self, list: &List, item: &RawValue) -> Result<(), String> {
        self.seen += 1;
        let definition = list.definition(item)?;
        if !self.keys.insert(definition.key.clone()) {
            return Err("an earlier item has the same key".to_owned());
        }
        self.definitions.push(definition);
        Ok(())
    }
}

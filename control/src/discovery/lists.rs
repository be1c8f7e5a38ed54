//! All pages of the lists that a server announced (MCP 2025-11-25, server/utilities/pagination).

use std::collections::HashSet;

use serde_json::json;
use serde_json::value::RawValue;

use crate::gateway_client::MAX_BODY_BYTES;
use crate::offer::Definition;

use super::capabilities::Capabilities;
use super::connection::{Answer, Connection};
use super::deadline::Deadline;
use super::definition::{List, PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOLS};
use super::members::Members;
use super::mirrored_headers;
use super::refusal::protocol;
use super::{DiscoveryError, ProtocolFault};

/// Pages of one list that are read.
const MAX_PAGES: usize = 1000;

/// Items that are named one by one as left out; beyond them only their number is told.
const MAX_NAMED: usize = 100;

/// What a server lists in one era, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) tools: Vec<Definition>,
    pub(super) prompts: Vec<Definition>,
    pub(super) resources: Vec<Definition>,
    pub(super) resource_templates: Vec<Definition>,
    /// Items that no client could read, and why.
    pub(super) left_out: Vec<String>,
}

/// Reads what the server offers in the era of the connection.
pub(super) async fn read_all(
    connection: &mut Connection,
    capabilities: Capabilities,
    deadline: Deadline,
) -> Result<Lists, DiscoveryError> {
    let mut reader = Reader {
        connection,
        deadline,
        bytes_left: MAX_BODY_BYTES,
        left_out: Vec::new(),
        unnamed: 0,
    };
    let mut lists = Lists::default();
    if capabilities.tools {
        lists.tools = reader.list(&TOOLS).await?;
    }
    if capabilities.prompts {
        lists.prompts = reader.list(&PROMPTS).await?;
    }
    if capabilities.resources {
        lists.resources = reader.list(&RESOURCES).await?;
        lists.resource_templates = reader.list(&RESOURCE_TEMPLATES).await?;
    }
    if reader.unnamed > 0 {
        reader.left_out.push(format!("and {} more", reader.unnamed));
    }
    lists.left_out = reader.left_out;
    Ok(lists)
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
        let first = items.seen;
        let page = page.ok_or(ProtocolFault::Result(list.member))?;
        items.seen += page.len();
        for (place, item) in (first..).zip(page) {
            let taken = self
                .listable(list, item)
                .and_then(|()| items.take(list, item));
            if let Err(reason) = taken {
                self.leave_out(format!("{}: {reason}", list.label(place, item)));
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

    /// A rule of the stateless era alone: elsewhere nobody reads the annotation.
    fn listable(&self, list: &List, item: &RawValue) -> Result<(), String> {
        if self.connection.is_stateless() && list.method == TOOLS.method {
            mirrored_headers::check(item)?;
        }
        Ok(())
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
        let definition = list.definition(item)?;
        if !self.keys.insert(definition.key.clone()) {
            return Err("an earlier item has the same key".to_owned());
        }
        self.definitions.push(definition);
        Ok(())
    }
}

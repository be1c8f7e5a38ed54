//! From what a server lists in each of its eras to what it offers.

use std::collections::HashSet;

use mcp_filter_core::catalog::ListedIn;
use mcp_filter_core::version::{ProtocolVersion, STATELESS_REVISION};

use super::handshake::Handshake;
use super::lists::Lists;
use super::side::{Beside, Side};
use crate::offer::{Definition, Offer};

/// The offer of a server with sessions, and of what it speaks beside them.
pub(super) fn with_sessions(handshake: &Handshake, lists: Lists, beside: Beside) -> Offer {
    let mut offer = Offer {
        protocol_version: handshake.revision.as_str().to_owned(),
        issues_sessions: handshake.issues_sessions,
        completions: handshake.capabilities.completions,
        logging: handshake.capabilities.logging,
        apps: handshake.capabilities.apps,
        tasks: handshake.capabilities.tasks && handshake.revision == ProtocolVersion::V2025_11_25,
        ..of_lists(lists)
    };
    match beside {
        Beside::Side(side) => add(&mut offer, *side),
        Beside::None => {}
        Beside::Unreadable(error) => {
            offer
                .left_out
                .push(format!("MCP {STATELESS_REVISION}: {error}"));
        }
    }
    offer
}

/// The offer of a server without any.
pub(super) fn without_sessions(side: Side) -> Offer {
    Offer {
        protocol_version: STATELESS_REVISION.to_owned(),
        stateless: true,
        completions: side.capabilities.completions,
        stateless_tasks: side.capabilities.stateless_tasks,
        apps: side.capabilities.apps,
        ..of_lists(side.lists)
    }
}

fn of_lists(lists: Lists) -> Offer {
    Offer {
        tools: lists.tools,
        prompts: lists.prompts,
        resources: lists.resources,
        resource_templates: lists.resource_templates,
        left_out: lists.left_out,
        ..Offer::default()
    }
}

fn add(offer: &mut Offer, side: Side) {
    offer.stateless = true;
    offer.completions |= side.capabilities.completions;
    offer.apps |= side.capabilities.apps;
    offer.stateless_tasks = side.capabilities.stateless_tasks;
    let Lists {
        tools,
        prompts,
        resources,
        resource_templates,
        left_out,
    } = side.lists;
    join(&mut offer.tools, tools);
    join(&mut offer.prompts, prompts);
    join(&mut offer.resources, resources);
    join(&mut offer.resource_templates, resource_templates);
    for item in left_out {
        if !offer.left_out.contains(&item) {
            offer.left_out.push(item);
        }
    }
}

/// Those of sessions in their order, then what they lack. What both have is defined as in sessions.
fn join(sessions: &mut Vec<Definition>, stateless: Vec<Definition>) {
    let in_both: HashSet<String> = {
        let keys: HashSet<&str> = sessions.iter().map(|one| one.key.as_str()).collect();
        let keys = stateless
            .iter()
            .filter(|one| keys.contains(one.key.as_str()));
        keys.map(|one| one.key.clone()).collect()
    };
    for definition in sessions.iter_mut() {
        if !in_both.contains(&definition.key) {
            definition.listed_in = ListedIn::SessionsOnly;
        }
    }
    let more = stateless
        .into_iter()
        .filter(|one| !in_both.contains(&one.key));
    sessions.extend(more.map(|one| Definition {
        listed_in: ListedIn::StatelessOnly,
        ..one
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(items: &[(&str, &str)]) -> Vec<Definition> {
        let items = items.iter();
        items
            .map(|(key, json)| Definition::new(*key, *json))
            .collect()
    }

    #[test]
    fn what_both_eras_list_is_as_in_sessions_and_the_rest_follows() {
        let mut joined = definitions(&[("a", "1"), ("b", "2"), ("c", "3")]);
        join(
            &mut joined,
            definitions(&[("d", "4"), ("b", "5"), ("a", "1"), ("e", "6")]),
        );
        let joined: Vec<_> = joined
            .iter()
            .map(|one| (one.key.as_str(), one.json.as_str(), one.listed_in))
            .collect();
        assert_eq!(
            joined,
            [
                ("a", "1", ListedIn::Both),
                ("b", "2", ListedIn::Both),
                ("c", "3", ListedIn::SessionsOnly),
                ("d", "4", ListedIn::StatelessOnly),
                ("e", "6", ListedIn::StatelessOnly),
            ]
        );
    }

    #[test]
    fn the_same_item_is_named_once_as_left_out() {
        let lists = |left_out: &[&str]| Lists {
            left_out: left_out.iter().map(|item| (*item).to_owned()).collect(),
            ..Lists::default()
        };
        let mut offer = of_lists(lists(&["a", "b"]));
        let side = Side {
            capabilities: Default::default(),
            lists: lists(&["b", "c"]),
        };
        add(&mut offer, side);
        assert_eq!(offer.left_out, ["a", "b", "c"]);
        assert!(offer.stateless);
    }
}

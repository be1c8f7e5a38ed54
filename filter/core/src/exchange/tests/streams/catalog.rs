//! What `mcp-streams` is told of the lists.

use mcp_filter_config::{CallPart, ClaimOfCall, Condition};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::step::LocalResponse;

fn ask(gateway: &mut Gateway, more: &[(&str, &str)]) -> LocalResponse {
    let ticket = ticket(gateway);
    let own = [
        (streams::TICKET, ticket.as_str()),
        (streams::PURPOSE, streams::CATALOG),
    ];
    let headers: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
    answer_to_get(gateway, &headers)
}

/// The digests of tools, prompts and resources.
fn digests(gateway: &mut Gateway, more: &[(&str, &str)]) -> [String; 3] {
    let answer = ask(gateway, more);
    assert_eq!(answer.status, 200);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    ["tools", "prompts", "resources"].map(|name| {
        let digest = json[name].as_str().unwrap();
        assert_eq!(digest.len(), 16);
        digest.to_owned()
    })
}

#[test]
fn one_catalog_has_one_digest_and_another_has_others() {
    let whole = digests(&mut with_streams(), &[]);
    assert_eq!(whole, digests(&mut with_streams(), &[]));
    let none = digests(&mut with_streams_and(|config| config.catalog = None), &[]);
    for (one, other) in whole.iter().zip(&none) {
        assert_ne!(one, other);
    }
}

#[test]
fn a_virtual_server_has_digests_of_its_own() {
    let mut gateway = with_streams();
    let [tools, prompts, resources] = digests(&mut gateway, &[]);
    let few = digests(&mut gateway, &[("x-mcp-virtualserver", "mcp-test/few")]);
    assert_ne!((&tools, &prompts), (&few[0], &few[1]));
    assert_eq!(resources, few[2]);
    let unknown = ask(&mut gateway, &[("x-mcp-virtualserver", "mcp-test/none")]);
    assert_eq!(unknown.status, 404);
}

#[test]
fn what_a_policy_hides_changes_the_digest() {
    let mut gateway = with_streams_and(|config| {
        config.policies[0].rules[0].requires = Condition::ClaimContainsCall(ClaimOfCall {
            path: vec!["tools".to_owned()],
            part: CallPart::Tool,
        });
    });
    let hidden = digests(&mut gateway, &[]);
    gateway.claims = claims(&serde_json::json!({"tools": ["get_me"]}));
    assert_ne!(digests(&mut gateway, &[])[0], hidden[0]);
}

#[test]
fn a_change_that_was_only_told_changes_the_digest_of_its_list_for_those_who_see_the_server() {
    fn tells(config: &mut PluginConfig) {
        config.servers[1].list_changed.prompts = 1;
    }
    let before = digests(&mut with_streams(), &[]);
    let few = [("x-mcp-virtualserver", "mcp-test/few")];
    let (few_before, few_after) = (
        digests(&mut with_streams(), &few),
        digests(&mut with_streams_and(tells), &few),
    );
    assert_eq!(few_before, few_after);
    let after = digests(&mut with_streams_and(tells), &[]);
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_ne!(before[1], after[1]);
    let again = digests(
        &mut with_streams_and(|config| config.servers[1].list_changed.prompts = 2),
        &[],
    );
    assert_ne!(after[1], again[1]);
}

#[test]
fn an_answer_renews_the_ticket() {
    let mut gateway = with_streams();
    let first = ticket(&mut gateway);
    gateway.now_ms += 59 * 60_000;
    let answer = ask(&mut gateway, &[]);
    let renewed = header(&answer.headers, streams::TICKET).unwrap();
    gateway.now_ms += 59 * 60_000;
    let purpose = (streams::PURPOSE, streams::CATALOG);
    let answer = answer_to_get(&mut gateway, &[(streams::TICKET, &renewed), purpose]);
    assert_eq!(answer.status, 200);
    let answer = answer_to_get(&mut gateway, &[(streams::TICKET, &first), purpose]);
    assert_eq!(answer.status, 403);
}

#[test]
fn a_session_that_is_over_is_told_by_the_status() {
    let mut gateway = with_streams();
    let session = gateway.session();
    let id = ("mcp-session-id", session.as_str());
    assert_eq!(ask(&mut gateway, &[id]).status, 200);
    let mut exchange = Exchange::new(gateway.table.clone());
    let head = request_headers("DELETE", &[id]);
    gateway.lend(|context| exchange.on_request_headers(head, true, context));
    gateway.lend(|context| exchange.on_held_body(Vec::new(), true, context));
    assert_eq!(ask(&mut gateway, &[id]).status, 404);
    let stateless = ("mcp-protocol-version", "2026-07-28");
    assert_eq!(ask(&mut gateway, &[id, stateless]).status, 200);
}

#[test]
fn without_a_good_ticket_nobody_is_told() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    let purpose = (streams::PURPOSE, streams::CATALOG);
    for tickets in [&[] as &[&str], &["invented"], &[&ticket, &ticket]] {
        let tickets = tickets.iter().map(|ticket| (streams::TICKET, *ticket));
        let headers: Vec<_> = tickets.chain([purpose]).collect();
        assert_eq!(
            answer_to_get(&mut gateway, &headers).status,
            403,
            "{headers:?}"
        );
    }
}

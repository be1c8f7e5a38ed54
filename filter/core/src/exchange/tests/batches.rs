//! Batches of 2025-03-26.

use super::driver::*;
use crate::exchange::Exchange;
use crate::step::{BodyStep, LocalResponse};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PING: &str = r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#;
const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn old_session(gateway: &mut Gateway) -> String {
    let response = gateway.answer(&[], &initialize("2025-03-26", r#"{"roots":{}}"#));
    header(&response.headers, "mcp-session-id").unwrap()
}

fn told(response: &LocalResponse) -> (u16, &str) {
    (response.status, text(&response.body))
}

#[test]
fn requests_that_are_answered_here_are_answered_in_one_array() {
    let mut gateway = Gateway::new();
    let session = old_session(&mut gateway);
    let list = r#"{"jsonrpc":"2.0","id":"l","method":"prompts/list"}"#;
    let listed = gateway.answer(&[], list);
    let batch = format!(" [ {PING} ,{NOTE},\n{list}]");
    for headers in [
        &[][..],
        &[("mcp-session-id", session.as_str())],
        &[
            ("mcp-session-id", session.as_str()),
            ("mcp-protocol-version", "2025-03-26"),
        ],
    ] {
        let expected = format!("[{PONG},{}]", text(&listed.body));
        let response = gateway.answer(headers, &batch);
        assert_eq!(told(&response), (200, expected.as_str()));
        assert_eq!(
            header(&response.headers, "content-type").unwrap(),
            "application/json"
        );
    }
    let bytes: Vec<&[u8]> = batch.as_bytes().chunks(1).collect();
    let (_, step) = gateway.post_pieces(&[], &bytes);
    assert!(matches!(step, crate::RequestStep::Respond(response) if response.status == 200));
}

#[test]
fn other_revisions_have_no_batches() {
    let mut gateway = Gateway::new();
    let old = old_session(&mut gateway);
    let new = gateway.session();
    for headers in [
        &[("mcp-session-id", new.as_str())][..],
        &[("mcp-protocol-version", "2025-06-18")],
        &[
            ("mcp-protocol-version", "2025-06-18"),
            ("mcp-session-id", &old),
        ],
        &[("mcp-protocol-version", "2026-07-28")],
    ] {
        let response = gateway.answer(headers, &format!("[{PING}]"));
        assert_eq!(response.status, 400);
        assert!(text(&response.body).starts_with(r#"{"jsonrpc":"2.0","error":{"code":-32600"#));
    }
}

#[test]
fn a_batch_without_requests_is_a_bare_202() {
    let mut gateway = Gateway::new();
    let session = old_session(&mut gateway);
    let response = gateway.answer(&[("mcp-session-id", &session)], &format!("[{NOTE},{NOTE}]"));
    assert_eq!(told(&response), (202, ""));
}

#[test]
fn a_member_that_is_wrong_is_told_so_in_its_place() {
    let call = call("github_get_me");
    let batch =
        format!(r#"[{PING},5,[],{{"jsonrpc":"2.0","id":2,"method":"nobody"}},{call},{PING}]"#);
    let response = Gateway::new().answer(&[PAT], &batch);
    let answers: Vec<serde_json::Value> = serde_json::from_slice(&response.body).unwrap();
    let codes: Vec<_> = answers
        .iter()
        .map(|answer| answer["error"]["code"].as_i64())
        .collect();
    let invalid = Some(-32600);
    assert_eq!(codes, [None, invalid, invalid, Some(-32601), invalid, None]);
    assert_eq!(
        (&answers[3]["id"], &answers[4]["id"]),
        (&2.into(), &7.into())
    );
}

#[test]
fn what_cannot_be_a_batch_is_refused_as_a_whole() {
    let mut gateway = Gateway::new();
    let with_initialize = format!("[{PING},{}]", initialize("2025-03-26", "{}"));
    let large = format!("[{}{PING}]", format!("{PING},").repeat(32));
    for batch in ["[]", &with_initialize, &large] {
        let response = gateway.answer(&[], batch);
        assert_eq!(response.status, 400, "{batch}");
        assert!(text(&response.body).starts_with(r#"{"jsonrpc":"2.0","error":{"code":-32600"#));
    }
    let most = format!("[{}{PING}]", format!("{PING},").repeat(31));
    assert_eq!(gateway.answer(&[], &most).status, 200);
    assert_eq!(gateway.answer(&[], "[1,]").status, 400);
    let response = gateway.answer(&[("mcp-session-id", "x")], &format!("[{PING}]"));
    assert_eq!(response.status, 404);
}

/// A question of the server with sessions, as the client sees its id.
fn asked(gateway: &mut Gateway, session: &str) -> String {
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", session)], &call("s_echo"));
    gateway.open(&mut exchange, "up");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let event = "data: {\"method\":\"roots/list\",\"id\":42}\n\n";
    match gateway.body(&mut exchange, event, false) {
        BodyStep::Replace(bytes) => text(&bytes).split('"').nth(7).unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_in_a_batch_go_home_and_notifications_to_all_servers_of_the_session() {
    let mut gateway = Gateway::new();
    let session = old_session(&mut gateway);
    let headers = [("mcp-session-id", session.as_str())];
    let id = asked(&mut gateway, &session);
    let answer = format!(r#"{{"jsonrpc":"2.0","result":{{"roots":[]}},"id":"{id}"}}"#);
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    let (mut exchange, step): (Exchange, _) =
        gateway.post(&headers, &format!("[{answer},{changed}]"));
    assert!(matches!(step, crate::RequestStep::Respond(response) if response.status == 202));
    let calls = exchange.take_calls();
    let sent: Vec<&str> = calls.iter().map(|call| text(&call.body)).collect();
    let restored = answer.replace(&format!("\"{id}\""), "42");
    assert_eq!(sent, [restored.as_str(), changed]);
    for call in &calls {
        assert_eq!(
            header(&call.headers, "mcp-session-id").as_deref(),
            Some("up")
        );
    }
    let forged = answer.replace(&id, "42");
    assert_eq!(gateway.answer(&headers, &format!("[{forged}]")).status, 400);
}

#[test]
fn a_member_that_looks_stateless_changes_nothing_for_those_behind_it() {
    let mut gateway = Gateway::new();
    let headers = [("mcp-session-id", "never issued")];
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let discover = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let response = gateway.answer(&headers, &format!("[{discover},{list}]"));
    assert!(!text(&response.body).contains("tools"), "{response:?}");
    assert_eq!(response.status, 404);
    let session = old_session(&mut gateway);
    let response = gateway.answer(
        &[("mcp-session-id", &session)],
        &format!("[{discover},{list}]"),
    );
    let answers: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answers[0]["error"]["code"], -32601);
    assert!(answers[1]["result"]["tools"].is_array());
}

#[test]
fn the_answers_to_a_batch_are_no_larger_than_a_page_and_its_last_answer() {
    let mut gateway = Gateway::with(|config| config.limits.page_bytes = 100);
    let session = old_session(&mut gateway);
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let batch = format!("[{}]", [list; 32].join(","));
    let response = gateway.answer(&[("mcp-session-id", &session)], &batch);
    let answers: Vec<serde_json::Value> = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answers.len(), 32);
    let given = answers
        .iter()
        .filter(|answer| answer.get("result").is_some());
    assert_eq!(given.count(), 1);
    assert_eq!(answers[31]["error"]["code"], -32600);
}

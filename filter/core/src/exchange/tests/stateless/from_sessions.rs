//! Clients of sessions before servers that have none, or speak both.

use super::*;
use crate::step::{BodyStep, ResponseHeadStep, TickStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_client_of_sessions_is_introduced_to_a_server_that_has_none() {
    for (before, after) in [
        ("", format!("{META},")),
        (r#""_meta":{},"#, format!("{META},")),
        (r#""_meta":null,"#, format!("{META},")),
        (
            r#""_meta":{"progressToken":1},"#,
            format!("{},\"progressToken\":1}},", META.strip_suffix('}').unwrap()),
        ),
    ] {
        let body = |meta: &str, name: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{{meta}"name":"{name}"}}}}"#
            )
        };
        let (_, step) = with_stateless_alone().post(&[PAT], &body(before, "github_get_me"));
        let release = released(step);
        assert_eq!(replaced(&release), body(&after, "get_me"));
        assert_eq!(set(&release.headers, VERSION.0).as_deref(), Some(VERSION.1));
        assert_eq!(
            set(&release.headers, "mcp-method").as_deref(),
            Some("tools/call")
        );
        assert_eq!(set(&release.headers, "mcp-name").as_deref(), Some("get_me"));
    }
}

#[test]
fn a_client_of_sessions_gets_the_answer_of_such_a_server_as_it_is_and_always_with_200() {
    let mut gateway = with_stateless_alone();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 404, &[JSON]) else {
        panic!("not continued");
    };
    assert_eq!(set(&edits, ":status").as_deref(), Some("200"));
    let answer = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":""}}"#;
    assert_eq!(gateway.body(&mut exchange, answer, true), BodyStep::Forward);
}

#[test]
fn a_client_of_sessions_speaks_to_a_server_of_both_as_before() {
    let (_, step) = with_both().post(&[PAT], &call("github_get_me"));
    let release = released(step);
    assert_eq!(
        set(&release.headers, VERSION.0).as_deref(),
        Some("2025-06-18")
    );
    assert_eq!(set(&release.headers, "mcp-method"), None);
}

#[test]
fn a_cancelled_call_to_a_server_without_sessions_ends_at_once() {
    let mut gateway = with_stateless_alone();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut waiting, _) = gateway.post(&headers, &call("github_get_me"));
    let (mut streaming, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.respond(&mut streaming, 200, &[EVENTS]);
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    assert_eq!(gateway.answer(&headers, cancelled).status, 202);
    let step = gateway.lend(|context| waiting.on_tick(context));
    assert!(matches!(step, TickStep::Respond(_)), "{step:?}");
    let step = gateway.lend(|context| streaming.on_tick(context));
    assert_eq!(step, TickStep::Reset);
    assert_eq!(waiting.take_calls(), []);
    assert_eq!(streaming.take_calls(), []);
}

#[test]
fn a_question_that_a_client_of_sessions_cannot_answer_becomes_an_error_of_the_tool() {
    let asked =
        r#"{"jsonrpc":"2.0","id":7,"result":{"requestState":"x","resultType":"input_required"}}"#;
    let told = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"MCP server test/github asks for input before it answers, which this client's revision has no way to give"}],"isError":true}}"#;
    let before = ": alive\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    for (content_type, asked, expected) in [
        (JSON, asked.to_owned(), told.to_owned()),
        (
            EVENTS,
            format!("{before}event: message\ndata: {asked}\n\n"),
            format!("{before}event: message\ndata: {told}\n\n"),
        ),
    ] {
        let by_byte: Vec<&str> = asked.split_inclusive(|_: char| true).collect();
        for pieces in [vec![asked.as_str()], by_byte] {
            let mut gateway = with_stateless_alone();
            let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
            assert_eq!(
                feed(&mut gateway, &mut exchange, content_type, &pieces),
                expected
            );
        }
    }
}

#[test]
fn nothing_goes_on_behind_such_a_question() {
    let before = ": alive\n\n";
    let asked =
        r#"{"jsonrpc":"2.0","id":7,"result":{"requestState":"x","resultType":"input_required"}}"#;
    let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    for behind in [
        ": a comment that is to",
        "data: {\"jsonrpc\":\"2.0\",\"meth",
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"par",
        "event: other\ndata: wha",
        "retry: 1",
        "data: torn {",
        progress,
        &format!("{progress}\u{e9}"),
    ] {
        let stream = format!("{before}data: {asked}\n\n{behind}");
        let by_byte: Vec<&str> = stream.split_inclusive(|_: char| true).collect();
        for pieces in [vec![stream.as_str()], by_byte] {
            let mut gateway = with_stateless_alone();
            let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
            let out = feed(&mut gateway, &mut exchange, EVENTS, &pieces);
            let answer = out.strip_prefix(before).unwrap();
            let answer = answer.strip_prefix("event: message\ndata: ").unwrap();
            let answer = answer.strip_suffix("\n\n").unwrap();
            let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
            assert_eq!(answer["result"]["isError"], true, "{behind}");
        }
    }
}

#[test]
fn an_answer_of_any_length_reaches_a_client_of_sessions_unchanged() {
    let long = "x".repeat(200_000);
    for result in [
        r#"{"content":[],"resultType":"complete"}"#.to_owned(),
        r#"{"content":[]}"#.to_owned(),
        format!(r#"{{"content":["{long}"],"resultType":"complete"}}"#),
        format!(r#"{{"content":["{long}"]}}"#),
    ] {
        let stream = format!("data: {{\"id\":7,\"jsonrpc\":\"2.0\",\"result\":{result}}}\n\n");
        let pieces: Vec<&str> = stream
            .as_bytes()
            .chunks(1_000)
            .map(|piece| std::str::from_utf8(piece).unwrap())
            .collect();
        for pieces in [vec![stream.as_str()], pieces] {
            let mut gateway = with_stateless_alone();
            let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
            assert_eq!(feed(&mut gateway, &mut exchange, EVENTS, &pieces), stream);
        }
    }
}

#[test]
fn capabilities_that_a_client_of_sessions_declares_in_passing_are_none_of_the_servers() {
    let meta = r#""_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{{meta},"name":"github_get_me"}}}}"#
    );
    let (_, step) = with_stateless_alone().post(&[PAT], &body);
    assert!(replaced(&released(step)).contains(META));
}

#[test]
fn a_server_without_sessions_is_told_that_its_client_shows_views() {
    const APPS: &str = r#"{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}"#;
    let mut gateway = with_stateless_alone();
    let declared = APPS.replacen('{', r#"{"elicitation":{},"#, 1);
    let answer = gateway.answer(&[], &initialize("2025-11-25", &declared));
    let session = header(&answer.headers, "mcp-session-id").unwrap();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let release = released(gateway.post(&headers, &call("github_get_me")).1);
    let told = format!(r#""io.modelcontextprotocol/clientCapabilities":{APPS}}}"#);
    assert!(replaced(&release).contains(&told), "{}", replaced(&release));
}

use super::driver::*;
use crate::step::RequestStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ASKED: (&str, &str) = ("x-mcp-virtualserver", "mcp-test/few");
const REFUSED: &str = r#""error":{"code":-32600,"message":"Invalid request: virtual servers"#;

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"v","method":"{method}","params":{params}}}"#)
}

#[test]
fn a_request_for_a_virtual_server_is_refused_with_its_id() {
    let mut gateway = Gateway::new();
    for (method, params) in [
        ("ping", "{}"),
        ("tools/list", "{}"),
        ("prompts/list", "{}"),
        ("resources/list", "{}"),
        ("tools/call", r#"{"name":"github_get_me"}"#),
        ("prompts/get", r#"{"name":"s_greet"}"#),
        ("resources/read", r#"{"uri":"file:///a"}"#),
    ] {
        let body = request(method, params);
        let response = gateway.answer(&[ASKED, PAT], &body);
        let text = text(&response.body);
        assert_eq!(response.status, 200, "{method}: {text}");
        let begin = format!(r#"{{"jsonrpc":"2.0","id":"v",{REFUSED}"#);
        assert!(text.starts_with(&begin), "{method}: {text}");
    }
    let response = gateway.answer(&[ASKED], &initialize("2025-11-25", "{}"));
    assert!(text(&response.body).contains(REFUSED));
    assert_eq!(header(&response.headers, "mcp-session-id"), None);
}

#[test]
fn no_spelling_and_no_value_of_the_header_shows_everything() {
    for name in [
        "x-mcp-virtualserver",
        "x_mcp_virtualserver",
        "x-mcp-virtualserver-",
    ] {
        for value in ["", "few", "mcp-test/few", "\u{e9}"] {
            let response = Gateway::new().answer(&[(name, value)], &request("tools/list", "{}"));
            assert!(text(&response.body).contains(REFUSED), "{name}: {value}");
        }
    }
}

#[test]
fn a_large_call_for_a_virtual_server_goes_nowhere() {
    let mut gateway = Gateway::new();
    let argument = "x".repeat(200_000);
    let body = request(
        "tools/call",
        &format!(r#"{{"name":"github_get_me","arguments":{{"a":"{argument}"}}}}"#),
    );
    let (begin, end) = body.split_at(100_000);
    let (_, step) = gateway.post_pieces(&[ASKED, PAT], &[begin.as_bytes(), end.as_bytes()]);
    assert!(
        matches!(&step, RequestStep::Respond(response) if text(&response.body).contains(REFUSED)),
        "{step:?}"
    );
}

#[test]
fn what_ends_a_call_needs_no_virtual_server() {
    let mut gateway = Gateway::new();
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#;
    assert_eq!(gateway.answer(&[ASKED], cancelled).status, 202);
}

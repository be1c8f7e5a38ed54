use super::driver::*;
use crate::step::RequestStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Has a tool of `stateful` and no prompt.
const FEW: (&str, &str) = ("x-mcp-virtualserver", "mcp-test/few");
const NONE: (&str, &str) = ("x-mcp-virtualserver", "mcp-test/gone");
const FEWS_PATH: (&str, &str) = (":path", "/mcp/mcp-test/few");
const REFUSED: &str = r#""error":{"code":-32600,"message":"Invalid request: the virtual server"#;

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"v","method":"{method}","params":{params}}}"#)
}

fn result(gateway: &mut Gateway, headers: &[(&str, &str)], method: &str, params: &str) -> String {
    let response = gateway.answer(headers, &request(method, params));
    let text = text(&response.body).to_owned();
    let begin = r#"{"jsonrpc":"2.0","id":"v","#;
    text.strip_prefix(begin).expect("an answer").to_owned()
}

#[test]
fn by_header_and_by_path_it_shows_its_own_tools_and_prompts_and_all_resources() {
    let mut gateway = Gateway::new();
    for few in [FEW, FEWS_PATH, (":path", "/mcp/mcp-test/few?a=/mcp")] {
        let mut list = |method| result(&mut gateway, &[few], method, "{}");
        assert_eq!(
            list("tools/list"),
            r#""result":{"tools":[{"name":"s_echo","inputSchema":{}}]}}"#
        );
        assert_eq!(list("prompts/list"), r#""result":{"prompts":[]}}"#);
        assert_eq!(
            list("resources/list"),
            r#""result":{"resources":[{"uri":"file:///a","name":"a"}]}}"#
        );
        assert_eq!(list("ping"), r#""result":{}}"#);
    }
}

#[test]
fn what_it_does_not_have_cannot_be_called_through_it() {
    let mut gateway = Gateway::new();
    let prompt =
        r#"{"ref":{"type":"ref/prompt","name":"s_greet"},"argument":{"name":"a","value":""}}"#;
    for few in [FEW, FEWS_PATH] {
        for (method, params, told) in [
            (
                "tools/call",
                r#"{"name":"github_get_me"}"#,
                "Unknown tool: github_get_me",
            ),
            (
                "prompts/get",
                r#"{"name":"s_greet"}"#,
                "Unknown prompt: s_greet",
            ),
            ("completion/complete", prompt, "Unknown prompt: s_greet"),
        ] {
            let answer = result(&mut gateway, &[few, PAT], method, params);
            let error = format!(r#""error":{{"code":-32602,"message":"{told}""#);
            assert!(answer.starts_with(&error), "{method}: {answer}");
        }
    }
}

#[test]
fn what_it_has_is_called_as_without_it() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let session = ("mcp-session-id", session.as_str());
    for (method, params) in [
        ("tools/call", r#"{"name":"s_echo"}"#),
        ("resources/read", r#"{"uri":"file:///a"}"#),
    ] {
        for few in [FEW, FEWS_PATH] {
            let (_, step) = gateway.post(&[few, session], &request(method, params));
            assert!(
                !matches!(step, RequestStep::Respond(_) | RequestStep::Pass),
                "{method}: {step:?}"
            );
        }
    }
}

#[test]
fn a_request_for_one_that_is_not_there_is_refused_with_its_id() {
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
        let response = gateway.answer(&[NONE, PAT], &request(method, params));
        let text = text(&response.body);
        assert_eq!(response.status, 200, "{method}: {text}");
        let begin = format!(r#"{{"jsonrpc":"2.0","id":"v",{REFUSED}"#);
        assert!(text.starts_with(&begin), "{method}: {text}");
    }
    for path in [
        "/mcp/",
        "/mcp/few",
        "/mcp/mcp-test/gone",
        "/mcp/mcp-test/few/",
        "/mcp/mcp-test/few/x",
        "/mcp//mcp-test/few",
        "/mcp/mcp-test%2ffew",
        "/mcp/a/b?x=/mcp",
        "/mcp/../mcp",
    ] {
        let response = gateway.answer(&[(":path", path)], &request("tools/list", "{}"));
        assert!(text(&response.body).contains(REFUSED), "{path}");
    }
    let response = gateway.answer(&[NONE], &initialize("2025-11-25", "{}"));
    assert!(text(&response.body).contains(REFUSED));
    assert_eq!(header(&response.headers, "mcp-session-id"), None);
}

#[test]
fn neither_another_spelling_nor_two_of_them_show_anything() {
    let list = request("tools/list", "{}");
    for name in [
        "x_mcp_virtualserver",
        "x-mcp-virtualserver-",
        "x-mcp-virtualserver_",
    ] {
        for value in ["", "few", "mcp-test/few", "\u{e9}"] {
            let response = Gateway::new().answer(&[(name, value)], &list);
            assert!(text(&response.body).contains(REFUSED), "{name}: {value}");
        }
    }
    for value in [
        "",
        "few",
        "mcp-test/",
        "mcp-test/few/",
        " mcp-test/few",
        "MCP-TEST/FEW",
    ] {
        let response = Gateway::new().answer(&[(FEW.0, value)], &list);
        assert!(text(&response.body).contains(REFUSED), "{value}");
    }
    for twice in [[FEW, FEW], [FEW, NONE], [FEW, FEWS_PATH], [NONE, FEWS_PATH]] {
        let response = Gateway::new().answer(&twice, &list);
        assert!(text(&response.body).contains(REFUSED), "{twice:?}");
    }
}

#[test]
fn a_path_that_is_not_below_the_endpoint_is_not_the_gateways() {
    for path in [
        "/mcpmcp-test/few",
        "/mcp%2fmcp-test/few",
        "/MCP/mcp-test/few",
        "//mcp/mcp-test/few",
    ] {
        let (_, step) = Gateway::new().post(&[(":path", path)], &request("tools/list", "{}"));
        assert!(matches!(step, RequestStep::Pass), "{path}: {step:?}");
    }
}

#[test]
fn a_large_call_for_one_that_is_not_there_goes_nowhere() {
    let mut gateway = Gateway::new();
    let argument = "x".repeat(200_000);
    let body = request(
        "tools/call",
        &format!(r#"{{"name":"github_get_me","arguments":{{"a":"{argument}"}}}}"#),
    );
    let (begin, end) = body.split_at(100_000);
    let (_, step) = gateway.post_pieces(&[NONE, PAT], &[begin.as_bytes(), end.as_bytes()]);
    assert!(
        matches!(&step, RequestStep::Respond(response) if text(&response.body).contains(REFUSED)),
        "{step:?}"
    );
}

#[test]
fn what_ends_a_call_needs_no_virtual_server() {
    let mut gateway = Gateway::new();
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#;
    for asked in [FEW, NONE] {
        assert_eq!(gateway.answer(&[asked], cancelled).status, 202);
    }
}

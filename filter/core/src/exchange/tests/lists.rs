use super::driver::*;
use crate::step::LocalResponse;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn body(response: &LocalResponse) -> &str {
    text(&response.body)
}

#[test]
fn a_tool_list_needs_no_session_and_keeps_every_byte_but_the_names() {
    let response = Gateway::new().answer(
        &[],
        r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#,
    );
    assert_eq!(response.status, 200);
    assert_eq!(
        body(&response),
        concat!(
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#,
            r#"{"name":"github_get_me","inputSchema":{"type":"object","properties":{}},"x":1.0e5},"#,
            r#"{"name":"s_echo","inputSchema":{}}]}}"#
        )
    );
}

#[test]
fn every_list_is_answered_and_the_id_keeps_its_spelling() {
    let mut gateway = Gateway::new();
    for (method, expected) in [
        ("prompts/list", r#"{"prompts":[{"name":"s_greet"}]}"#),
        (
            "resources/list",
            r#"{"resources":[{"uri":"file:///a","name":"a"}]}"#,
        ),
        (
            "resources/templates/list",
            r#"{"resourceTemplates":[{"uriTemplate":"item://{id}","name":"i"}]}"#,
        ),
    ] {
        let request =
            format!(r#"{{"id":"\u0061","method":"{method}","params":{{}},"jsonrpc":"2.0"}}"#);
        let response = gateway.answer(&[], &request);
        assert_eq!(
            body(&response),
            format!(r#"{{"jsonrpc":"2.0","id":"\u0061","result":{expected}}}"#)
        );
    }
}

#[test]
fn pages_follow_one_another_by_cursor() {
    let mut gateway = Gateway::with(|config| config.limits.page_items = 1);
    let first = gateway.answer(&[], r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let first: serde_json::Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(first["result"]["tools"][0]["name"], "github_get_me");
    let cursor = first["result"]["nextCursor"].as_str().unwrap();
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{{"cursor":"{cursor}"}}}}"#
    );
    let second: serde_json::Value =
        serde_json::from_slice(&gateway.answer(&[], &request).body).unwrap();
    assert_eq!(second["result"]["tools"][0]["name"], "s_echo");
    assert!(second["result"].get("nextCursor").is_none());
}

#[test]
fn an_invented_cursor_is_an_invalid_parameter() {
    for cursor in [r#""x""#, "1", "{}"] {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{{"cursor":{cursor}}}}}"#
        );
        let response = Gateway::new().answer(&[], &request);
        assert_eq!(response.status, 200);
        assert!(
            body(&response).contains(r#""id":2,"error":{"code":-32602"#),
            "{}",
            body(&response)
        );
    }
}

#[test]
fn ping_is_answered_with_an_empty_result() {
    let response = Gateway::new().answer(&[], r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#);
    assert_eq!(body(&response), r#"{"jsonrpc":"2.0","id":9,"result":{}}"#);
}

//! What the gateway answers stateless clients itself.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SERVER: &str =
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"mcp-proxy-wasm","version":"0.1.0"}}"#;

fn result(response: &LocalResponse) -> &str {
    let body = text(&response.body);
    assert_eq!(response.status, 200, "{body}");
    body.strip_prefix(r#"{"jsonrpc":"2.0","id":7,"result":"#)
        .unwrap()
        .strip_suffix('}')
        .unwrap()
}

#[test]
fn discover_tells_revisions_and_capabilities() {
    let mut gateway = Gateway::with(|config| config.catalog = None);
    let response = ask(&mut gateway, "server/discover", "");
    assert_eq!(
        result(&response),
        format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"capabilities":{{"tools":{{}},"completions":{{}}}},"ttlMs":15000,"cacheScope":"public",{SERVER}}}"#
        )
    );
}

#[test]
fn a_list_says_that_it_is_complete_and_for_how_long_it_holds() {
    let mut gateway = Gateway::new();
    let response = ask(&mut gateway, "prompts/list", "");
    assert_eq!(
        result(&response),
        format!(
            r#"{{"resultType":"complete","prompts":[{{"name":"s_greet"}}],"ttlMs":15000,"cacheScope":"private",{SERVER}}}"#
        )
    );
}

#[test]
fn each_page_says_so() {
    let mut gateway = Gateway::with(|config| config.limits.page_items = 1);
    let first = ask(&mut gateway, "tools/list", "");
    let first: serde_json::Value = serde_json::from_slice(&first.body).unwrap();
    let cursor = first["result"]["nextCursor"].as_str().unwrap();
    let second = ask(
        &mut gateway,
        "tools/list",
        &format!(r#""cursor":"{cursor}""#),
    );
    let second: serde_json::Value = serde_json::from_slice(&second.body).unwrap();
    assert_eq!(second["result"]["tools"][0]["name"], "s_echo");
    for page in [first, second] {
        assert_eq!(page["result"]["resultType"], "complete");
        assert_eq!(page["result"]["ttlMs"], 15000);
        assert_eq!(page["result"]["cacheScope"], "private");
    }
}

#[test]
fn a_list_is_public_only_where_everybody_sees_the_same() {
    let scope = |gateway: &mut Gateway| {
        let response = ask(gateway, "tools/list", "");
        let list: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        list["result"]["cacheScope"].as_str().unwrap().to_owned()
    };
    // The driver's has a virtual server, which a header asks for.
    assert_eq!(scope(&mut Gateway::new()), "private");
    assert_eq!(
        scope(&mut Gateway::with(|config| config.catalog = None)),
        "public"
    );
}

#[test]
fn what_is_unknown_is_an_invalid_parameter() {
    let mut gateway = Gateway::with(|config| config.catalog = None);
    for (method, params, name) in [
        ("tools/call", r#""name":"none""#, "none"),
        ("prompts/get", r#""name":"none""#, "none"),
        ("resources/read", r#""uri":"none:x""#, "none:x"),
    ] {
        let headers = [VERSION, ("mcp-method", method), ("mcp-name", name)];
        let response = gateway.answer(&headers, &request(method, params));
        assert_eq!(response.status, 200);
        let body = text(&response.body);
        assert!(body.contains(r#""id":7,"error":{"code":-32602"#), "{body}");
        assert_eq!(
            body.contains(r#""data":{"uri":"none:x"}"#),
            method == "resources/read"
        );
    }
}

#[test]
fn a_list_that_is_not_announced_is_not_found() {
    let mut gateway = Gateway::with(|config| config.catalog = None);
    for method in ["prompts/list", "resources/list", "resources/templates/list"] {
        let response = ask(&mut gateway, method, "");
        assert_eq!(response.status, 404, "{method}");
        assert!(text(&response.body).contains(r#""code":-32601"#));
    }
    assert_eq!(ask(&mut gateway, "tools/list", "").status, 200);
}

//! What a token must have that makes a policy allow a request.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::wanted;
use crate::policy::{Call, Part};

const HEADER: &str = r#"{"headerPresent":"a"}"#;
const BOB: &str = r#"{"claimEquals":{"path":["sub"],"value":"bob"}}"#;

fn word(value: &str) -> String {
    has("claimHasWord", "scope", value)
}

fn has(claim: &str, path: &str, value: &str) -> String {
    format!(r#"{{"{claim}":{{"path":["{path}"],"value":"{value}"}}}}"#)
}

fn call(of: Part<&str>) -> Call<'_> {
    Call {
        method: "tools/call",
        server: "test/github",
        of,
    }
}

#[test]
fn another_token_is_of_use_where_one_could_satisfy_all_rules() {
    for (condition, could) in [
        (BOB.to_owned(), true),
        (format!(r#"{{"not":{BOB}}}"#), true),
        (HEADER.to_owned(), false),
        (format!(r#"{{"all":[{BOB},{HEADER}]}}"#), false),
        (format!(r#"{{"any":[{BOB},{HEADER}]}}"#), true),
        (format!(r#"{{"not":{{"any":[{BOB},{HEADER}]}}}}"#), true),
    ] {
        assert_eq!(wanted(&condition, None).is_some(), could, "{condition}");
    }
}

#[test]
fn what_the_call_has_not_no_token_names() {
    let among = r#"{"claimContainsCall":{"path":["tools"],"part":"tool"}}"#;
    assert!(wanted(among, Some(call(Part::Tool("a")))).is_some());
    assert!(wanted(among, Some(call(Part::Prompt("a")))).is_none());
    assert!(wanted(among, None).is_some(), "nothing is called yet");
}

#[test]
fn the_scopes_that_all_tokens_need_are_told() {
    for (condition, scopes) in [
        (word("a"), &["a"][..]),
        (has("claimContains", "scp", "a"), &["a"]),
        (has("claimContains", "roles", "a"), &[]),
        (
            format!(r#"{{"all":[{},{},{}]}}"#, word("a"), word("b"), word("a")),
            &["a", "b"],
        ),
        // One of them is enough, and nobody can say which.
        (format!(r#"{{"any":[{},{}]}}"#, word("a"), word("b")), &[]),
        (format!(r#"{{"any":[{HEADER},{}]}}"#, word("b")), &["b"]),
    ] {
        assert_eq!(wanted(&condition, None).unwrap(), scopes, "{condition}");
    }
}

#[test]
fn a_scope_for_one_tool_is_told_where_that_is_called() {
    let harmless = r#"{"not":{"callEquals":{"part":"tool","value":"delete"}}}"#;
    let condition = format!(r#"{{"any":[{harmless},{}]}}"#, word("write"));
    let asked = |tool: &str| wanted(&condition, Some(call(Part::Tool(tool)))).unwrap();
    assert_eq!(asked("delete"), ["write"]);
    assert_eq!(asked("get"), [""; 0]);
}

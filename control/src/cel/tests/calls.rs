//! Predicates on what is called.

use mcp_filter_config::{CallPart, CallValue, ClaimOfCall, Condition};

use super::{claim, equals, not, path, predicate, value};

fn is(part: CallPart, value: &str) -> Condition {
    let value = value.to_owned();
    Condition::CallEquals(CallValue { part, value })
}

fn listed_in(claim: &[&str], part: CallPart) -> Condition {
    let path = path(claim);
    Condition::ClaimContainsCall(ClaimOfCall { path, part })
}

#[test]
fn what_the_filter_says_of_a_call_is_read_from_the_call() {
    let tool = || Condition::CallPresent(CallPart::Tool);
    let cases = [
        (
            "request.headers['x-mcp-toolname'] == 'get_me'",
            is(CallPart::Tool, "get_me"),
        ),
        (
            "'mcp-test/echo' == request.headers['x-mcp-servername']",
            is(CallPart::Server, "mcp-test/echo"),
        ),
        (
            "request.headers['x-mcp-method'] == 'tools/call'",
            is(CallPart::Method, "tools/call"),
        ),
        (
            "request.headers['x-mcp-promptname'] == 'a' || request.headers['x-mcp-resourceuri'] == 'b'",
            Condition::Any(vec![is(CallPart::Prompt, "a"), is(CallPart::Resource, "b")]),
        ),
        ("'x-mcp-toolname' in request.headers", tool()),
        ("!('x-mcp-toolname' in request.headers)", not(tool())),
        (
            "request.headers['x-mcp-toolname'] != 'a'",
            Condition::All(vec![tool(), not(is(CallPart::Tool, "a"))]),
        ),
        (
            "request.headers['x-mcp-toolname'] in auth.identity.realm_access.roles",
            listed_in(&["realm_access", "roles"], CallPart::Tool),
        ),
        (
            "!(request.headers['x-mcp-servername'] in auth.identity['banned'])",
            not(listed_in(&["banned"], CallPart::Server)),
        ),
        (
            "request.headers['x-mcp-toolname'] in ['a', 'b']",
            Condition::Any(vec![is(CallPart::Tool, "a"), is(CallPart::Tool, "b")]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(predicate(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_list_of_strings_can_be_looked_into() {
    let cases = [
        (
            "request.headers.team in ['a', 'b']",
            Condition::Any(vec![equals("team", "a"), equals("team", "b")]),
        ),
        (
            "auth.identity.sub in ['ann']",
            Condition::Any(vec![Condition::ClaimEquals(claim(&["sub"], "ann"))]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(predicate(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_no_client_may_send_and_what_cannot_be_looked_for_is_refused_where_it_stands() {
    let cases = [
        (
            "request.headers['x-mcp-virtualserver'] == 'a'",
            (1, 17),
            "does not let this header in",
        ),
        (
            "request.headers['x-mcp-tool'] == 'a'",
            (1, 17),
            "x-mcp-toolname",
        ),
        (
            "request.headers.a in auth.identity.b",
            (1, 16),
            "what is looked for",
        ),
        (
            "auth.identity.a in auth.identity.b",
            (1, 14),
            "what is looked for",
        ),
        (
            "request.headers['x-mcp-toolname'] in auth.identity.a.split(' ')",
            (1, 16),
            "what is looked for",
        ),
        (
            "request.headers.a in ['a', request.headers.b]",
            (1, 43),
            "strings alone",
        ),
        ("request.headers.team in []", (1, 22), "not supported"),
        (
            "'a' in [request.headers.a, request.headers.b]",
            (1, 5),
            "not supported",
        ),
    ];
    for (text, position, reason) in cases {
        let refused = predicate(text).unwrap_err();
        assert_eq!(refused.position, Some(position), "{text}: {refused}");
        assert!(refused.reason.contains(reason), "{text}: {refused}");
    }
    let refused = value("'a' + request.headers['x-mcp-toolname']").unwrap_err();
    assert!(
        refused.reason.contains("gets this header from the gateway"),
        "{refused}"
    );
}

#[test]
fn a_name_is_not_compared_with_what_a_header_has_of_it() {
    let encoded = "'=?base64?bMO2c2NoZW4=?='";
    for text in [
        format!("request.headers['x-mcp-toolname'] != {encoded}"),
        format!("request.headers['x-mcp-resourceuri'] in ['a', {encoded}]"),
    ] {
        let refused = predicate(&text).unwrap_err();
        assert!(refused.reason.contains("as it is"), "{text}: {refused}");
    }
    let other = format!("request.headers['x-other'] == {encoded}");
    assert!(predicate(&other).is_ok());
}

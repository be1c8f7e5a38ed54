mod challenges;

use std::borrow::Cow;

use mcp_filter_config::Policy;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{Call, CompiledPolicy, Evidence, HeaderFault, Verdict};
use crate::claims::tests::claims;
use crate::claims::{Claims, UnreadableClaim};
use crate::headers::Headers;
use crate::step::{HeaderEdit, LocalResponse};

/// The guide's: `x-github-pat` must be there and becomes `Authorization`.
const SWAP: &str = r#"{
    "name": "test/swap",
    "rules": [{
        "requires": {"all": [
            {"headerPresent": "x-github-pat"},
            {"not": {"headerEquals": {"name": "x-github-pat", "value": ""}}}
        ]},
        "denial": {
            "status": 400,
            "headers": [{"name": "content-type", "value": "application/json"}, {"name": "x-a", "value": "1"}, {"name": "x-a", "value": "2"}],
            "body": "{\n  \"error\": \"Bad Request\" }\n"
        }
    }],
    "setHeaders": [{"name": "authorization", "value": [{"literal": "Bearer "}, {"header": "x-github-pat"}]}],
    "credentialHeaders": ["x-github-pat"]
}"#;

fn parse(json: &str) -> Policy {
    serde_json::from_str(json).unwrap()
}

fn evaluate(policy: &str, headers: &[(&str, &[u8])]) -> Verdict {
    evaluate_for(policy, headers, &Claims::NONE)
}

fn evaluate_for(policy: &str, headers: &[(&str, &[u8])], claims: &Claims) -> Verdict {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
        .collect();
    CompiledPolicy::compile(&parse(policy), "policies[0]")
        .unwrap()
        .evaluate(&Evidence {
            headers: &Headers::new(headers),
            claims,
            call: None,
        })
}

/// The scopes that a policy with this condition wants, where nobody sends a header.
fn wanted(condition: &str, call: Option<Call<'_>>) -> Option<Vec<String>> {
    let policy = CompiledPolicy::compile(&parse(&only(condition)), "policies[0]").unwrap();
    let scopes = policy.wanted_scopes(&Evidence {
        headers: &Headers::new(Vec::new()),
        claims: &Claims::NONE,
        call,
    });
    Some(scopes?.into_iter().map(str::to_owned).collect())
}

fn set(name: &'static str, value: &[u8]) -> Verdict {
    Verdict::Allow(vec![HeaderEdit::Set(Cow::Borrowed(name), value.to_vec())])
}

fn wordless(status: u16) -> Verdict {
    Verdict::DenyWordlessly { status }
}

/// A policy with one condition and nothing else.
fn only(condition: &str) -> String {
    format!(r#"{{"name":"a","rules":[{{"requires":{condition},"denial":{{"status":403}}}}]}}"#)
}

fn holds(condition: &str, headers: &[(&str, &[u8])]) -> bool {
    match evaluate(&only(condition), headers) {
        Verdict::Allow(_) => true,
        Verdict::Deny(_) | Verdict::DenyWordlessly { .. } => false,
        Verdict::Refuse(fault) => panic!("{fault}"),
    }
}

/// Where and why a policy is refused.
fn refusal(change: impl FnOnce(&mut Policy)) -> (String, String) {
    let mut policy = parse(SWAP);
    change(&mut policy);
    let error = CompiledPolicy::compile(&policy, "policies[0]").unwrap_err();
    (error.path, error.reason)
}

#[test]
fn the_credential_becomes_the_servers_header_byte_for_byte() {
    assert_eq!(
        evaluate(SWAP, &[("x-github-pat", b"ghp_1")]),
        set("authorization", b"Bearer ghp_1")
    );
    assert_eq!(
        evaluate(
            SWAP,
            &[
                ("authorization", b"Bearer client"),
                ("x-github-pat", b"\x80\xff\t ,")
            ]
        ),
        set("authorization", b"Bearer \x80\xff\t ,")
    );
}

#[test]
fn a_denial_goes_out_in_its_authors_bytes() {
    let denial = LocalResponse {
        status: 400,
        headers: vec![
            ("content-type".into(), b"application/json".to_vec()),
            ("x-a".into(), b"1".to_vec()),
            ("x-a".into(), b"2".to_vec()),
        ],
        body: b"{\n  \"error\": \"Bad Request\" }\n".to_vec(),
        ..match evaluate(SWAP, &[]) {
            Verdict::Deny(response) => response,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(evaluate(SWAP, &[]), Verdict::Deny(denial.clone()));
    assert_eq!(
        evaluate(SWAP, &[("x-github-pat", b"")]),
        Verdict::Deny(denial)
    );
}

#[test]
fn a_header_that_the_policy_reads_may_not_repeat() {
    let repeated = Verdict::Refuse(HeaderFault::Repeated("x-github-pat".to_owned()));
    assert_eq!(
        evaluate(SWAP, &[("x-github-pat", b"a"), ("x-github-pat", b"a")]),
        repeated
    );
    assert_eq!(
        evaluate(SWAP, &[("x-github-pat", b""), ("x-github-pat", b"a")]),
        repeated
    );
    assert_eq!(
        evaluate(
            SWAP,
            &[("x-other", b"1"), ("x-other", b"2"), ("x-github-pat", b"a")]
        ),
        set("authorization", b"Bearer a")
    );
}

#[test]
fn a_header_that_a_condition_denies_by_value_cannot_hide_in_a_second_one() {
    let policy = r#"{"name":"a","rules":[{"requires":{"not":{"headerEquals":{"name":"x-role","value":"guest"}}},"denial":{"status":403}}]}"#;
    assert_eq!(evaluate(policy, &[("x-role", b"guest")]), wordless(403));
    assert!(matches!(
        evaluate(policy, &[("x-role", b"admin"), ("x-role", b"guest")]),
        Verdict::Refuse(_)
    ));
}

#[test]
fn control_characters_never_split_a_header() {
    for value in [&b"a\r\nx-admin: 1"[..], b"a\nb", b"a\0b", b"\x7f", b"\x1b"] {
        assert_eq!(
            evaluate(SWAP, &[("x-github-pat", value)]),
            Verdict::Refuse(HeaderFault::IllegalValue("x-github-pat".to_owned())),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn conditions_mean_what_they_say() {
    let a: &[(&str, &[u8])] = &[("a", b"1")];
    for (condition, with, without) in [
        (r#"{"all":[]}"#, true, true),
        (r#"{"any":[]}"#, false, false),
        (r#"{"headerPresent":"a"}"#, true, false),
        (r#"{"not":{"headerPresent":"a"}}"#, false, true),
        (r#"{"headerEquals":{"name":"a","value":"1"}}"#, true, false),
        (
            r#"{"headerEquals":{"name":"a","value":"12"}}"#,
            false,
            false,
        ),
        (
            r#"{"any":[{"headerPresent":"b"},{"headerPresent":"a"}]}"#,
            true,
            false,
        ),
        (
            r#"{"all":[{"headerPresent":"b"},{"headerPresent":"a"}]}"#,
            false,
            false,
        ),
        (
            r#"{"all":[{"headerPresent":"a"},{"not":{"any":[]}}]}"#,
            true,
            false,
        ),
    ] {
        assert_eq!(holds(condition, a), with, "{condition}");
        assert_eq!(holds(condition, &[]), without, "{condition}");
    }
}

#[test]
fn the_first_rule_that_does_not_hold_denies() {
    let policy = r#"{"name":"a","rules":[
        {"requires":{"headerPresent":"a"},"denial":{"status":401}},
        {"requires":{"headerPresent":"b"},"denial":{"status":402}}
    ]}"#;
    for (headers, status) in [
        (&[][..], 401),
        (&[("a", &b""[..])][..], 402),
        (&[("b", &b""[..])][..], 401),
    ] {
        assert_eq!(evaluate(policy, headers), wordless(status));
    }
}

#[test]
fn an_absent_header_adds_nothing_to_a_value() {
    let policy = r#"{"name":"a","setHeaders":[{"name":"x","value":[{"literal":"<"},{"header":"a"},{"literal":">"}]}]}"#;
    assert_eq!(evaluate(policy, &[]), set("x", b"<>"));
}

#[test]
fn conditions_on_claims_mean_what_they_say() {
    let token = claims(
        &json!({"sub": "ada", "groups": ["admins"], "scope": "read write", "org": {"name": "acme"}}),
    );
    for (condition, holds) in [
        (json!({"claimPresent": ["sub"]}), true),
        (json!({"claimPresent": ["org", "name"]}), true),
        (json!({"claimPresent": ["name"]}), false),
        (
            json!({"claimEquals": {"path": ["sub"], "value": "ada"}}),
            true,
        ),
        (
            json!({"claimEquals": {"path": ["org", "name"], "value": "acme"}}),
            true,
        ),
        (
            json!({"claimEquals": {"path": ["groups"], "value": "admins"}}),
            false,
        ),
        (
            json!({"claimContains": {"path": ["groups"], "value": "admins"}}),
            true,
        ),
        (
            json!({"claimContains": {"path": ["scope"], "value": "read"}}),
            false,
        ),
        (
            json!({"claimHasWord": {"path": ["scope"], "value": "write"}}),
            true,
        ),
        (
            json!({"claimHasWord": {"path": ["scope"], "value": "writ"}}),
            false,
        ),
        (
            json!({"claimHasWord": {"path": ["groups"], "value": "admins"}}),
            true,
        ),
    ] {
        let opposite = json!({"not": condition}).to_string();
        for (condition, holds) in [(condition.to_string(), holds), (opposite, !holds)] {
            let verdict = evaluate_for(&only(&condition), &[], &token);
            assert_eq!(verdict == Verdict::Allow(Vec::new()), holds, "{condition}");
        }
    }
}

#[test]
fn what_cannot_be_read_decides_only_where_nothing_else_does() {
    let asked = [vec!["groups".to_owned()]];
    let token = Claims::one_by_one(&asked, |_| Err(UnreadableClaim));
    let (yes, no) = (r#"{"all":[]}"#, r#"{"any":[]}"#);
    let unknown = r#"{"claimContains":{"path":["groups"],"value":"a"}}"#;
    for (condition, holds) in [
        (unknown.to_owned(), false),
        (format!(r#"{{"not":{unknown}}}"#), false),
        (format!(r#"{{"not":{{"not":{unknown}}}}}"#), false),
        (format!(r#"{{"any":[{unknown},{yes}]}}"#), true),
        (format!(r#"{{"any":[{unknown},{no}]}}"#), false),
        (format!(r#"{{"not":{{"any":[{unknown},{no}]}}}}"#), false),
        (format!(r#"{{"all":[{unknown},{yes}]}}"#), false),
        (format!(r#"{{"not":{{"all":[{unknown},{no}]}}}}"#), true),
        (format!(r#"{{"not":{{"all":[{unknown},{yes}]}}}}"#), false),
    ] {
        let allowed = matches!(
            evaluate_for(&only(&condition), &[], &token),
            Verdict::Allow(_)
        );
        assert_eq!(allowed, holds, "{condition}");
    }
}

#[test]
fn a_claim_becomes_a_part_of_a_header() {
    let policy = r#"{"name":"a","setHeaders":[{"name":"x","value":[{"literal":"<"},{"claim":["org","name"]},{"literal":">"}]}]}"#;
    let token = claims(&json!({"org": {"name": "\u{e9}"}}));
    assert_eq!(
        evaluate_for(policy, &[], &token),
        set("x", "<\u{e9}>".as_bytes())
    );
    assert_eq!(evaluate_for(policy, &[], &Claims::NONE), set("x", b"<>"));
    for name in [
        json!("a\r\nb"),
        json!(7),
        json!(["a"]),
        json!({"a": "b"}),
        json!(true),
    ] {
        let token = claims(&json!({"org": {"name": name}}));
        let illegal = HeaderFault::IllegalClaim("org.name".to_owned());
        assert_eq!(evaluate_for(policy, &[], &token), Verdict::Refuse(illegal));
    }
}

#[test]
fn header_names_are_lower_case_tokens() {
    for name in ["", "X-A", "a b", "a:", ":path", "é", "a\n"] {
        assert_eq!(
            refusal(|policy| policy.credential_headers = vec!["ok".into(), name.into()]).0,
            "policies[0].credentialHeaders[1]"
        );
        assert_eq!(
            refusal(|policy| policy.set_headers[0].name = name.into()).0,
            "policies[0].setHeaders[0].name"
        );
        assert_eq!(
            refusal(|policy| policy.rules[0].denial.headers[1].name = name.into()).0,
            "policies[0].rules[0].denial.headers[1].name"
        );
    }
}

#[test]
fn headers_that_frame_the_message_or_are_the_filters_own_cannot_be_set() {
    for name in [
        "content-length",
        "transfer-encoding",
        "connection",
        "host",
        "accept-encoding",
        "mcp-session-id",
        "x-mcp-control",
        "x-mcp-servername",
    ] {
        assert_eq!(
            refusal(|policy| policy.set_headers[0].name = name.into()).0,
            "policies[0].setHeaders[0].name",
            "{name}"
        );
    }
    let framing =
        refusal(|policy| policy.rules[0].denial.headers[0].name = "content-length".into());
    assert_eq!(framing.0, "policies[0].rules[0].denial.headers[0].name");
}

#[test]
fn a_header_is_set_once() {
    let twice = refusal(|policy| policy.set_headers.push(policy.set_headers[0].clone()));
    assert_eq!(
        twice,
        (
            "policies[0].setHeaders[1].name".to_owned(),
            "is set already".to_owned()
        )
    );
}

#[test]
fn a_denial_is_an_error_status() {
    for status in [0, 200, 302, 399, 600] {
        assert_eq!(
            refusal(|policy| policy.rules[0].denial.status = status).0,
            "policies[0].rules[0].denial.status"
        );
    }
}

#[test]
fn a_refused_condition_is_named_by_its_path() {
    let refused = refusal(|policy| {
        policy.rules[0].requires =
            serde_json::from_str(r#"{"any":[{"all":[]},{"not":{"headerPresent":"A"}}]}"#).unwrap();
    });
    assert_eq!(
        refused.0,
        "policies[0].rules[0].requires.any[1].not.headerPresent"
    );
    let refused = refusal(|policy| {
        policy.rules[0].requires =
            serde_json::from_str(r#"{"headerEquals":{"name":"a","value":"\n"}}"#).unwrap();
    });
    assert_eq!(
        refused.0,
        "policies[0].rules[0].requires.headerEquals.value"
    );
}

#[test]
fn conditions_have_a_depth_that_no_stack_fears() {
    let nested = |depth: usize| {
        let json = format!(
            "{}{}{}",
            r#"{"not":"#.repeat(depth),
            r#"{"all":[]}"#,
            "}".repeat(depth)
        );
        serde_json::from_str(&json).unwrap()
    };
    let refused = refusal(|policy| policy.rules[0].requires = nested(32));
    assert!(
        refused
            .0
            .starts_with("policies[0].rules[0].requires.not.not")
    );
    let mut policy = parse(SWAP);
    policy.rules[0].requires = nested(31);
    assert!(CompiledPolicy::compile(&policy, "policies[0]").is_ok());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_value_has_no_control_characters_and_ends_with_the_clients_bytes(
            value in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            match evaluate(SWAP, &[("x-github-pat", &value)]) {
                Verdict::Allow(edits) => {
                    prop_assert_eq!(edits, vec![HeaderEdit::Set("authorization".into(), [b"Bearer ", value.as_slice()].concat())]);
                    prop_assert!(!value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
                }
                Verdict::Refuse(_) => prop_assert!(value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')),
                Verdict::Deny(_) | Verdict::DenyWordlessly { .. } => prop_assert!(false, "denied a credential that is there"),
            }
        }
    }
}

#[test]
fn what_calls_nothing_is_judged_by_all_that_reads_no_call() {
    let tool = r#"{"claimContainsCall": {"path": ["tools"], "part": "tool"}}"#;
    let staff = r#"{"claimContains": {"path": ["groups"], "value": "staff"}}"#;
    let pat = r#"{"headerPresent": "x-pat"}"#;
    let both = only(&format!(
        r#"{{"all": [{staff}, {{"all": [{tool}, {pat}]}}]}}"#
    ));
    let member = claims(&json!({"groups": ["staff"]}));
    let sent: [(&str, &[u8]); 1] = [("x-pat", b"a")];
    assert_eq!(evaluate_for(&both, &sent, &member), Verdict::Allow(vec![]));
    let stranger = claims(&json!({"groups": ["guests"], "tools": ["a"]}));
    assert_eq!(evaluate_for(&both, &sent, &stranger), wordless(403));
    assert_eq!(evaluate(&only(tool), &[]), Verdict::Allow(vec![]));
    let either = only(&format!(r#"{{"any": [{tool}, {staff}]}}"#));
    assert_eq!(
        evaluate_for(&either, &[], &stranger),
        Verdict::Allow(vec![])
    );
}

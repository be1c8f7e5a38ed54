//! Natively only: the test framework does not run in node.

use mcp_filter_config::{ClaimOfCall, ClaimValue, Denial, Policy, Rule, SetHeader, ValuePart};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::claims::UnreadableClaim;
use crate::claims::tests::claims;
use crate::headers::Headers;
use crate::policy::{Evidence, Part, Verdict};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn part() -> impl Strategy<Value = CallPart> {
    use CallPart::{Method, Prompt, Resource, Server, Tool};
    prop::sample::select(vec![Method, Server, Tool, Prompt, Resource])
}

/// Of claims and calls; of headers too where `has_headers`.
fn condition(has_headers: bool) -> impl Strategy<Value = Condition> {
    let claim = |(path, value): (String, String)| ClaimValue {
        path: vec![path],
        value,
    };
    let of_call = |(path, part): (String, CallPart)| {
        Condition::ClaimContainsCall(ClaimOfCall {
            path: vec![path],
            part,
        })
    };
    let leaf = prop_oneof![
        (name(), name()).prop_map(move |pair| Condition::ClaimEquals(claim(pair))),
        (name(), name()).prop_map(move |pair| Condition::ClaimContains(claim(pair))),
        (name(), name()).prop_map(move |pair| Condition::ClaimHasWord(claim(pair))),
        (name(), part()).prop_map(of_call),
        part().prop_map(Condition::CallPresent),
        (part(), name()).prop_map(|(part, value)| Condition::CallEquals(CallValue { part, value })),
        name().prop_map(move |name| match has_headers {
            true => Condition::HeaderPresent(name),
            false => Condition::ClaimPresent(vec![name]),
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

/// Of some rules, and of claims that it sends.
fn policy(has_headers: bool) -> impl Strategy<Value = CompiledPolicy> {
    let rules = prop::collection::vec(condition(has_headers), 0..3);
    let sent = prop::collection::vec(name(), 0..2);
    (rules, sent).prop_map(|(rules, sent)| compiled(rules, sent))
}

fn compiled(rules: Vec<Condition>, sent: Vec<String>) -> CompiledPolicy {
    let denial = Denial {
        status: 403,
        headers: Vec::new(),
        body: String::new(),
    };
    let rules = rules.into_iter().map(|requires| Rule {
        requires,
        denial: denial.clone(),
    });
    let sent = sent.into_iter().map(|name| SetHeader {
        name: format!("x-{name}"),
        value: vec![ValuePart::Claim(vec![name])],
    });
    let policy = Policy {
        name: "test/p".to_owned(),
        rules: rules.collect(),
        set_headers: sent.collect(),
        credential_headers: Vec::new(),
    };
    CompiledPolicy::compile(&policy, "policies[0]").unwrap()
}

/// Of a caller, one of whose claims may be such that the host cannot tell it.
fn caller(policy: &CompiledPolicy, unreadable: Option<&str>) -> Claims {
    let claims = claims(&json!({"a": "b c", "b": ["a", "c"], "c": {"a": "x"}}));
    let Some(unreadable) = unreadable else {
        return claims;
    };
    let told = json!({"a": "b c"});
    Claims::one_by_one(policy.read_claims(), |path| match path {
        [name] if *name == unreadable => Err(UnreadableClaim),
        [name] => Ok(told[name.as_str()]
            .as_str()
            .map(|text| text.as_bytes().to_vec())),
        _ => Ok(None),
    })
}

/// Whether the policy allows a call with these headers, and whether its outlook does.
fn verdicts(policy: &CompiledPolicy, claims: &Claims, sent: &[String], tool: &str) -> (bool, bool) {
    let headers = sent.iter().map(|name| (name.clone(), Vec::new()));
    let call = Call {
        method: "tools/call",
        server: "a",
        of: Part::Tool(tool),
    };
    let verdict = policy.evaluate(&Evidence {
        headers: &Headers::new(headers.collect()),
        claims,
        call: Some(call),
    });
    let allows = policy.outlook(claims).allows(&call);
    (matches!(verdict, Verdict::Allow(_)), allows)
}

proptest! {
    #[test]
    fn without_headers_the_outlook_is_the_verdict(
        policy in policy(false),
        tool in name(),
        unreadable in prop::option::of(name()),
    ) {
        // One that looks at nothing hides nothing.
        prop_assume!(policy.conceals());
        let caller = caller(&policy, unreadable.as_deref());
        let (is_allowed, allows) = verdicts(&policy, &caller, &[], &tool);
        prop_assert_eq!(is_allowed, allows);
    }

    #[test]
    fn what_some_headers_allow_is_not_hidden(
        policy in policy(true),
        tool in name(),
        unreadable in prop::option::of(name()),
        sent in prop::sample::subsequence(NAMES.map(str::to_owned).to_vec(), 0..=3),
    ) {
        let caller = caller(&policy, unreadable.as_deref());
        let (is_allowed, allows) = verdicts(&policy, &caller, &sent, &tool);
        prop_assert!(!is_allowed || allows);
    }
}

mod gateway;

use mcp_filter_config::{ClaimValue, Condition, Denial, HeaderValue, SetHeader, ValuePart};

use super::denial::wordless;
use super::{Target, compile, deny_all, reads_claims, target};
use crate::api::AuthPolicy;
use crate::manifests::{Object, parse};
use crate::object::ObjectName;

const GUIDE: &str = include_str!("../../../examples/github/part-2/step-9-route-policy.yaml");
const GUIDE_GATEWAY: &str =
    include_str!("../../../examples/github/part-2/step-8-gateway-policy.yaml");

fn policy(text: &str) -> (ObjectName, AuthPolicy) {
    let mut parsed = parse("policy.yaml", text);
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let object = parsed.objects.remove(0).object;
    let name = object.name();
    let Object::AuthPolicy(policy) = object else {
        panic!("{object:?}")
    };
    (name, *policy)
}

fn with_rules(rules: &str) -> (ObjectName, AuthPolicy) {
    let head =
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata:\n  name: p\n  namespace: ns\n";
    policy(&format!(
        "{head}spec:\n  targetRef: {{kind: HTTPRoute, name: r}}\n  rules:\n{rules}"
    ))
}

fn refusal(rules: &str) -> String {
    let (name, policy) = with_rules(rules);
    compile(&name, &policy).unwrap_err()
}

#[test]
fn the_guides_route_policy_is_enforced_byte_for_byte() {
    let (name, policy) = policy(GUIDE);
    assert_eq!(
        target(&policy),
        Target::Route("github-mcp-external".to_owned())
    );
    let compiled = compile(&name, &policy).unwrap();
    assert_eq!(compiled.name, "mcp-test/github-token-replacement-policy");
    let header = "x-github-pat".to_owned();
    let empty = HeaderValue {
        name: header.clone(),
        value: String::new(),
    };
    let requires = Condition::All(vec![
        Condition::HeaderPresent(header.clone()),
        Condition::Not(Box::new(Condition::HeaderEquals(empty))),
    ]);
    assert_eq!(compiled.rules[0].requires, Condition::All(vec![requires]));
    let body = "{\n  \"error\": \"Bad Request\",\n  \"message\": \"Missing required x-github-pat header\"\n}\n";
    let denial = Denial {
        status: 400,
        headers: vec![HeaderValue {
            name: "content-type".to_owned(),
            value: "application/json".to_owned(),
        }],
        body: body.to_owned(),
    };
    assert_eq!(compiled.rules[0].denial, denial);
    let value = vec![
        ValuePart::Literal("Bearer ".to_owned()),
        ValuePart::Header(header.clone()),
    ];
    assert_eq!(
        compiled.set_headers,
        [SetHeader {
            name: "authorization".to_owned(),
            value
        }]
    );
    assert_eq!(compiled.credential_headers, [header]);
}

#[test]
fn the_guides_gateway_policy_is_for_its_gateway() {
    assert_eq!(
        target(&policy(GUIDE_GATEWAY).1),
        Target::Gateway {
            name: "mcp-gateway".to_owned(),
            listener: Some("mcp".to_owned())
        }
    );
}

#[test]
fn a_denial_is_403_with_no_body_unless_the_policy_says_otherwise() {
    let rules =
        "    authorization:\n      a: {patternMatching: {patterns: [{predicate: 'true'}]}}\n";
    let (name, policy) = with_rules(rules);
    let compiled = compile(&name, &policy).unwrap();
    let usual = Denial {
        status: 403,
        headers: vec![],
        body: String::new(),
    };
    assert_eq!(compiled.rules[0].denial, usual);
}

#[test]
fn denials_may_have_headers_a_message_and_texts_written_as_expressions() {
    let (name, policy) = with_rules(
        "    response:\n      unauthorized:\n        code: 401\n        message: {value: no}\n        headers:\n          \
         WWW-Authenticate: {expression: '\"Bearer \" + \"a=b\"'}\n        body: {expression: '\"x\\ny\"'}\n",
    );
    // A plain `no` is a word, not a boolean, in the YAML that is read here.
    let denial = compile(&name, &policy).unwrap().rules.remove(0).denial;
    let header = |name: &str, value: &str| HeaderValue {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(denial.status, 401);
    assert_eq!(denial.headers[1], header("www-authenticate", "Bearer a=b"));
    assert_eq!(denial.headers[0].name, "x-ext-auth-reason");
    assert_eq!(denial.body, "x\ny");
}

#[test]
fn a_denial_in_json_is_told_to_be_that_unless_the_policy_says_what_it_is() {
    let content_types = |more: &str| {
        let (name, policy) = with_rules(&format!("    response:\n      unauthorized:\n{more}"));
        let headers = compile(&name, &policy)
            .unwrap()
            .rules
            .remove(0)
            .denial
            .headers;
        let values = headers
            .into_iter()
            .filter(|header| header.name == "content-type");
        values.map(|header| header.value).collect::<Vec<_>>()
    };
    let json = "        body: {value: '{\"error\": \"Bad Request\"}'}\n";
    assert_eq!(content_types(json), ["application/json"]);
    let own = "        headers: {Content-Type: {value: application/problem+json}}\n";
    assert_eq!(
        content_types(&format!("{json}{own}")),
        ["application/problem+json"]
    );
    assert!(content_types("        body: {value: Bad request}\n").is_empty());
}

#[test]
fn all_and_any_join_patterns() {
    let (name, policy) = with_rules(
        "    authorization:\n      a:\n        patternMatching:\n          patterns:\n          - any:\n            - \
         predicate: has(request.headers.a)\n            - all: []\n",
    );
    let compiled = compile(&name, &policy).unwrap();
    let any = Condition::Any(vec![
        Condition::HeaderPresent("a".to_owned()),
        Condition::All(vec![]),
    ]);
    assert_eq!(compiled.rules[0].requires, Condition::All(vec![any]));
}

#[test]
fn claims_of_the_caller_can_be_asked_for_and_sent_on() {
    let pattern = "    authorization:\n      a: {patternMatching: {patterns: [{predicate: \"auth.identity.sub == 'ann'\"}]}}\n";
    let header =
        "    response: {success: {headers: {x-user: {plain: {expression: auth.identity.sub}}}}}\n";
    let compiled = |rules: &str| {
        let (name, policy) = with_rules(rules);
        compile(&name, &policy).unwrap()
    };
    let (asking, sending) = (compiled(pattern), compiled(header));
    let path = vec!["sub".to_owned()];
    let is_ann = Condition::ClaimEquals(ClaimValue {
        path: path.clone(),
        value: "ann".to_owned(),
    });
    assert_eq!(asking.rules[0].requires, Condition::All(vec![is_ann]));
    assert_eq!(sending.set_headers[0].value, [ValuePart::Claim(path)]);
    assert!(reads_claims(&asking) && reads_claims(&sending));
    assert!(!reads_claims(&compiled("    response: {}\n")));
}

/// Rules of a route's policy, and how their refusal begins.
const UNSUPPORTED: [(&str, &str); 14] = [
    (
        "    authentication: {a: {anonymous: {}}}\n",
        "spec.rules.authentication: unknown field",
    ),
    (
        "    authorization: {a: {opa: {rego: x}}}\n",
        "spec.rules.authorization.a.opa: unknown field",
    ),
    (
        "    authorization:\n      a:\n        when: [{predicate: 'true'}]\n        patternMatching: {patterns: []}\n",
        "spec.rules.authorization.a.when: unknown field",
    ),
    (
        "    authorization: {a: {patternMatching: {patterns: [{selector: x, operator: eq, value: y}]}}}\n",
        "spec.rules.authorization.a.patternMatching.patterns[0].operator: unknown field",
    ),
    (
        "    authorization: {a: {patternMatching: {patterns: [{}]}}}\n",
        "spec.rules.authorization.a.patternMatching.patterns[0]: one of predicate, all and any must be given",
    ),
    (
        "    authorization: {a: {patternMatching: {patterns: [{predicate: \"has(request.headers.a) &&\\n request.path == 'b'\"}]}}}\n",
        "spec.rules.authorization.a.patternMatching.patterns[0].predicate, line 2, column 15: ",
    ),
    (
        "    metadata: {a: {}}\n",
        "spec.rules.metadata: unknown field",
    ),
    (
        "    response: {success: {filters: {}}}\n",
        "spec.rules.response.success.filters: unknown field",
    ),
    (
        "    response: {success: {headers: {a: {json: {}}}}}\n",
        "spec.rules.response.success.headers.a.json: unknown field",
    ),
    (
        "    response: {success: {headers: {a: {plain: {expression: auth.metadata.sub}}}}}\n",
        "spec.rules.response.success.headers.a.plain.expression, line 1, column 14: ",
    ),
    (
        "    response: {success: {headers: {Host: {plain: {value: a}}}}}\n",
        "spec.rules.response.success.headers.Host: host is the gateway's own to set",
    ),
    (
        "    response: {unauthorized: {code: 302}}\n",
        "spec.rules.response.unauthorized.code 302: ",
    ),
    (
        "    response: {unauthorized: {body: {expression: request.path}}}\n",
        "spec.rules.response.unauthorized.body.expression, line 1, column 8: ",
    ),
    (
        "    response: {unauthorized: {headers: {a: {value: \"b\\nc\"}}}}\n",
        "spec.rules.response.unauthorized.headers.a: the value has a character",
    ),
];

#[test]
fn whatever_is_not_supported_is_named() {
    for (rules, expected) in UNSUPPORTED {
        let refusal = refusal(rules);
        assert!(refusal.starts_with(expected), "{refusal}\n{expected}");
    }
}

#[test]
fn conditions_on_the_whole_policy_are_refused() {
    let head = "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata:\n  name: p\nspec:\n  targetRef: {kind: HTTPRoute, name: r}\n";
    for rest in [
        "  when: [{predicate: 'false'}]\n",
        "  defaults: {}\n",
        "  overrides: {}\n",
        "  patterns: {}\n",
    ] {
        let (name, policy) = policy(&format!("{head}{rest}"));
        let refusal = compile(&name, &policy).unwrap_err();
        assert!(refusal.contains("unknown field"), "{refusal}");
    }
}

#[test]
fn what_cannot_be_enforced_denies_and_keeps_its_credentials_from_others() {
    let (name, policy) = policy(&GUIDE.replace("patternMatching", "opa"));
    assert!(compile(&name, &policy).is_err());
    let denying = deny_all(&name, &policy);
    assert_eq!(denying.rules[0].requires, Condition::Any(vec![]));
    assert_eq!(denying.rules[0].denial, wordless(403));
    assert!(denying.set_headers.is_empty());
    assert_eq!(denying.credential_headers, ["x-github-pat"]);
}

#[test]
fn a_policy_without_a_readable_target_is_for_everything() {
    for spec in [
        "{}",
        "[]",
        "{targetRef: 3}",
        "{targetRef: {kind: HTTPRoute}}",
    ] {
        let head = "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata:\n  name: p\n";
        assert_eq!(
            target(&policy(&format!("{head}spec: {spec}\n")).1),
            Target::Unreadable,
            "{spec}"
        );
    }
}

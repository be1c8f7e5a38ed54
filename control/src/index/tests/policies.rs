use mcp_filter_config::{Condition, ValuePart};

use super::{Manifests, SERVER, registration};
use crate::index::{Denied, Index};
use crate::verdict::Reason::PolicyUnsupported;

/// A policy for a kind and name, with these rules.
fn policy(name: &str, target: &str, rules: &str) -> String {
    let namespace = if target.contains("Gateway") {
        "infra"
    } else {
        "team"
    };
    format!(
        "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  targetRef: {{group: gateway.networking.k8s.io, {target}}}
  rules: {rules}
"
    )
}

const ROUTE: &str = "kind: HTTPRoute, name: a";
const GATEWAY: &str = "kind: Gateway, name: gw";
const SWAP: &str = "
    authorization:
      has-pat: {patternMatching: {patterns: [{predicate: 'request.headers[\"x-pat\"] != \"\"'}]}}
    response:
      unauthorized: {code: 400, body: {value: no pat}}
      success: {headers: {Authorization: {plain: {expression: '\"Bearer \" + request.headers[\"x-pat\"]'}}}}";
/// What no policy here can say.
const ODD: &str = "{metadata: {a: {}}}";

fn denied(index: &Index, name: &str) -> Option<Denied> {
    registration(index, name)
        .outcome
        .as_ref()
        .unwrap()
        .denied
        .clone()
}

fn places(index: &Index, name: &str) -> Vec<u32> {
    registration(index, name)
        .outcome
        .as_ref()
        .unwrap()
        .policies
        .clone()
}

fn denies_everything(index: &Index, place: u32) -> bool {
    let rule = &index.policies[place as usize].rules[0];
    rule.requires == Condition::Any(Vec::new()) && rule.denial.status == 403
}

#[test]
fn a_routes_policy_holds_for_its_registration_alone() {
    let index = Manifests::one_server()
        .server("b")
        .with(&policy("swap", ROUTE, SWAP))
        .index();
    assert_eq!(
        (places(&index, "a"), places(&index, "b")),
        (vec![0], vec![])
    );
    assert!(index.notices.is_empty());
    let [policy] = &index.policies[..] else {
        panic!()
    };
    assert_eq!(policy.name, "team/swap");
    assert_eq!(policy.rules[0].denial.status, 400);
    assert_eq!(policy.rules[0].denial.body, "no pat");
    assert_eq!(policy.set_headers[0].name, "authorization");
    let parts = [
        ValuePart::Literal("Bearer ".to_owned()),
        ValuePart::Header("x-pat".to_owned()),
    ];
    assert_eq!(policy.set_headers[0].value, parts);
    assert_eq!(policy.credential_headers, ["x-pat"]);
}

#[test]
fn of_several_policies_of_a_route_the_oldest_holds() {
    let aged = |name: &str, created: &str, rules: &str| {
        let created = format!("name: {name}, creationTimestamp: '2026-01-{created}T00:00:00Z'");
        policy(name, ROUTE, rules).replace(&format!("name: {name}"), &created)
    };
    let manifests = Manifests::one_server()
        .with(&aged("a-new", "02", ODD))
        .with(&aged("b-old", "01", SWAP));
    let index = manifests.index();
    let [place] = <[u32; 1]>::try_from(places(&index, "a")).unwrap();
    assert_eq!(index.policies[place as usize].name, "team/b-old");
    assert_eq!(denied(&index, "a"), None);
    let told = "refused AuthPolicy team/a-new: Conflicted: AuthPolicy team/b-old is for HTTPRoute team/a, too, and is \
                older, so it alone holds: take one of them out";
    assert_eq!(manifests.notices(), [told]);
    let without_age = Manifests::one_server()
        .with(&policy("second", ROUTE, ODD))
        .with(&policy("first", ROUTE, SWAP))
        .index();
    let [place] = <[u32; 1]>::try_from(places(&without_age, "a")).unwrap();
    assert_eq!(without_age.policies[place as usize].name, "team/first");
    // What was a credential while the younger one held reaches no server now either.
    let bare = "{authorization: {a: {patternMatching: {patterns: [{predicate: 'true'}]}}}}";
    let younger = Manifests::one_server()
        .with(&policy("a-old", ROUTE, bare))
        .with(&policy("b-new", ROUTE, SWAP))
        .index();
    let kept = younger
        .policies
        .iter()
        .flat_map(|policy| &policy.credential_headers);
    assert_eq!(kept.collect::<Vec<_>>(), ["x-pat"]);
}

#[test]
fn a_policy_that_cannot_be_enforced_denies_what_it_is_for_and_nothing_else() {
    let manifests = Manifests::one_server()
        .server("b")
        .with(&policy("odd", ROUTE, ODD));
    let index = manifests.index();
    let what = "AuthPolicy team/odd: PolicyUnsupported: spec.rules.metadata: unknown field `metadata`, expected \
                `authorization` or `response`. All requests to HTTPRoute team/a are denied until the policy is changed";
    assert_eq!(manifests.notices(), [format!("refused {what}")]);
    let found = denied(&index, "a").unwrap();
    assert_eq!(found.fault.reason, PolicyUnsupported);
    assert!(
        found
            .fault
            .message
            .starts_with("AuthPolicy team/odd: spec.rules.metadata: "),
        "{}",
        found.fault
    );
    assert!(!found.hidden);
    assert!(denies_everything(&index, places(&index, "a")[0]));
    assert_eq!(denied(&index, "b"), None);
    assert!(places(&index, "b").is_empty());
}

#[test]
fn a_policy_that_only_the_filter_would_refuse_denies_alone_too() {
    let large = "x".repeat(64 * 1024 + 1);
    let header = |names: [&str; 2]| {
        let one = |name: &str| format!("{name}: {{plain: {{value: x}}}}");
        format!(
            "{{response: {{success: {{headers: {{{}, {}}}}}}}}}",
            one(names[0]),
            one(names[1])
        )
    };
    let cases = [
        format!("{{response: {{unauthorized: {{body: {{value: {large}}}}}}}}}"),
        "{response: {unauthorized: {headers: {keep-alive: {value: x}}}}}".to_owned(),
        header(["x-a", "X-A"]),
        header(["keep-alive", "x-a"]),
    ];
    for rules in cases {
        let manifests = Manifests::one_server()
            .server("b")
            .with(&policy("odd", ROUTE, &rules));
        let index = manifests.index();
        let fault = denied(&index, "a").unwrap().fault;
        let text = fault.message.chars().take(60).collect::<String>();
        assert!(
            text.starts_with("AuthPolicy team/odd: the filter refuses it: "),
            "{text}"
        );
        assert_eq!(denied(&index, "b"), None);
        let rendered = crate::render::render(&index, &Default::default(), &Default::default());
        assert!(rendered.is_ok(), "{rendered:?}");
    }
}

#[test]
fn a_gateways_policy_denies_and_hides_all_that_the_gateway_serves() {
    let manifests = Manifests::one_server()
        .server("b")
        .with(&policy("oidc", GATEWAY, "{}"));
    let index = manifests.index();
    for name in ["a", "b"] {
        let found = denied(&index, name).unwrap();
        assert!(found.hidden);
        assert!(denies_everything(&index, places(&index, name)[0]));
    }
    let told = "refused AuthPolicy infra/oidc: PolicyUnsupported: spec.rules.authentication: a policy of a Gateway must \
                say whose tokens are taken: add a rule with jwt.issuerUrl. Nothing of Gateway infra/gw is listed and all \
                its calls are denied until the policy is changed";
    assert_eq!(manifests.notices(), [told]);
}

#[test]
fn a_policy_of_a_gateway_that_does_not_exist_is_refused() {
    let manifests =
        Manifests::one_server().with(&policy("oidc", "kind: Gateway, name: other", "{}"));
    let told = "refused AuthPolicy infra/oidc: TargetNotFound: Gateway infra/other, for which it is, does not exist: a \
                policy stands in its Gateway's namespace";
    assert_eq!(manifests.notices(), [told]);
    assert_eq!(denied(&manifests.index(), "a"), None);
}

#[test]
fn a_policy_of_a_gateway_that_serves_no_mcp_is_told_to_have_no_effect() {
    let other = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: infra}
spec:
  gatewayClassName: istio
  listeners: [{name: web, port: 80, protocol: HTTP}]
";
    let manifests = Manifests::one_server().with(other).with(&policy(
        "oidc",
        "kind: Gateway, name: other",
        "{}",
    ));
    let told = "accepted AuthPolicy infra/oidc: Unsupported: Gateway infra/other serves no MCP, so it has no effect here";
    assert_eq!(manifests.notices(), [told]);
    assert_eq!(denied(&manifests.index(), "a"), None);
}

#[test]
fn a_policy_of_a_route_that_no_registration_has_is_told_to_have_no_effect() {
    let bare = SERVER
        .replace("NAME", "b")
        .replace("targetRef: {name: b}", "targetRef: {name: a}");
    let manifests =
        Manifests::one_server()
            .with(&bare)
            .with(&policy("odd", "kind: HTTPRoute, name: b", ODD));
    let told = "accepted AuthPolicy team/odd: Unsupported: no registration leads to HTTPRoute team/b, so it has no \
                effect here";
    assert_eq!(manifests.notices(), [told]);
    assert_eq!(denied(&manifests.index(), "a"), None);
}

#[test]
fn a_policy_of_a_route_that_does_not_exist_is_refused() {
    let manifests = Manifests::one_server().with(&policy("swap", "kind: HTTPRoute, name: x", SWAP));
    let told = "refused AuthPolicy team/swap: TargetNotFound: HTTPRoute team/x, for which it is, does not exist: a \
                policy stands in its route's namespace";
    assert_eq!(manifests.notices(), [told]);
}

#[test]
fn a_misspelt_kind_denies_what_has_the_name() {
    let manifests =
        Manifests::one_server()
            .server("b")
            .with(&policy("swap", "kind: HttpRoute, name: a", SWAP));
    let index = manifests.index();
    assert!(denies_everything(&index, places(&index, "a")[0]));
    assert_eq!(denied(&index, "b"), None);
    let told = "refused AuthPolicy team/swap: PolicyUnsupported: it is for HttpRoute a; a policy is for an HTTPRoute or \
                a Gateway: correct spec.targetRef.kind. All requests to what is named team/a are denied until then";
    assert_eq!(manifests.notices(), [told]);
}

#[test]
fn a_policy_for_something_else_harms_nobody() {
    let manifests = Manifests::one_server().with(&policy("swap", "kind: Service, name: x", SWAP));
    let told = "refused AuthPolicy team/swap: TargetUnsupported: it is for Service x; a policy is for an HTTPRoute or a \
                Gateway: correct spec.targetRef.kind";
    assert_eq!(manifests.notices(), [told]);
    assert_eq!(denied(&manifests.index(), "a"), None);
}

#[test]
fn a_policy_that_does_not_say_what_it_is_for_denies_all_of_its_namespace() {
    let servers = Manifests::one_server().server("b");
    let lost = |namespace: &str| {
        let policy = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: lost, namespace: NAMESPACE}
spec: {}
";
        servers
            .clone()
            .with(&policy.replace("NAMESPACE", namespace))
    };
    for (namespace, is_hidden, target) in [
        (
            "elsewhere",
            None,
            "all of the HTTPRoutes and Gateways of namespace elsewhere",
        ),
        (
            "team",
            Some(false),
            "all of the HTTPRoutes and Gateways of namespace team",
        ),
        (
            "infra",
            Some(true),
            "all of the HTTPRoutes and Gateways of namespace infra",
        ),
        ("''", Some(true), "everything"),
    ] {
        let manifests = lost(namespace);
        let index = manifests.index();
        for name in ["a", "b"] {
            let denied = denied(&index, name);
            assert_eq!(denied.map(|denied| denied.hidden), is_hidden, "{namespace}");
            if is_hidden.is_some() {
                assert!(denies_everything(&index, places(&index, name)[0]));
            }
        }
        let told = manifests.notices().remove(0);
        let said = format!(
            "PolicyUnsupported: it cannot be read, so {target} is denied until it can: correct it"
        );
        assert!(told.ends_with(&said), "{told}");
    }
}

#[test]
fn policies_of_a_name_that_is_there_twice_all_hold() {
    let index = Manifests::one_server()
        .with(&policy("one", ROUTE, SWAP))
        .with(&policy("one", ROUTE, ODD))
        .index();
    assert_eq!(places(&index, "a").len(), 2);
    assert!(denied(&index, "a").is_some());
}

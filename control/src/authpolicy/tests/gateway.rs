use mcp_filter_config::{Authentication, ClaimValue, Condition, Denial, HeaderValue, Issuer};

use super::{GUIDE_GATEWAY, policy};
use crate::authpolicy::{authentication, checks_audience, closed};

const KEYCLOAK: &str = "keycloak: {jwt: {issuerUrl: 'https://keycloak.example/realms/mcp'}}";

/// What the rest of a policy's specification says, for an endpoint at `/mcp`.
fn compiled(rest: &str) -> Result<Authentication, String> {
    let head =
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {name: p, namespace: ns}\nspec:\n";
    let (name, policy) = policy(&format!(
        "{head}  targetRef: {{kind: Gateway, name: g}}\n{rest}"
    ));
    authentication(&name, &policy, "/mcp")
}

/// With rules beside Keycloak's.
fn with_rules(rules: &str) -> Authentication {
    compiled(&format!(
        "  rules:\n    authentication: {{{KEYCLOAK}}}\n{rules}"
    ))
    .unwrap()
}

fn issuer(url: &str) -> Issuer {
    Issuer {
        issuer: url.to_owned(),
        audiences: Vec::new(),
    }
}

fn header(name: &str, value: &str) -> HeaderValue {
    HeaderValue {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn the_guides_gateway_policy_is_enforced_byte_for_byte() {
    let (name, policy) = policy(GUIDE_GATEWAY);
    let compiled = authentication(&name, &policy, "/mcp").unwrap();
    let metadata = "Bearer resource_metadata=http://mcp.127-0-0-1.sslip.io:8001/.well-known/oauth-protected-resource/mcp";
    let body = "{\n  \"error\": \"Unauthorized\",\n  \"message\": \"Access denied: Authentication required.\"\n}\n";
    let denial = Denial {
        status: 401,
        headers: vec![
            header("www-authenticate", metadata),
            header("content-type", "application/json"),
        ],
        body: body.to_owned(),
    };
    let expected = Authentication {
        policy: "gateway-system/mcp-auth-policy".to_owned(),
        issuers: vec![issuer(
            "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp",
        )],
        denial,
        tells_metadata: false,
        rules: Vec::new(),
    };
    assert_eq!(compiled, expected);
}

#[test]
fn without_words_of_its_own_a_policy_asks_for_a_bearer_token() {
    let silent = with_rules("");
    assert!(silent.tells_metadata);
    let expected = Denial {
        status: 401,
        headers: vec![header("www-authenticate", "Bearer realm=\"keycloak\"")],
        body: String::new(),
    };
    assert_eq!(silent.denial, expected);
    let with_body =
        with_rules("    response: {unauthenticated: {code: 403, body: {value: 'no token'}}}\n");
    assert!(with_body.tells_metadata);
    assert_eq!(
        (with_body.denial.status, with_body.denial.body.as_str()),
        (403, "no token")
    );
    assert_eq!(with_body.denial.headers, expected.headers);
    let with_headers =
        with_rules("    response: {unauthenticated: {headers: {x-a: {value: b}}}}\n");
    assert!(!with_headers.tells_metadata);
    assert_eq!(with_headers.denial.headers, [header("x-a", "b")]);
}

#[test]
fn tokens_of_each_issuer_that_is_named_are_taken() {
    let two = "  rules:\n    authentication:\n      b: {jwt: {issuerUrl: 'http://b.example', ttl: 60}, priority: 1}\n      \
               a: {jwt: {issuerUrl: 'https://a.example/'}, metrics: true}\n      \
               c: {jwt: {issuerUrl: 'http://b.example'}, credentials: {authorizationHeader: {prefix: Bearer}}}\n";
    let compiled = compiled(two).unwrap();
    let issuers = [issuer("https://a.example/"), issuer("http://b.example")];
    assert_eq!(compiled.issuers, issuers);
    let challenges = ["a", "b", "c"].map(|realm| {
        let challenge = format!("Bearer realm=\"{realm}\"");
        header("www-authenticate", &challenge)
    });
    assert_eq!(compiled.denial.headers, challenges);
}

#[test]
fn who_has_a_token_may_still_be_unauthorized() {
    let pattern = "    authorization:\n      a: {patternMatching: {patterns: [{predicate: '\"mcp\" in auth.identity.groups'}]}}\n";
    let [rule] = <[_; 1]>::try_from(with_rules(pattern).rules).unwrap();
    let in_group = Condition::ClaimContains(ClaimValue {
        path: vec!["groups".to_owned()],
        value: "mcp".to_owned(),
    });
    assert_eq!(rule.requires, Condition::All(vec![in_group]));
    assert_eq!((rule.denial.status, rule.denial.headers.len()), (403, 0));
    let told = format!("{pattern}    response: {{unauthorized: {{code: 401}}}}\n");
    assert_eq!(with_rules(&told).rules[0].denial.status, 401);
}

#[test]
fn an_audience_can_be_asked_for_by_a_pattern() {
    let pattern = |predicate: &str| {
        format!(
            "    authorization: {{a: {{patternMatching: {{patterns: [{{predicate: \"{predicate}\"}}]}}}}}}\n"
        )
    };
    let checks = |predicate: &str| checks_audience(&with_rules(&pattern(predicate)));
    assert!(!checks_audience(&with_rules("")));
    assert!(!checks("auth.identity.sub == 'aud'"));
    assert!(checks(
        "auth.identity.aud == 'mcp' || 'mcp' in auth.identity.aud"
    ));
}

#[test]
fn a_condition_that_holds_for_the_endpoint_leaves_out_nothing_of_it() {
    let with_when = |predicate: &str| {
        let when = format!("  when: [{{predicate: \"{predicate}\"}}]\n");
        compiled(&format!(
            "{when}  rules: {{authentication: {{{KEYCLOAK}}}}}\n"
        ))
    };
    assert!(with_when("request.path.startsWith('/mcp')").is_ok());
    let refusal = with_when("request.path.contains('/.well-known')").unwrap_err();
    let expected = "spec.when[0].predicate: it is false for /mcp, so anybody could use the MCP endpoint itself";
    assert!(refusal.starts_with(expected), "{refusal}");
    let refusal = with_when("request.path == '/mcp' && request.method == 'POST'").unwrap_err();
    let expected = "spec.when[0].predicate, line 1, column 34: this is not supported";
    assert!(refusal.starts_with(expected), "{refusal}");
}

fn assert_refused(rest: &str, expected: &str) {
    let refusal = compiled(rest).unwrap_err();
    assert!(refusal.starts_with(expected), "{refusal}\n{expected}");
}

#[test]
fn whatever_is_not_supported_of_an_authentication_is_named() {
    let rule = |rule: &str| format!("  rules: {{authentication: {{a: {rule}}}}}\n");
    let url = "jwt: {issuerUrl: 'https://a.example'}";
    for (rest, expected) in [
        (
            "  rules: {}\n".to_owned(),
            "spec.rules.authentication: a policy of a Gateway must say whose",
        ),
        (
            rule("{anonymous: {}}"),
            "spec.rules.authentication.a.anonymous: unknown field",
        ),
        (
            rule("{jwt: {jwksUrl: 'https://a.example'}}"),
            "spec.rules.authentication.a.jwt.jwksUrl: unknown field",
        ),
        (
            rule("{jwt: {issuerUrl: a.example}}"),
            "spec.rules.authentication.a.jwt.issuerUrl: \"a.example\" must be a URL",
        ),
        (
            rule("{jwt: {issuerUrl: 'https://a.example?b'}}"),
            "spec.rules.authentication.a.jwt.issuerUrl: ",
        ),
        (
            rule(&format!("{{{url}, credentials: {{cookie: {{name: a}}}}}}")),
            "spec.rules.authentication.a.credentials.cookie: unknown field",
        ),
        (
            rule(&format!(
                "{{{url}, credentials: {{authorizationHeader: {{prefix: JWT}}}}}}"
            )),
            "spec.rules.authentication.a.credentials.authorizationHeader.prefix: ",
        ),
        (
            rule(&format!("{{{url}, overrides: {{}}}}")),
            "spec.rules.authentication.a.overrides: unknown field",
        ),
        (
            rule(&format!("{{{url}, cache: {{key: {{value: a}}}}}}")),
            "spec.rules.authentication.a.cache: unknown field",
        ),
        (
            rule(&format!("{{{url}, when: []}}")),
            "spec.rules.authentication.a.when: unknown field",
        ),
    ] {
        assert_refused(&rest, expected);
    }
}

#[test]
fn whatever_else_is_not_supported_of_a_gateways_policy_is_named() {
    let rules = |rules: &str| format!("  rules: {{authentication: {{{KEYCLOAK}}}, {rules}}}\n");
    for (rest, expected) in [
        (
            rules("response: {success: {}}"),
            "spec.rules.response.success: unknown field",
        ),
        (
            rules("response: {unauthenticated: {code: 302}}"),
            "spec.rules.response.unauthenticated.code 302: ",
        ),
        (rules("metadata: {}"), "spec.rules.metadata: unknown field"),
        (
            "  defaults: {}\n".to_owned(),
            "spec.defaults: unknown field",
        ),
        (
            "  overrides: {}\n".to_owned(),
            "spec.overrides: unknown field",
        ),
    ] {
        assert_refused(&rest, expected);
    }
}

#[test]
fn what_cannot_be_enforced_lets_nobody_in() {
    let closed = closed("ns/p".to_owned());
    assert_eq!(closed.issuers, []);
    assert_eq!(
        (closed.policy.as_str(), closed.denial.status),
        ("ns/p", 403)
    );
}

//! Endpoints that not everybody may use.

mod refused_tokens;

use std::rc::Rc;

use mcp_filter_config::PluginConfig;
use serde_json::{Value, json};

use super::driver::*;
use crate::claims::Claims;
use crate::exchange::Exchange;
use crate::step::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const READY: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":"x","result":{}}"#;
const CHALLENGE: &str =
    r#"Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource""#;
const DENIAL: &str = "{\n  \"error\": \"Unauthorized\" }\n";

/// Tokens of one issuer for one audience, and of another one for any.
pub(super) fn guard(config: &mut PluginConfig) {
    config.requires.push("authentication".to_owned());
    let authentication = json!({
        "policy": "test/auth",
        "issuers": [
            {"issuer": "https://issuer", "audiences": ["mcp", "gateway"]},
            {"issuer": "https://other"},
        ],
        "denial": {
            "status": 401,
            "headers": [
                {"name": "www-authenticate", "value": CHALLENGE},
                {"name": "content-type", "value": "application/json"},
                {"name": "www-authenticate", "value": "Basic"},
            ],
            "body": DENIAL,
        },
    });
    config.endpoints[0].authentication = serde_json::from_value(authentication).unwrap();
}

fn guarded() -> Gateway {
    Gateway::with(guard)
}

fn with_rules(rules: Value) -> Gateway {
    Gateway::with(|config| {
        guard(config);
        let authentication = config.endpoints[0].authentication.as_mut().unwrap();
        authentication.rules = serde_json::from_value(rules).unwrap();
    })
}

/// Those of a token that expires.
fn expiring(mut token: Value) -> Claims {
    token["exp"] = json!(4_102_444_800_u64);
    claims(&token)
}

fn ada() -> Claims {
    expiring(json!({"iss": "https://issuer", "sub": "ada", "aud": "mcp", "groups": ["users"]}))
}

fn assert_denied(response: &LocalResponse) {
    let names: Vec<&str> = response.headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(response.status, 401);
    assert_eq!(
        names,
        ["www-authenticate", "content-type", "www-authenticate"]
    );
    assert_eq!(
        header(&response.headers, "www-authenticate").unwrap(),
        CHALLENGE
    );
    assert_eq!(text(&response.body), DENIAL);
}

/// Headers of a request, as far as its body.
fn begin(gateway: &mut Gateway, headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = Exchange::new(Rc::clone(&gateway.table));
    let head = request_headers("POST", headers);
    let step = gateway.lend(|context| exchange.on_request_headers(head, false, context));
    assert_eq!(step, RequestStep::Hold);
    exchange
}

#[test]
fn nobody_gets_in_without_a_token() {
    let mut gateway = guarded();
    let large = format!(r#"{{"a":"{}"#, "x".repeat(70_000));
    for body in [
        PING,
        READY,
        ANSWER,
        "",
        "]",
        "[]",
        &large,
        &initialize("2025-11-25", "{}"),
        &call("github_get_me"),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#,
    ] {
        assert_denied(&gateway.answer(&[PAT], body));
    }
    for verb in ["DELETE", "GET", "HEAD", "PUT", "OPTIONS", "PATCH", "POSTS"] {
        assert_denied(&gateway.answer(&[(":method", verb), ("mcp-session-id", "x")], ""));
    }
    for path in [
        "/mcp?x=/.well-known",
        "/mcp?/.well-known/oauth-protected-resource",
    ] {
        assert_denied(&gateway.answer(&[(":path", path)], PING));
    }
}

#[test]
fn a_token_of_another_issuer_or_for_another_audience_opens_nothing() {
    let mut gateway = guarded();
    for token in [
        json!({}),
        json!({"sub": "ada", "aud": "mcp"}),
        json!({"iss": "https://issuer"}),
        json!({"iss": "https://issuer", "aud": "MCP"}),
        json!({"iss": "https://issuer", "aud": "mcp gateway"}),
        json!({"iss": "https://issuer", "aud": ["other"]}),
        json!({"iss": "https://issuer", "aud": []}),
        json!({"iss": "https://issuer", "aud": {"mcp": "x"}}),
        json!({"iss": ["https://issuer"], "aud": "mcp"}),
        json!({"iss": "https://issuer/", "aud": "mcp"}),
        json!({"iss": "https://evil", "aud": "mcp"}),
    ] {
        gateway.claims = expiring(token);
        assert_denied(&gateway.answer(&[], PING));
    }
    for token in [
        json!({"iss": "https://issuer", "aud": "gateway"}),
        json!({"iss": "https://issuer", "aud": ["other", "mcp"]}),
        json!({"iss": "https://other"}),
        json!({"iss": "https://other", "aud": "anything"}),
    ] {
        gateway.claims = expiring(token.clone());
        assert_eq!(gateway.answer(&[], PING).status, 200, "{token}");
    }
}

#[test]
fn a_token_that_never_expires_opens_nothing() {
    let mut gateway = guarded();
    for token in [
        json!({"iss": "https://issuer", "aud": "mcp"}),
        json!({"iss": "https://issuer", "aud": "mcp", "nbf": 1, "iat": 1}),
        json!({"iss": "https://issuer", "aud": "mcp", "exp": 0}),
        json!({"iss": "https://issuer", "aud": "mcp", "exp": -0.0}),
        json!({"iss": "https://issuer", "aud": "mcp", "exp": 0.5}),
        json!({"iss": "https://issuer", "aud": "mcp", "exp": "4102444800"}),
    ] {
        gateway.claims = claims(&token);
        assert_denied(&gateway.answer(&[], PING));
    }
    gateway.claims = ada();
    assert_eq!(gateway.answer(&[], PING).status, 200);
}

#[test]
fn a_denial_can_say_where_tokens_are_had() {
    let with = |is_told: bool, resource: Value| {
        Gateway::with(|config| {
            guard(config);
            let endpoint = &mut config.endpoints[0];
            endpoint.protected_resource = serde_json::from_value(resource).unwrap();
            let authentication = endpoint.authentication.as_mut().unwrap();
            authentication.denial.headers[0].value = "Bearer realm=\"a\"".to_owned();
            authentication.denial.headers[2].value = "Bearer realm=\"b\"".to_owned();
            authentication.tells_metadata = is_told;
        })
    };
    let resource = json!({"members": "{}"});
    let elsewhere = json!({"resource": "https://mcp.example.com/x", "members": "{}"});
    let here =
        r#", resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource/mcp""#;
    let there =
        r#", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;
    for (is_told, resource, expected) in [
        (true, &resource, here),
        (true, &elsewhere, there),
        (true, &Value::Null, ""),
        (false, &resource, ""),
    ] {
        let mut gateway = with(is_told, resource.clone());
        let response = gateway.answer(&[(":authority", "localhost:8001")], PING);
        let told: Vec<_> = response
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .map(|(_, value)| text(value))
            .collect();
        let challenges = ["a", "b"].map(|realm| format!("Bearer realm=\"{realm}\"{expected}"));
        assert_eq!(told, challenges);
    }
}

#[test]
fn where_no_issuer_is_named_no_token_opens_anything() {
    let mut gateway = Gateway::with(|config| {
        guard(config);
        let authentication = config.endpoints[0].authentication.as_mut().unwrap();
        authentication.issuers.clear();
    });
    for token in [
        json!({}),
        json!({"iss": "", "aud": "mcp"}),
        json!({"iss": "https://issuer", "aud": "mcp"}),
    ] {
        gateway.claims = expiring(token);
        assert_denied(&gateway.answer(&[], PING));
    }
}

#[test]
fn with_a_token_all_is_as_without_authentication() {
    let mut gateway = guarded();
    gateway.claims = ada();
    assert_eq!(gateway.answer(&[], PING).status, 200);
    assert_eq!(gateway.answer(&[], READY).status, 202);
    assert_eq!(gateway.answer(&[], "").status, 400);
    assert_eq!(gateway.answer(&[(":method", "GET")], "").status, 405);
    assert_eq!(gateway.answer(&[(":method", "DELETE")], "").status, 400);
    let session = gateway.session();
    let ended = [(":method", "DELETE"), ("mcp-session-id", &session)];
    released(gateway.post(&[PAT], &call("github_get_me")).1);
    assert_eq!(gateway.answer(&ended, "").status, 204);
}

#[test]
fn a_request_without_a_body_waits_until_it_is_known_who_sends_it() {
    let mut gateway = guarded();
    for (verb, status) in [("POST", 400), ("GET", 405), ("DELETE", 400), ("PUT", 405)] {
        for (token, status) in [(Claims::NONE, 401), (ada(), status)] {
            gateway.claims = token;
            let asked = gateway.claims_asked;
            let mut exchange = Exchange::new(Rc::clone(&gateway.table));
            let head = request_headers(verb, &[]);
            let step = gateway.lend(|context| exchange.on_request_headers(head, true, context));
            assert_eq!(step, RequestStep::Hold, "{verb}");
            assert_eq!(gateway.claims_asked, asked);
            let step = gateway.lend(|context| exchange.on_held_body(Vec::new(), true, context));
            let RequestStep::Respond(response) = step else {
                panic!("{verb}: {step:?}")
            };
            assert_eq!(response.status, status, "{verb}");
        }
    }
}

#[test]
fn another_caller_with_a_token_has_no_part_in_a_session() {
    let mut gateway = guarded();
    gateway.claims = ada();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    gateway.claims = expiring(json!({"iss": "https://issuer", "sub": "mallory", "aud": "mcp"}));
    assert_eq!(gateway.answer(&headers, PING).status, 404);
    gateway.claims = Claims::NONE;
    assert_denied(&gateway.answer(&headers, PING));
    gateway.claims = ada();
    assert_eq!(gateway.answer(&headers, PING).status, 200);
}

#[test]
fn a_small_body_is_taken_to_its_end_before_its_caller_is_refused() {
    let mut gateway = guarded();
    let mut exchange = begin(&mut gateway, &[]);
    let mut feed = |gateway: &mut Gateway, piece: &str, end| {
        gateway.lend(|context| exchange.on_held_body(piece.into(), end, context))
    };
    for _ in 0..10 {
        let step = feed(&mut gateway, "]]}}{", false);
        assert_eq!(step, RequestStep::Hold);
    }
    let RequestStep::Respond(response) = feed(&mut gateway, "", true) else {
        panic!("not refused")
    };
    assert_denied(&response);
    assert_eq!(gateway.claims_asked, 1);
}

#[test]
fn a_large_body_is_not_waited_for() {
    let mut gateway = guarded();
    let announced = [("content-length", "70000")];
    let mut exchange = begin(&mut gateway, &announced);
    let step = gateway.lend(|context| exchange.on_held_body(b"{".to_vec(), false, context));
    assert!(matches!(step, RequestStep::Respond(_)));

    let mut exchange = begin(&mut gateway, &[]);
    let mut steps = 0;
    while holds(&gateway.lend(|context| exchange.on_held_body(vec![b' '; 1024], false, context))) {
        steps += 1;
    }
    assert_eq!(steps, 63);
}

#[test]
fn a_request_with_two_tokens_is_refused() {
    let mut gateway = guarded();
    gateway.claims = ada();
    for values in [
        &["Bearer a", "Bearer b"][..],
        &["Bearer a", "Bearer a"],
        &["Bearer a,Bearer b"],
        &["Bearer a, bearer b"],
        &["Basic a,Bearer b"],
        &["", "Bearer a"],
    ] {
        let headers: Vec<_> = values
            .iter()
            .map(|value| ("authorization", *value))
            .collect();
        assert_denied(&gateway.answer(&headers, PING));
    }
    for value in ["Bearer a", "Digest username=\"a\", realm=\"b\"", ""] {
        let response = gateway.answer(&[("authorization", value)], PING);
        assert_eq!(response.status, 200, "{value}");
    }
    let mut open = Gateway::new();
    let two = [("authorization", "a"), ("authorization", "b")];
    assert_eq!(open.answer(&two, PING).status, 200);
}

#[test]
fn the_first_rule_that_does_not_hold_denies() {
    let mut gateway = with_rules(json!([
        {"requires": {"headerPresent": "x-tenant"}, "denial": {"status": 400, "body": "no tenant"}},
        {"requires": {"claimContains": {"path": ["groups"], "value": "admins"}}, "denial": {"status": 403}},
        {"requires": {"claimHasWord": {"path": ["scope"], "value": "mcp"}}, "denial": {"status": 403, "headers": [{"name": "x-why", "value": "scope"}]}},
    ]));
    let tenant = ("x-tenant", "a");
    assert_denied(&gateway.answer(&[], PING));
    gateway.claims = ada();
    let response = gateway.answer(&[], PING);
    assert_eq!((response.status, text(&response.body)), (400, "no tenant"));
    let response = gateway.answer(&[tenant], PING);
    assert_eq!(response.status, 403);
    assert_eq!(
        text(&response.body),
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Forbidden: policy test/auth denies it"}}"#
    );
    assert_eq!(
        header(&response.headers, "www-authenticate").unwrap(),
        r#"Bearer error="insufficient_scope", scope="mcp""#
    );
    let admin = json!({"iss": "https://other", "groups": ["admins"]});
    gateway.claims = expiring(admin.clone());
    let response = gateway.answer(&[tenant], PING);
    let why = [("x-why".into(), b"scope".to_vec())];
    assert_eq!((response.status, &response.headers[..]), (403, &why[..]));
    let mut scoped = admin;
    scoped["scope"] = json!("openid mcp");
    gateway.claims = expiring(scoped);
    assert_eq!(gateway.answer(&[tenant], PING).status, 200);
    assert_eq!(gateway.answer(&[tenant], READY).status, 202);
    let twice = [tenant, tenant];
    let response = gateway.answer(&twice, PING);
    assert!(text(&response.body).contains("header x-tenant occurs more than once"));
}

#[test]
fn a_denial_without_words_asks_for_a_token() {
    let mut gateway = Gateway::with(|config| {
        guard(config);
        let authentication = config.endpoints[0].authentication.as_mut().unwrap();
        authentication.denial = serde_json::from_value(json!({"status": 401})).unwrap();
    });
    let response = gateway.answer(&[], PING);
    assert_eq!(response.status, 401);
    assert_eq!(
        header(&response.headers, "www-authenticate").unwrap(),
        "Bearer"
    );
    assert!(text(&response.body).contains("policy test/auth denies it"));
}

#[test]
fn a_foreign_page_is_refused_before_anybody_is_asked_who_sends_it() {
    let mut gateway = guarded();
    let response = gateway.answer(&[("origin", "https://evil.example")], PING);
    assert_eq!((response.status, gateway.claims_asked), (403, 0));
}

//! Policies of servers that look at the caller's token.

use serde_json::{Value, json};

use super::authentication::guard;
use super::driver::*;
use crate::claims::{Claims, UnreadableClaim};
use crate::step::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The server `github` wants an admin, and gets to know who calls.
fn gateway() -> Gateway {
    Gateway::with(|config| {
        let policy = json!({
            "name": "test/admins",
            "rules": [{
                "requires": {"claimContains": {"path": ["realm", "roles"], "value": "admin"}},
                "denial": {"status": 403},
            }],
            "setHeaders": [
                {"name": "x-user", "value": [{"literal": "u:"}, {"claim": ["sub"]}]},
                {"name": "x-team", "value": [{"claim": ["realm", "team"]}]},
            ],
        });
        config.policies[0] = serde_json::from_value(policy).unwrap();
    })
}

fn admin() -> Value {
    json!({"iss": "i", "sub": "ada", "realm": {"roles": ["user", "admin"], "team": "core"}})
}

fn called(gateway: &mut Gateway) -> RequestStep {
    gateway.post(&[], &call("github_get_me")).1
}

#[test]
fn claims_reach_the_server_as_headers() {
    let mut gateway = gateway();
    gateway.claims = claims(&admin());
    let release = released(called(&mut gateway));
    assert_eq!(set(&release.headers, "x-user").unwrap(), "u:ada");
    assert_eq!(set(&release.headers, "x-team").unwrap(), "core");
    assert_eq!(gateway.claims_asked, 1);
}

#[test]
fn a_claim_that_is_missing_adds_nothing() {
    let mut gateway = gateway();
    gateway.claims = claims(&json!({"realm": {"roles": ["admin"]}}));
    let release = released(called(&mut gateway));
    assert_eq!(set(&release.headers, "x-user").unwrap(), "u:");
    assert_eq!(set(&release.headers, "x-team").unwrap(), "");
}

#[test]
fn who_lacks_the_claim_is_denied_with_the_id_of_the_request() {
    let mut gateway = gateway();
    for token in [
        Claims::NONE,
        claims(&json!({"sub": "ada"})),
        claims(&json!({"realm": {"roles": "admin"}})),
        claims(&json!({"roles": ["admin"]})),
    ] {
        gateway.claims = token;
        let response = gateway.answer(&[], &call("github_get_me"));
        assert_eq!(response.status, 403);
        assert!(text(&response.body).starts_with(r#"{"jsonrpc":"2.0","id":7,"error""#));
        let challenge = header(&response.headers, "www-authenticate");
        assert_eq!(challenge, None, "the endpoint asks nobody for a token");
    }
}

#[test]
fn a_claim_that_no_header_can_have_is_refused() {
    for (claim, place) in [
        (json!("a\r\nx-admin: 1"), "sub"),
        (json!("a\nb"), "sub"),
        (json!(1_790_000_000), "sub"),
        (json!(["ada"]), "sub"),
    ] {
        let mut gateway = gateway();
        let mut token = admin();
        token["sub"] = claim;
        gateway.claims = claims(&token);
        let response = gateway.answer(&[], &call("github_get_me"));
        assert_eq!(response.status, 400);
        let why = format!("claim {place} is no text that a header value may have");
        assert!(text(&response.body).contains(&why));
    }
}

#[test]
fn where_tokens_are_wanted_who_lacks_the_claim_is_told_where_another_is_had() {
    let bare = r#"Bearer error="insufficient_scope""#;
    let path = "/.well-known/oauth-protected-resource/mcp";
    for (resource, metadata) in [
        (None, None),
        (
            Some(json!({"members": "{}"})),
            Some("http://localhost:8001"),
        ),
        (
            Some(json!({"members": "{}", "resource": "https://mcp.example.com:8443/mcp"})),
            Some("https://mcp.example.com:8443"),
        ),
        (
            Some(json!({"members": "{}", "resource": "https://mcp.example.com?a=/"})),
            Some("https://mcp.example.com"),
        ),
        (
            Some(json!({"members": "{}", "resource": "https://a\"b"})),
            None,
        ),
    ] {
        let mut gateway = Gateway::with(|config| {
            guard(config);
            config.policies[0].rules = serde_json::from_value(json!([{
                "requires": {"claimHasWord": {"path": ["scope"], "value": "tools:call"}},
                "denial": {"status": 403},
            }]))
            .unwrap();
            let authentication = config.endpoints[0].authentication.as_mut().unwrap();
            authentication.rules = serde_json::from_value(json!([{
                "requires": {"claimHasWord": {"path": ["scope"], "value": "tools:list"}},
                "denial": {"status": 403},
            }]))
            .unwrap();
            config.endpoints[0].protected_resource =
                serde_json::from_value(json!(resource)).unwrap();
        });
        gateway.claims = claims(
            &json!({"iss": "https://other", "exp": 4_102_444_800_u64, "scope": "tools:list"}),
        );
        let headers = [(":authority", "localhost:8001")];
        let response = gateway.answer(&headers, &call("github_get_me"));
        assert_eq!(response.status, 403);
        // Who asks for another token must not lose what this one has.
        let mut challenge = format!(r#"{bare}, scope="tools:list tools:call""#);
        if let Some(origin) = metadata {
            challenge.push_str(&format!(r#", resource_metadata="{origin}{path}""#));
        }
        let told = header(&response.headers, "www-authenticate");
        assert_eq!(told, Some(challenge));
    }
}

#[test]
fn a_large_body_is_routed_by_the_same_claims() {
    let mut gateway = gateway();
    let body = call("github_get_me").replace("1.0", &format!("\"{}\"", "x".repeat(100_000)));
    let (first, rest) = body.as_bytes().split_at(70_000);
    gateway.claims = claims(&admin());
    let (_, step) = gateway.post_pieces(&[], &[first, rest]);
    let release = released(step);
    assert!(release.inspect_rest);
    assert_eq!(set(&release.headers, "x-user").unwrap(), "u:ada");
    gateway.claims = Claims::NONE;
    let (_, step) = gateway.post_pieces(&[], &[first, rest]);
    let RequestStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert_eq!(response.status, 403);
}

#[test]
fn callers_whose_claims_differ_do_not_share_a_session_at_a_server() {
    let mut gateway = Gateway::with(|config| {
        let policy = json!({"name": "test/team", "setHeaders": [{"name": "x-team", "value": [{"claim": ["team"]}]}]});
        config.policies[0] = serde_json::from_value(policy).unwrap();
        config.servers[1].policies = vec![0];
    });
    let body = call("s_echo");
    let length = body.len().to_string();
    let headers = [("content-length", length.as_str())];
    for team in ["a", "b"] {
        gateway.claims = claims(&json!({"iss": "i", "sub": "ada", "team": team}));
        let (mut exchange, step) = gateway.post(&headers, &body);
        assert!(holds(&step), "{team}: a session is opened");
        gateway.open(&mut exchange, team);
        let again = released(gateway.post(&headers, &body).1);
        assert_eq!(set(&again.headers, "mcp-session-id").unwrap(), team);
    }
}

#[test]
fn a_condition_on_what_cannot_be_read_does_not_hold_and_neither_does_its_opposite() {
    let claim = json!({"claimContains": {"path": ["groups"], "value": "banned"}});
    for condition in [claim.clone(), json!({"not": claim})] {
        let mut gateway = Gateway::with(|config| {
            let policy = json!({"name": "test/p", "rules": [{"requires": condition, "denial": {"status": 403}}]});
            config.policies[0] = serde_json::from_value(policy).unwrap();
        });
        let paths = gateway.table.claim_paths().to_vec();
        gateway.claims = Claims::one_by_one(&paths, |path| match path {
            [name] if name == "groups" => Err(UnreadableClaim),
            _ => Ok(None),
        });
        let response = gateway.answer(&[], &call("github_get_me"));
        assert_eq!(response.status, 403);
    }
}

#[test]
fn without_conditions_on_claims_nobody_is_asked_for_them() {
    let mut gateway = Gateway::new();
    released(gateway.post(&[PAT], &call("github_get_me")).1);
    assert_eq!(gateway.claims_asked, 0);
    assert_eq!(gateway.table.claim_paths().len(), 4);
}

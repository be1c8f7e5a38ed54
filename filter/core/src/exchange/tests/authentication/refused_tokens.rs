//! Tokens that Envoy's `jwt_authn` has refused by itself.

use serde_json::json;

use super::*;
use crate::exchange::Outcome;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What Envoy's `jwt_authn` says of itself.
const REFUSED: ResponseSource<'_> =
    ResponseSource::Envoy(b"jwt_authn_access_denied{Jwt_is_expired}");

/// What becomes of Envoy's own answer to a request that stands as it does.
fn refused(
    gateway: &mut Gateway,
    exchange: &mut Exchange,
    source: ResponseSource<'_>,
) -> (ResponseHeadStep, BodyStep) {
    let more = [
        ("content-type", "text/plain"),
        ("content-length", "17"),
        ("www-authenticate", "Bearer error=\"invalid_token\""),
    ];
    let head = response_headers(401, &more);
    let step = gateway.lend(|context| exchange.on_response_headers(head, false, source, context));
    let body = gateway.body(exchange, "Jwt is expired", true);
    (step, body)
}

fn assert_replaced((step, body): (ResponseHeadStep, BodyStep)) {
    let ResponseHeadStep::Continue(edits, ResponseBody::Inspect) = step else {
        panic!("{step:?}")
    };
    assert_eq!(body, BodyStep::Replace(DENIAL.into()));
    assert_eq!(set(&edits, ":status").unwrap(), "401");
    assert_eq!(
        set(&edits, "content-length").unwrap(),
        DENIAL.len().to_string()
    );
    assert_eq!(set(&edits, "content-type").unwrap(), "application/json");
    // Envoy's own is gone before the first is set, and the second comes beside it.
    let of_challenges = edits.iter().filter(|edit| match edit {
        HeaderEdit::Set(name, _) | HeaderEdit::Add(name, _) | HeaderEdit::Remove(name) => {
            name == "www-authenticate"
        }
    });
    let name = || "www-authenticate".into();
    let expected = [
        HeaderEdit::Remove(name()),
        HeaderEdit::Set(name(), CHALLENGE.into()),
        HeaderEdit::Add(name(), "Basic".into()),
    ];
    assert!(of_challenges.eq(&expected));
}

/// Every state in which Envoy may refuse the token of a request.
fn states(gateway: &mut Gateway) -> Vec<Exchange> {
    let reading = begin(gateway, &[]);
    let bodyless = begin(gateway, &[(":method", "DELETE")]);
    let mut refusing = begin(gateway, &[]);
    gateway.lend(|context| refusing.on_held_body(b"{".to_vec(), false, context));
    gateway.claims = ada();
    let (opening, _) = gateway.post(&[], &call("s_echo"));
    let (routed, step) = gateway.post(&[PAT], &call("github_get_me"));
    released(step);
    gateway.claims = Claims::NONE;
    vec![reading, bodyless, refusing, opening, routed]
}

#[test]
fn what_envoy_says_of_a_bad_token_becomes_the_denial() {
    let mut gateway = guarded();
    for mut exchange in states(&mut gateway) {
        assert_replaced(refused(&mut gateway, &mut exchange, REFUSED));
        assert_eq!(exchange.told().outcome, Some(Outcome::Refused));
    }
}

#[test]
fn what_others_refuse_stays_as_it_is() {
    let mut gateway = guarded();
    for source in [
        ResponseSource::Envoy(b"rbac_access_denied_matched_policy[none]"),
        ResponseSource::Envoy(b"ext_authz_denied"),
        ResponseSource::Envoy(b""),
    ] {
        for mut exchange in states(&mut gateway) {
            let (step, body) = refused(&mut gateway, &mut exchange, source);
            let untouched = ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore);
            assert_eq!((step, body), (untouched, BodyStep::Forward));
        }
    }
}

#[test]
fn what_envoy_says_where_everybody_may_come_stays_as_it_is() {
    let mut gateway = Gateway::new();
    let mut exchange = begin(&mut gateway, &[]);
    let (step, body) = refused(&mut gateway, &mut exchange, REFUSED);
    let untouched = ResponseHeadStep::Continue(Vec::new(), ResponseBody::Ignore);
    assert_eq!((step, body), (untouched, BodyStep::Forward));
}

#[test]
fn a_session_that_was_opened_for_a_refused_token_ends() {
    let mut gateway = guarded();
    gateway.claims = expiring(json!({"iss": "https://other"}));
    let (mut exchange, _) = gateway.post(&[], &call("s_echo"));
    gateway.open(&mut exchange, "up");
    assert_replaced(refused(&mut gateway, &mut exchange, REFUSED));
    let end = only(exchange.take_calls());
    assert_eq!(header(&end.headers, ":method").unwrap(), "DELETE");
}

#[test]
fn envoys_refusal_without_a_body_gets_one_but_of_head() {
    let mut gateway = guarded();
    let head = || response_headers(401, &[]);
    let mut exchange = begin(&mut gateway, &[]);
    let step = gateway.lend(|context| exchange.on_response_headers(head(), true, REFUSED, context));
    let ResponseHeadStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert_denied(&response);
    let mut exchange = begin(&mut gateway, &[(":method", "HEAD")]);
    let step = gateway.lend(|context| exchange.on_response_headers(head(), true, REFUSED, context));
    let ResponseHeadStep::Continue(edits, ResponseBody::Ignore) = step else {
        panic!("{step:?}")
    };
    assert_eq!(set(&edits, "www-authenticate").unwrap(), CHALLENGE);
}

#[test]
fn a_refused_callers_body_that_stalls_is_told_as_others_are() {
    let mut gateway = guarded();
    let mut exchange = states(&mut gateway).remove(2);
    let head = response_headers(408, &[]);
    let source = ResponseSource::Envoy(b"request_overall_timeout");
    let step = gateway.lend(|context| exchange.on_response_headers(head, true, source, context));
    let ResponseHeadStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert_eq!(response.status, 408);
}

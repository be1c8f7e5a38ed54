use std::rc::Rc;

use super::driver::*;
use crate::claims::Claims;
use crate::exchange::Exchange;
use crate::step::RequestStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[test]
fn a_session_is_known_to_the_identity_that_opened_it_and_to_no_other() {
    let callers = [
        token("https://issuer", "alice"),
        token("https://issuer", "bob"),
        token("https://other", "alice"),
        Claims::NONE,
    ];
    for owner in &callers {
        let mut gateway = Gateway::new();
        gateway.claims = owner.clone();
        let session = gateway.session();
        let headers = [("mcp-session-id", session.as_str())];
        let delete = [(":method", "DELETE"), headers[0]];
        for other in callers.iter().filter(|other| *other != owner) {
            gateway.claims = other.clone();
            assert_eq!(gateway.answer(&headers, PING).status, 404);
            assert_eq!(gateway.answer(&headers, &call("github_get_me")).status, 404);
            assert_eq!(gateway.answer(&delete, "").status, 404);
        }
        gateway.claims = owner.clone();
        assert_eq!(gateway.answer(&headers, PING).status, 200);
        assert_eq!(gateway.answer(&delete, "").status, 204);
        assert_eq!(gateway.answer(&headers, PING).status, 404);
    }
}

#[test]
fn who_asks_matters_to_sessions_alone() {
    let mut gateway = Gateway::new();
    gateway.answer(&[], PING);
    gateway.post(&[PAT], &call("github_get_me"));
    gateway.answer(&[(":method", "DELETE")], "");
    assert_eq!(gateway.claims_asked, 0);
    let session = gateway.session();
    assert_eq!(gateway.claims_asked, 1);
    gateway.answer(&[("mcp-session-id", &session)], PING);
    assert_eq!(gateway.claims_asked, 2);
}

#[test]
fn who_asks_is_not_asked_at_the_headers() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let asked = gateway.claims_asked;
    for (verb, end) in [("POST", false), ("DELETE", false), ("DELETE", true)] {
        let mut exchange = Exchange::new(Rc::clone(&gateway.table));
        let head = request_headers(verb, &[("mcp-session-id", session.as_str())]);
        let step = gateway.lend(|context| exchange.on_request_headers(head, end, context));
        assert_eq!(step, RequestStep::Hold, "{verb}");
    }
    assert_eq!(gateway.claims_asked, asked);
}

//! `resources/subscribe` and `resources/unsubscribe`: to the server that `resources/read` of the URI would go to.

use mcp_filter_config::{CallPart, CallValue, Condition};

use super::driver::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const METHODS: [&str; 2] = ["resources/subscribe", "resources/unsubscribe"];

fn request(method: &str, uri: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"uri":"{uri}"}}}}"#)
}

#[test]
fn a_subscription_goes_where_its_resource_is_read_and_no_byte_changes() {
    for method in METHODS {
        for uri in ["file:///a", "item://42"] {
            let mut gateway = Gateway::new();
            let session = gateway.session();
            let headers = [("mcp-session-id", session.as_str())];
            let (mut exchange, _) = gateway.post(&headers, &request(method, uri));
            let release = gateway.open(&mut exchange, "up");
            for (name, value) in [
                (":authority", "stateful.mcp.local"),
                ("x-mcp-method", method),
                ("x-mcp-resourceuri", uri),
                ("mcp-session-id", "up"),
            ] {
                assert_eq!(
                    set(&release.headers, name).as_deref(),
                    Some(value),
                    "{name}"
                );
            }
            assert_eq!(release.body, crate::step::BodyEdit::Keep);
            gateway.respond(&mut exchange, 200, &[JSON]);
            let result = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
            let step = gateway.body(&mut exchange, result, true);
            assert_eq!(step, crate::step::BodyStep::Forward);
        }
    }
}

#[test]
fn a_uri_that_nobody_has_is_not_found() {
    for method in METHODS {
        let mut gateway = Gateway::with(|config| {
            for server in &mut config.servers {
                server.resources = true;
            }
        });
        let answer = gateway.answer(&[], &request(method, "nowhere:x"));
        assert_eq!(answer.status, 200);
        assert!(
            text(&answer.body).contains(r#""error":{"code":-32002"#),
            "{}",
            text(&answer.body)
        );
        let without = request(method, "x").replace("uri", "url");
        assert!(text(&gateway.answer(&[], &without).body).contains("-32602"));
    }
}

#[test]
fn what_a_policy_lets_nobody_read_it_lets_nobody_watch() {
    for (denied, refused) in [
        ("resources/read", [true, true]),
        ("resources/subscribe", [true, false]),
        ("tools/call", [false, false]),
    ] {
        for (method, refused) in METHODS.into_iter().zip(refused) {
            let mut gateway = Gateway::with(|config| {
                let is_denied = Condition::CallEquals(CallValue {
                    part: CallPart::Method,
                    value: denied.to_owned(),
                });
                config.policies[0].rules[0].requires = Condition::Not(Box::new(is_denied));
                config.policies[0].set_headers.clear();
                config.servers[1].policies = vec![0];
            });
            let (_, step) = gateway.post(&[], &request(method, "file:///a"));
            let is_refused = matches!(step, crate::RequestStep::Respond(_));
            assert_eq!(is_refused, refused, "{method} where {denied} is denied");
        }
    }
}

#[test]
fn a_subscription_is_announced_by_nobody() {
    let answer = Gateway::new().answer(&[], &initialize("2025-11-25", "{}"));
    assert!(text(&answer.body).contains(r#""resources":{}"#));
}

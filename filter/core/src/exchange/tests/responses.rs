use super::driver::*;
use crate::exchange::control::ControlRequest;
use crate::rejection::Rejection;
use crate::step::{BodyStep, LocalResponse, ResponseBody, ResponseHeadStep, ResponseSource};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ENVOY: ResponseSource<'_> = ResponseSource::Envoy(b"of_its_own");

fn routed(gateway: &mut Gateway) -> crate::Exchange {
    let (exchange, step) = gateway.post(&[PAT], &call("github_get_me"));
    released(step);
    exchange
}

fn instead(step: ResponseHeadStep) -> LocalResponse {
    match step {
        ResponseHeadStep::Respond(response) => response,
        other => panic!("not answered: {other:?}"),
    }
}

#[test]
fn an_answer_passes_unchanged_and_private_headers_do_not() {
    let mut gateway = Gateway::new();
    let mut exchange = routed(&mut gateway);
    let headers = [
        JSON,
        ("set-cookie", "a=b"),
        ("mcp-session-id", "up"),
        ("www-authenticate", "Bearer"),
        ("access-control-allow-origin", "*"),
        ("location", "http://internal/"),
        ("x-a", "b"),
    ];
    let ResponseHeadStep::Continue(edits, ResponseBody::Inspect) =
        gateway.respond(&mut exchange, 200, &headers)
    else {
        panic!("not inspected")
    };
    for (name, _) in headers {
        let is_private = !matches!(name, "content-type" | "x-a");
        assert_eq!(removes(&edits, name), is_private, "{name}");
    }
    assert_eq!(
        gateway.body(&mut exchange, r#"{"jsonrpc":"2.0","id":7,"#, false),
        BodyStep::Hold
    );
    assert_eq!(
        gateway.body(&mut exchange, r#""result":{}}"#, true),
        BodyStep::Forward
    );
}

#[test]
fn what_is_no_answer_becomes_an_error_with_the_id_and_the_server() {
    for (status, headers) in [
        (200, vec![("content-type", "text/html")]),
        (302, vec![("location", "/")]),
        (202, vec![]),
        (204, vec![]),
        (500, vec![("content-type", "text/plain")]),
        (404, vec![]),
        (200, vec![JSON, ("content-encoding", "gzip")]),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        let response = instead(gateway.respond(&mut exchange, status, &headers));
        assert_eq!(response.status, 200, "{status}");
        let body = text(&response.body);
        assert!(
            body.starts_with(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"#),
            "{body}"
        );
        assert!(
            body.contains("test/github") && body.contains(&status.to_string()),
            "{body}"
        );
    }
}

#[test]
fn a_refused_credential_names_server_status_and_the_header_that_is_wanted() {
    for status in [401, 403] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        let response = instead(gateway.respond(
            &mut exchange,
            status,
            &[("www-authenticate", "Bearer x"), JSON],
        ));
        assert_eq!(response.status, 200);
        let body = text(&response.body);
        for part in ["test/github", &status.to_string(), "x-github-pat"] {
            assert!(body.contains(part), "{body}");
        }
        assert_eq!(header(&response.headers, "www-authenticate"), None);
    }
}

#[test]
fn an_answer_passes_whose_server_has_written_the_id_anew() {
    for body in [
        r#"{"jsonrpc":"2.0","id":7.0,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":70e-1,"result":{}}"#,
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        gateway.respond(&mut exchange, 200, &[JSON]);
        assert_eq!(gateway.body(&mut exchange, body, true), BodyStep::Forward);
    }
}

#[test]
fn a_servers_own_error_passes_whatever_its_status_but_as_200() {
    let mut gateway = Gateway::new();
    let mut exchange = routed(&mut gateway);
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 400, &[JSON]) else {
        panic!()
    };
    assert_eq!(set(&edits, ":status").as_deref(), Some("200"));
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"m"}}"#;
    assert_eq!(gateway.body(&mut exchange, error, true), BodyStep::Forward);
}

#[test]
fn an_answer_is_a_200_whatever_the_server_calls_it() {
    for (status, kind) in [(202, JSON), (201, EVENTS)] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        let step = gateway.respond(&mut exchange, status, &[kind]);
        let ResponseHeadStep::Continue(edits, _) = step else {
            panic!("{step:?}")
        };
        assert_eq!(set(&edits, ":status").as_deref(), Some("200"));
    }
}

#[test]
fn envoys_own_answers_become_json_rpc_errors() {
    for (status, becomes, code) in [
        (503, "200", -32603),
        (504, "200", -32603),
        (413, "413", -32600),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        let head = response_headers(status, &[("content-type", "text/plain")]);
        let step =
            gateway.lend(|context| exchange.on_response_headers(head, false, ENVOY, context));
        let ResponseHeadStep::Continue(edits, ResponseBody::Inspect) = step else {
            panic!("{step:?}")
        };
        assert_eq!(set(&edits, ":status").as_deref(), Some(becomes));
        assert_eq!(
            gateway.body(&mut exchange, "upstream", false),
            BodyStep::Hold
        );
        let BodyStep::Replace(body) = gateway.body(&mut exchange, "", true) else {
            panic!()
        };
        assert!(text(&body).starts_with(&format!(
            r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":{code}"#
        )));
    }
}

#[test]
fn what_the_gateways_own_filters_refuse_passes_as_they_say_it() {
    for status in [401, 403, 429] {
        let mut gateway = Gateway::new();
        let mut exchange = routed(&mut gateway);
        let head = response_headers(status, &[("www-authenticate", "Bearer")]);
        let step =
            gateway.lend(|context| exchange.on_response_headers(head, false, ENVOY, context));
        assert_eq!(
            step,
            ResponseHeadStep::Continue(vec![], ResponseBody::Ignore)
        );
    }
}

#[test]
fn what_envoy_answers_while_a_request_is_held_becomes_a_json_rpc_error() {
    for (status, code) in [
        (408, -32600),
        (413, -32600),
        (500, -32603),
        (503, -32603),
        (504, -32603),
    ] {
        let mut gateway = Gateway::new();
        let mut exchange = held(&mut gateway);
        let head = response_headers(status, &[]);
        let step = gateway.lend(|context| exchange.on_response_headers(head, true, ENVOY, context));
        let response = instead(step);
        assert_eq!(response.status, status);
        assert!(text(&response.body).contains(&format!(r#""id":5,"error":{{"code":{code}"#)));
    }
}

#[test]
fn a_session_that_is_being_opened_ends_with_what_envoy_answers_meanwhile() {
    let issued = |gateway: &mut Gateway| {
        let (mut exchange, _) = gateway.post(&[], &call("s_echo"));
        let opening = only(exchange.take_calls());
        gateway.end_call(&mut exchange, &opening, initialized("up"));
        only(exchange.take_calls());
        exchange
    };
    for status in [200, 403, 408, 413, 503] {
        let mut gateway = Gateway::new();
        let mut exchange = issued(&mut gateway);
        let head = response_headers(status, &[]);
        gateway.lend(|context| exchange.on_response_headers(head, true, ENVOY, context));
        ends(exchange.take_calls(), "up");
        exchange.on_done();
        assert!(exchange.take_calls().is_empty(), "once");
    }
    let mut gateway = Gateway::new();
    let mut exchange = issued(&mut gateway);
    exchange.on_stray_response(true, true, &Rejection::HalfMissing);
    ends(exchange.take_calls(), "up");
}

#[test]
fn what_other_filters_answer_while_a_request_is_held_is_the_clients() {
    for status in [302, 400, 401, 403, 429] {
        let mut gateway = Gateway::new();
        let mut exchange = held(&mut gateway);
        let head = response_headers(status, &[]);
        let step = gateway.lend(|context| exchange.on_response_headers(head, true, ENVOY, context));
        assert_eq!(
            step,
            ResponseHeadStep::Continue(vec![], ResponseBody::Ignore)
        );
    }
}

#[test]
fn control_is_told_who_has_answered_and_by_which_policy_it_was_refused() {
    let gateway = Gateway::new();
    let of_upstream = ResponseSource::Upstream;
    let of_policy = ResponseSource::Envoy(b"rbac_access_denied_matched_policy[p]");
    for (source, from, details) in [
        (of_upstream, "upstream", None),
        (
            of_policy,
            "envoy",
            Some("rbac_access_denied_matched_policy[p]"),
        ),
    ] {
        let step = ControlRequest.on_response(&gateway.table, source);
        let ResponseHeadStep::Continue(edits, ResponseBody::Ignore) = step else {
            panic!("{step:?}")
        };
        assert_eq!(set(&edits, "x-mcp-response-from").as_deref(), Some(from));
        let told = set(&edits, "x-mcp-response-details");
        assert_eq!(told.as_deref(), details);
        let is_taken_away = removes(&edits, "x-mcp-response-details");
        assert_eq!(is_taken_away, details.is_none(), "a server's own word");
    }
}

#[test]
fn a_stray_response_is_replaced_whatever_it_is() {
    for (end_of_stream, from_upstream) in
        [(true, true), (true, false), (false, true), (false, false)]
    {
        let mut gateway = Gateway::new();
        let mut exchange = held(&mut gateway);
        let rejection = Rejection::HalfMissing;
        let body = match exchange.on_stray_response(end_of_stream, from_upstream, &rejection) {
            ResponseHeadStep::Respond(response) => {
                assert_eq!(response.status, 503);
                response.body
            }
            ResponseHeadStep::Continue(edits, ResponseBody::Inspect) => {
                assert!(!end_of_stream && !from_upstream);
                assert_eq!(set(&edits, ":status").as_deref(), Some("503"));
                match gateway.body(&mut exchange, "of Envoy's", true) {
                    BodyStep::Replace(body) => body,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        };
        assert!(text(&body).starts_with(r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32603"#));
    }
}

#[test]
fn a_body_that_stalls_on_its_way_is_not_the_servers_fault() {
    let mut gateway = Gateway::new();
    let first = format!(
        r#"{{"id":5,"method":"tools/call","params":{{"name":"github_get_me","a":"{}"#,
        "x".repeat(70_000)
    );
    let headers = [PAT, ("content-length", "80000")];
    let (mut exchange, step) = gateway.post_pieces(&headers, &[first.as_bytes(), b""]);
    released(step);
    let head = response_headers(408, &[]);
    let step = gateway.lend(|context| exchange.on_response_headers(head, true, ENVOY, context));
    let response = instead(step);
    assert_eq!(response.status, 408);
    assert!(text(&response.body).contains(r#""error":{"code":-32600"#));
}

/// A request of which the id is known, and not all.
fn held(gateway: &mut Gateway) -> crate::Exchange {
    let mut exchange = crate::Exchange::new(std::rc::Rc::clone(&gateway.table));
    let head = request_headers("POST", &[]);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    let piece = br#"{"id":5,"method":"tools/call","params":{"a":""#.to_vec();
    gateway.lend(|context| exchange.on_held_body(piece, false, context));
    exchange
}

#[test]
fn a_redirect_leads_nobody_away() {
    let mut gateway = Gateway::new();
    let mut exchange = routed(&mut gateway);
    let headers = [JSON, ("location", "http://internal/")];
    let ResponseHeadStep::Continue(edits, _) = gateway.respond(&mut exchange, 302, &headers) else {
        panic!()
    };
    assert!(removes(&edits, "location"));
}

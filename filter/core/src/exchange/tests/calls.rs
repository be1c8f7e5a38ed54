use super::driver::*;
use crate::catalog::{CatalogWriter, Definition, ListKind};
use crate::step::{BodyEdit, BodyStep, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_call_loses_the_prefix_of_its_name_and_no_other_byte_changes() {
    let request = r#"{ "method":"tools/call", "params":{"arguments":{"big":12345678901234567890,"s":"\u0041"},"name" : "github_get_me"},"jsonrpc":"2.0","id":1.0}"#;
    let release = released(Gateway::new().post(&[PAT], request).1);
    assert_eq!(
        replaced(&release),
        request.replace("github_get_me", "get_me")
    );
    assert!(!release.inspect_rest);
}

#[test]
fn any_chunking_leads_to_the_same_release() {
    let request = call("github_get_me");
    let whole = released(Gateway::new().post(&[PAT], &request).1);
    let bytes: Vec<&[u8]> = request.as_bytes().chunks(1).collect();
    let pieces = released(Gateway::new().post_pieces(&[PAT], &bytes).1);
    assert_eq!(whole, pieces);
}

#[test]
fn a_call_goes_to_the_route_of_its_server_with_the_headers_of_the_gateway() {
    let sent = [
        PAT,
        ("authorization", "Bearer mine"),
        ("cookie", "a=b"),
        ("x-mcp-toolname", "forged"),
        ("x_mcp_toolname", "forged"),
        ("x-mcp-authorized", "forged"),
        ("accept-encoding", "gzip"),
        ("x-request-id", "kept"),
    ];
    let edits = released(Gateway::new().post(&sent, &call("github_get_me")).1).headers;
    for (name, value) in [
        (":authority", "github.mcp.local"),
        (":path", "/mcp"),
        ("authorization", "Bearer abc"),
        ("accept", "application/json, text/event-stream"),
        ("accept-encoding", "identity"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2025-06-18"),
        ("x-mcp-servername", "test/github"),
        ("x-mcp-method", "tools/call"),
        ("x-mcp-toolname", "get_me"),
    ] {
        assert_eq!(set(&edits, name).as_deref(), Some(value), "{name}");
    }
    for name in [
        "cookie",
        "x-github-pat",
        "x-mcp-authorized",
        "x_mcp_toolname",
    ] {
        assert!(removes(&edits, name), "{name}");
    }
    assert!(!removes(&edits, "x-request-id"));
}

#[test]
fn a_tools_own_hints_go_with_its_calls_and_nobody_elses_do() {
    let hinted = r#"{"name":"drop","annotations":{"readOnlyHint":false,"destructiveHint":true}}"#;
    let mut gateway = Gateway::with(|config| {
        let mut catalog = CatalogWriter::new();
        for definition in [TOOL, hinted] {
            let definition = Definition::parse(ListKind::Tools, "github_", definition).unwrap();
            catalog.push(0, definition);
        }
        config.catalog = Some(catalog.finish());
    });
    let forged = ("x-mcp-annotation-hints", "readOnly=true");
    let name = "x-mcp-annotation-hints";
    let edits = released(gateway.post(&[PAT, forged], &call("github_drop")).1).headers;
    let value = "readOnly=false,destructive=true,idempotent=unspecified,openWorld=unspecified";
    assert_eq!(set(&edits, name).as_deref(), Some(value));
    let edits = released(gateway.post(&[PAT, forged], &call("github_get_me")).1).headers;
    assert_eq!(set(&edits, name), None);
    assert!(removes(&edits, name));
}

#[test]
fn a_header_of_the_client_that_says_what_ours_would_is_left_alone() {
    let own = ("accept", "application/json, text/event-stream");
    let sent = [
        PAT,
        own,
        ("accept-encoding", "identity"),
        ("accept-encoding", "gzip"),
    ];
    let edits = released(Gateway::new().post(&sent, &call("github_get_me")).1).headers;
    assert_eq!(set(&edits, "accept"), None);
    assert!(!removes(&edits, "accept"));
    assert_eq!(set(&edits, "accept-encoding").as_deref(), Some("identity"));
}

#[test]
fn a_header_that_a_filter_between_may_change_is_always_set() {
    let sent = [
        PAT,
        ("authorization", "Bearer abc"),
        ("x-mcp-toolname", "get_me"),
    ];
    let edits = released(Gateway::new().post(&sent, &call("github_get_me")).1).headers;
    assert_eq!(set(&edits, "authorization").as_deref(), Some("Bearer abc"));
    assert_eq!(set(&edits, "x-mcp-toolname").as_deref(), Some("get_me"));
}

#[test]
fn a_credential_header_of_one_server_is_never_sent_to_another() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT, ("authorization", "Bearer mine")], &call("s_echo"));
    let edits = gateway.open(&mut exchange, "up").headers;
    assert!(removes(&edits, "x-github-pat"));
    assert!(removes(&edits, "authorization"));
    assert_eq!(set(&edits, "authorization"), None);
}

#[test]
fn what_would_make_a_server_answer_another_request_is_not_sent_on() {
    let names = [
        "authorization_",
        "authorization-",
        "cookie_",
        "forwarded",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "if_none_match",
        "mcp_session_id",
        "origin",
        "proxy-authorization",
        "range",
        "referer",
        "x-forwarded-host",
        "x-github-pat_",
        "x_github_pat",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x_http_method_override",
    ];
    let own = ("origin", "http://localhost:8001");
    let mut sent: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    sent.retain(|(name, _)| *name != "origin");
    sent.extend([PAT, own]);
    let edits = released(Gateway::new().post(&sent, &call("github_get_me")).1).headers;
    for name in names {
        assert!(removes(&edits, name), "{name}");
    }
}

#[test]
fn nothing_of_the_clients_passes_for_a_header_that_a_policy_sets() {
    for name in ["x-role", "x_role", "x-role_"] {
        let mut gateway = Gateway::with(|config| {
            config.policies[0].set_headers[0].name = name.to_owned();
        });
        let similar = [
            "x-role", "x_role", "x-role-", "x-role_", "x_role_", "x-role__",
        ];
        let mut sent = similar.map(|name| (name, "admin")).to_vec();
        sent.extend([PAT, ("x-roles", "kept"), ("x-rol", "kept")]);
        let edits = released(gateway.post(&sent, &call("github_get_me")).1).headers;
        assert_eq!(set(&edits, name).as_deref(), Some("Bearer abc"));
        for other in similar {
            assert_eq!(
                removes(&edits, other),
                other != name,
                "{other} beside {name}"
            );
        }
        assert!(!removes(&edits, "x-roles") && !removes(&edits, "x-rol"));
    }
}

#[test]
fn what_only_looks_like_a_header_of_ours_is_sent_on() {
    let names = [
        "accept-language",
        "content-language",
        "from",
        "if",
        "mcp",
        "originator",
        "priority",
        "range-unit",
        "traceparent",
        "x-forwarded-for",
        "x-http-methods",
        "x-mcp",
        "x-request-id",
    ];
    let mut sent = names.map(|name| (name, "x")).to_vec();
    sent.push(PAT);
    let edits = released(Gateway::new().post(&sent, &call("github_get_me")).1).headers;
    for name in names {
        assert!(!removes(&edits, name), "{name}");
    }
}

#[test]
fn a_credential_header_with_an_underscore_is_kept_from_others_too() {
    let mut gateway = Gateway::with(|config| {
        config.policies[0].credential_headers = vec!["x_github_pat".to_owned()];
    });
    for name in ["x_github_pat", "x-github-pat"] {
        let (mut exchange, _) = gateway.post(&[(name, "abc")], &call("s_echo"));
        let edits = gateway.open(&mut exchange, "up").headers;
        assert!(removes(&edits, name), "{name}");
    }
}

#[test]
fn a_call_without_the_header_that_its_policy_wants_gets_the_policys_own_answer() {
    for headers in [&[][..], &[("x-github-pat", "")][..]] {
        let response = Gateway::new().answer(headers, &call("github_get_me"));
        assert_eq!(
            (response.status, text(&response.body)),
            (400, "{ \"error\": \"Bad Request\" }\n")
        );
    }
}

#[test]
fn a_policy_without_an_answer_of_its_own_is_answered_for_with_the_requests_id() {
    let mut gateway = Gateway::with(|config| {
        let denial = &mut config.policies[0].rules[0].denial;
        (denial.status, denial.body) = (403, String::new());
        denial.headers.clear();
    });
    let response = gateway.answer(&[], &call("github_get_me"));
    assert_eq!(response.status, 403);
    assert_eq!(
        text(&response.body),
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"Forbidden: policy test/swap denies it"}}"#
    );
}

#[test]
fn prompts_resources_and_completions_find_their_server() {
    let cases = [
        (
            r#""prompts/get","params":{"name":"s_greet"}"#,
            "x-mcp-promptname",
            "greet",
        ),
        (
            r#""resources/read","params":{"uri":"file:///a"}"#,
            "x-mcp-resourceuri",
            "file:///a",
        ),
        (
            r#""resources/read","params":{"uri":"item://42"}"#,
            "x-mcp-resourceuri",
            "item://42",
        ),
        (
            r#""completion/complete","params":{"ref":{"type":"ref/prompt","name":"s_greet"},"argument":{"name":"s_x","value":""}}"#,
            "x-mcp-promptname",
            "greet",
        ),
        (
            r#""completion/complete","params":{"argument":{"name":"a","value":""},"ref":{"uri":"item://{id}","type":"ref/resource"}}"#,
            "x-mcp-resourceuri",
            "item://{id}",
        ),
    ];
    for (message, name, value) in cases {
        let mut gateway = Gateway::new();
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":{message}}}"#);
        let (mut exchange, step) = gateway.post(&[], &request);
        match step {
            RequestStep::Settle(BodyEdit::Keep) => assert!(!message.contains("s_greet")),
            other => assert_eq!(settled(other), request.replace("s_greet", "greet")),
        }
        let release = gateway.open(&mut exchange, "up");
        assert_eq!(set(&release.headers, name).as_deref(), Some(value));
        assert_eq!(release.body, BodyEdit::Keep);
    }
}

#[test]
fn what_a_server_without_completions_has_is_completed_with_nothing() {
    const VERSION: &str = "2026-07-28";
    const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let stateless = [("mcp-protocol-version", VERSION), ("mcp-method", COMPLETE)];
    let of_sessions = r#"{"completion":{"values":[]}}"#;
    let of_stateless = r#"{"resultType":"complete","completion":{"values":[]}}"#;
    let cases = [(&[][..], "", of_sessions), (&stateless, META, of_stateless)];
    for (headers, meta, expected) in cases {
        for reference in [
            r#"{"type":"ref/prompt","name":"s_greet"}"#,
            r#"{"type":"ref/resource","uri":"item://{id}"}"#,
        ] {
            let request = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{COMPLETE}","params":{{"ref":{reference},"argument":{{"name":"a","value":""}}{meta}}}}}"#
            );
            let mut gateway = where_github_completes(true);
            let (exchange, step) = gateway.post(headers, &request);
            let RequestStep::Respond(response) = step else {
                panic!("{step:?}")
            };
            let expected = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{expected}}}"#);
            assert_eq!((response.status, text(&response.body)), (200, &*expected));
            assert_eq!(exchange.told().subject, None, "no server was asked");
            let odd = request.replace("ref/", "").replace("s_greet", "none");
            let refused = gateway.answer(headers, &odd);
            assert!(text(&refused.body).contains("-32602"), "{refused:?}");
            let refused = where_github_completes(false).answer(headers, &request);
            assert!(text(&refused.body).contains("-32601"), "{refused:?}");
        }
    }
}

const COMPLETE: &str = "completion/complete";

/// `github` alone may complete.
fn where_github_completes(completes: bool) -> Gateway {
    Gateway::with(|config| {
        config.servers[0].completions = completes;
        config.servers[1].completions = false;
    })
}

#[test]
fn a_name_that_is_no_ascii_travels_encoded() {
    let value = super::super::upstream_headers::header_value("\u{e9}");
    assert_eq!(text(&value), "=?base64?w6k=?=");
}

#[test]
fn a_large_call_is_released_once_its_name_is_known_and_scanned_to_its_end() {
    let mut gateway = Gateway::new();
    let filler = "x".repeat(70_000);
    let head = r#"{"method":"tools/call","params":{"name":"github_get_me","arguments":{"a":""#;
    let tail = r#""}},"jsonrpc":"2.0","id":3}"#;
    let first = format!("{head}{filler}");
    let length = (first.len() + tail.len()).to_string();
    let headers = [PAT, ("content-length", length.as_str())];
    let (mut exchange, step) = gateway.post_pieces(&headers, &[first.as_bytes(), b"never fed"]);
    let release = released(step);
    assert!(release.inspect_rest);
    assert_eq!(replaced(&release), first.replace("github_get_me", "get_me"));
    let step = exchange.on_released_body(tail.as_bytes().to_vec(), true);
    assert_eq!(step, BodyStep::Forward);
    let step = gateway.respond(&mut exchange, 500, &[]);
    assert!(format!("{step:?}").contains("Respond"));
}

#[test]
fn a_second_name_in_a_released_body_stops_the_request() {
    let mut gateway = Gateway::new();
    let first = format!(
        r#"{{"method":"tools/call","params":{{"name":"github_get_me","a":"{}""#,
        "x".repeat(70_000)
    );
    let headers = [PAT, ("content-length", "80000")];
    let (mut exchange, step) = gateway.post_pieces(&headers, &[first.as_bytes(), b""]);
    released(step);
    let rest = br#","name":"other"},"jsonrpc":"2.0","id":3}"#.to_vec();
    let step = exchange.on_released_body(rest.clone(), true);
    assert!(matches!(step, BodyStep::Respond(response) if response.status == 400));
}

#[test]
fn a_request_that_is_not_ours_passes_at_once() {
    for (host, path) in [("other.example.com", "/mcp"), ("localhost", "/other")] {
        let mut gateway = Gateway::new();
        let step = gateway
            .post(&[(":authority", host), (":path", path)], "anything")
            .1;
        assert_eq!(step, RequestStep::Pass);
    }
}

//! Calls between the eras.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::step::{BodyEdit, BodyStep, ResponseHeadStep};

fn call_github(gateway: &mut Gateway) -> (crate::Exchange, crate::step::Release) {
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
        ("mcp-param-owner", "me"),
        ("mcp-session-id", "x"),
    ];
    let params = r#""name":"github_get_me","arguments":{"owner":"me"}"#;
    let (exchange, step) = gateway.post(&headers, &request("tools/call", params));
    (exchange, released(step))
}

/// What a reader of `file:///a` gets of the server's `answer`.
fn read(gateway: &mut Gateway, answer: &str) -> String {
    let headers = [
        VERSION,
        ("mcp-method", "resources/read"),
        ("mcp-name", "file:///a"),
    ];
    let (mut exchange, _) =
        gateway.post(&headers, &request("resources/read", r#""uri":"file:///a""#));
    gateway.open(&mut exchange, "u-1");
    gateway.respond(&mut exchange, 200, &[JSON]);
    match gateway.body(&mut exchange, answer, true) {
        BodyStep::Replace(body) => text(&body).to_owned(),
        other => panic!("{other:?}"),
    }
}

/// What the client gets of `body` from the server, in any chunking.
fn passed(gateway: &mut Gateway, content_type: (&str, &str), body: &str) -> String {
    let whole = passed_in(gateway, content_type, &[body]);
    let pieces: Vec<&str> = body.split_inclusive(|_: char| true).collect();
    assert_eq!(passed_in(gateway, content_type, &pieces), whole);
    whole
}

fn passed_in(gateway: &mut Gateway, content_type: (&str, &str), pieces: &[&str]) -> String {
    let (mut exchange, _) = call_github(gateway);
    feed(gateway, &mut exchange, content_type, pieces)
}

#[test]
fn a_call_between_two_that_speak_so_loses_its_prefix_and_nothing_else() {
    let (_, release) = call_github(&mut with_both());
    let params = r#""name":"get_me","arguments":{"owner":"me"}"#;
    assert_eq!(replaced(&release), request("tools/call", params));
    let headers = &release.headers;
    assert_eq!(
        set(headers, "mcp-protocol-version"),
        None,
        "the client's own says it"
    );
    assert_eq!(set(headers, "mcp-method").as_deref(), Some("tools/call"));
    assert_eq!(set(headers, "mcp-name").as_deref(), Some("get_me"));
    assert_eq!(set(headers, "authorization").as_deref(), Some("Bearer abc"));
    assert!(
        !removes(headers, "mcp-param-owner"),
        "arguments pass unchanged"
    );
    assert!(removes(headers, "mcp-session-id"));
}

#[test]
fn a_call_to_a_server_of_sessions_says_nothing_of_the_clients_era() {
    let (_, release) = call_github(&mut Gateway::new());
    assert_eq!(
        replaced(&release),
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_me","arguments":{"owner":"me"},"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}}"#
    );
    let headers = &release.headers;
    assert_eq!(
        set(headers, "mcp-protocol-version").as_deref(),
        Some("2025-06-18")
    );
    for header in [
        "mcp-method",
        "mcp-name",
        "mcp-param-owner",
        "mcp-session-id",
    ] {
        assert!(removes(headers, header), "{header}");
    }
}

#[test]
fn a_call_to_a_server_with_sessions_gets_one_for_itself() {
    let mut gateway = Gateway::new();
    let headers = [
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "s_echo"),
    ];
    let (mut exchange, step) = gateway.post(&headers, &request("tools/call", r#""name":"s_echo""#));
    assert!(holds(&step));
    let release = gateway.open(&mut exchange, "u-1");
    assert_eq!(
        set(&release.headers, "mcp-session-id").as_deref(),
        Some("u-1")
    );
    let step = gateway.respond(&mut exchange, 200, &[JSON]);
    assert!(matches!(step, ResponseHeadStep::Continue(..)));
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;
    let step = gateway.body(&mut exchange, answer, true);
    let expected = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"resultType":"complete"}}"#;
    assert_eq!(step, BodyStep::Replace(expected.into()));
    exchange.on_done();
    let ended = only(exchange.take_calls());
    assert_eq!(header(&ended.headers, ":method").as_deref(), Some("DELETE"));
}

#[test]
fn a_result_without_a_type_gets_one_from_a_server_of_either_era() {
    for mut gateway in [Gateway::new(), with_both()] {
        let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ] } }"#;
        let expected =
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ] ,"resultType":"complete"} }"#;
        assert_eq!(passed(&mut gateway, JSON, answer), expected);
        let event = |data: &str| format!("event: message\ndata: {data}\n\n");
        assert_eq!(
            passed(&mut gateway, EVENTS, &event(answer)),
            event(expected)
        );
    }
}

#[test]
fn a_result_with_a_type_passes_byte_for_byte() {
    let mut gateway = with_both();
    for result in [
        r#"{"resultType":"input_required","requestState":"x"}"#,
        r#"{"content":[],"resultType":"complete","_meta":{"a":1.0}}"#,
    ] {
        let answer = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
        assert_eq!(passed(&mut gateway, JSON, &answer), answer);
    }
}

#[test]
fn log_messages_that_were_not_asked_for_and_requests_stay_with_the_gateway() {
    let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n";
    let log = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
    let asked =
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\",\"params\":{}}\n\n";
    let answer =
        "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\"}}\n\n";
    let stream = [progress, log, asked, answer].concat();
    for mut gateway in [Gateway::new(), with_both()] {
        assert_eq!(
            passed(&mut gateway, EVENTS, &stream),
            [progress, answer].concat()
        );
    }
}

#[test]
fn an_error_of_a_server_that_speaks_so_keeps_its_status() {
    for (status, code) in [(400, -32021), (404, -32601)] {
        let mut gateway = with_both();
        let (mut exchange, _) = call_github(&mut gateway);
        let ResponseHeadStep::Weigh(edits) = gateway.respond(&mut exchange, status, &[JSON]) else {
            panic!("not continued");
        };
        assert_eq!(set(&edits, ":status"), None);
        let answer =
            format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":{code},"message":""}}}}"#);
        let step = gateway.body(&mut exchange, &answer, true);
        assert_eq!(step, BodyStep::Replace(answer.into_bytes()));
    }
}

#[test]
fn a_missing_resource_is_told_in_the_clients_code() {
    let mut gateway = Gateway::new();
    let answer = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32002,"message":"no","data":{"uri":"file:///a"}}}"#;
    assert_eq!(
        read(&mut gateway, answer),
        answer.replace("-32002", "-32602")
    );
}

#[test]
fn what_was_read_may_be_kept_by_its_reader_alone_and_not_for_long() {
    let mut gateway = Gateway::new();
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"contents":[]}}"#;
    let expected = r#"{"jsonrpc":"2.0","id":7,"result":{"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#;
    assert_eq!(read(&mut gateway, answer), expected);
}

#[test]
fn a_server_that_cannot_be_reached_is_told_as_http_tells_it() {
    let mut gateway = with_both();
    let (mut exchange, _) = call_github(&mut gateway);
    let step = gateway.respond(&mut exchange, 500, &[("content-type", "text/html")]);
    let ResponseHeadStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert_eq!(response.status, 502);
    assert!(text(&response.body).contains(r#""id":7,"error":{"code":-32603"#));
}

#[test]
fn a_large_call_goes_on_before_what_stands_for_its_handshake_and_is_checked_at_its_end() {
    let argument = "x".repeat(80_000);
    let begin = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"github_get_me","arguments":{{"a":"{argument}"}},"#
    );
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
    ];
    for (end, refused) in [
        (format!("{META}}}}}"), false),
        (r#""x":1}}"#.to_owned(), true),
    ] {
        let mut gateway = with_both();
        let mut exchange = crate::Exchange::new(std::rc::Rc::clone(&gateway.table));
        let head = request_headers("POST", &headers);
        gateway.lend(|context| exchange.on_request_headers(head, false, context));
        let begin = begin.clone().into_bytes();
        let step = gateway.lend(|context| exchange.on_held_body(begin, false, context));
        let release = released(step);
        assert!(matches!(release.body, BodyEdit::Replace(_)));
        match exchange.on_released_body(end.into_bytes(), true) {
            BodyStep::Forward => assert!(!refused),
            BodyStep::Respond(response) => {
                assert!(refused);
                assert_eq!(response.status, 400);
                assert!(text(&response.body).contains("-32602"));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A call of `s_echo`, in a session of its own.
fn call_in_session(gateway: &mut Gateway) -> crate::Exchange {
    let headers = [
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "s_echo"),
    ];
    let (mut exchange, _) = gateway.post(&headers, &request("tools/call", r#""name":"s_echo""#));
    gateway.open(&mut exchange, "u-1");
    exchange
}

#[test]
fn a_client_that_leaves_has_cancelled_and_a_server_of_sessions_is_told_in_the_session() {
    let mut exchange = call_in_session(&mut Gateway::new());
    exchange.on_done();
    let calls = exchange.take_calls();
    let [cancelled, ended] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    for call in [cancelled, ended] {
        let session = header(&call.headers, "mcp-session-id");
        assert_eq!(session.as_deref(), Some("u-1"));
    }
    assert_eq!(
        text(&cancelled.body),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#
    );
    assert_eq!(header(&ended.headers, ":method").as_deref(), Some("DELETE"));
}

#[test]
fn a_client_that_leaves_cancels_nothing_by_an_id_that_another_one_may_have_given() {
    for mut gateway in [Gateway::new(), with_both()] {
        let (mut exchange, _) = call_github(&mut gateway);
        exchange.on_done();
        assert_eq!(exchange.take_calls(), []);
    }
}

#[test]
fn what_takes_too_long_cancels_nothing_by_such_an_id_either() {
    for is_stateless in [false, true] {
        let mut gateway = Gateway::new();
        let mut exchange = if is_stateless {
            call_github(&mut gateway).0
        } else {
            gateway.post(&[PAT], &call("github_get_me")).0
        };
        gateway.now_ms += 3_600_000;
        let step = gateway.lend(|context| exchange.on_tick(context));
        assert!(
            matches!(step, crate::step::TickStep::Respond(_)),
            "{step:?}"
        );
        assert_eq!(exchange.take_calls(), []);
    }
}

#[test]
fn a_client_that_leaves_behind_its_answer_has_cancelled_nothing() {
    let mut gateway = Gateway::new();
    let mut exchange = call_in_session(&mut gateway);
    gateway.respond(&mut exchange, 200, &[JSON]);
    gateway.body(
        &mut exchange,
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        true,
    );
    exchange.on_done();
    let ended = only(exchange.take_calls());
    assert_eq!(header(&ended.headers, ":method").as_deref(), Some("DELETE"));
}

#[test]
fn what_only_one_era_of_a_server_lists_is_called_in_that_one() {
    use crate::catalog::{CatalogWriter, Definition, ListKind, ListedIn};
    let gateway = |listed_in: ListedIn| {
        Gateway::with(|config| {
            let tool = Definition::parse(ListKind::Tools, "github_", TOOL).unwrap();
            let mut catalog = CatalogWriter::new();
            catalog.push(0, tool.listed(listed_in));
            config.catalog = Some(catalog.finish());
            config.servers.first_mut().unwrap().stateless = true;
        })
    };
    for (listed_in, stateless_gets, sessions_gets) in [
        (ListedIn::Both, "2026-07-28", "2025-06-18"),
        (ListedIn::SessionsOnly, "2025-06-18", "2025-06-18"),
        (ListedIn::StatelessOnly, "2026-07-28", "2026-07-28"),
    ] {
        let (_, release) = call_github(&mut gateway(listed_in));
        let said = set(&release.headers, VERSION.0).unwrap_or(VERSION.1.to_owned());
        assert_eq!(said, stateless_gets);
        let (_, step) = gateway(listed_in).post(&[PAT], &call("github_get_me"));
        let release = released(step);
        assert_eq!(
            set(&release.headers, VERSION.0).as_deref(),
            Some(sessions_gets)
        );
    }
}

#[test]
fn what_was_read_behind_a_policy_is_never_public() {
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"cacheScope":"public","contents":[],"resultType":"complete","ttlMs":9}}"#;
    let private = answer.replace("public", "private");
    // The driver's has a virtual server.
    assert_eq!(read(&mut Gateway::new(), answer), private);
    let without_views = |policies: &[u32]| {
        Gateway::with(|config| {
            let mut catalog = crate::catalog::CatalogWriter::new();
            let kind = crate::catalog::ListKind::Resources;
            let resource = r#"{"uri":"file:///a","name":"a"}"#;
            let resource = crate::catalog::Definition::parse(kind, "", resource).unwrap();
            catalog.push(1, resource);
            config.catalog = Some(catalog.finish());
            config.servers.last_mut().unwrap().policies = policies.to_vec();
            config.policies.first_mut().unwrap().rules.clear();
        })
    };
    assert_eq!(read(&mut without_views(&[0]), answer), private);
    assert_eq!(read(&mut without_views(&[]), answer), answer);
}

#[test]
fn a_level_that_comes_behind_a_large_argument_counts() {
    let argument = "x".repeat(80_000);
    let begin = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"github_get_me","arguments":{{"a":"{argument}"}},"#
    );
    let meta = META.strip_suffix('}').unwrap();
    let end = format!(r#"{meta},"io.modelcontextprotocol/logLevel":"info"}}}}}}"#);
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
    ];
    let mut gateway = with_both();
    let mut exchange = crate::Exchange::new(std::rc::Rc::clone(&gateway.table));
    let head = request_headers("POST", &headers);
    gateway.lend(|context| exchange.on_request_headers(head, false, context));
    released(gateway.lend(|context| exchange.on_held_body(begin.into_bytes(), false, context)));
    assert_eq!(
        exchange.on_released_body(end.into_bytes(), true),
        BodyStep::Forward
    );
    let log = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n";
    assert_eq!(
        feed(&mut gateway, &mut exchange, EVENTS, &[log, "\n"])[..log.len()],
        *log
    );
}

use super::{Capture, Field, InvalidJson, Plan, Scanner, ValueKind};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KEEP: usize = 1024;

fn scan(plan: Plan, document: &[u8]) -> Result<Scanner, InvalidJson> {
    let mut scanner = Scanner::new(plan, KEEP);
    scanner.feed(document)?;
    scanner.finish()?;
    Ok(scanner)
}

fn client(document: &str) -> Scanner {
    scan(Plan::FromClient, document.as_bytes()).unwrap()
}

fn refusal(document: impl AsRef<[u8]>) -> InvalidJson {
    scan(Plan::FromClient, document.as_ref()).unwrap_err()
}

#[test]
fn a_tool_call_shows_its_id_method_and_name() {
    let document = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_me","arguments":{"name":"x"}}}"#;
    let scanner = client(document);
    assert_eq!(scanner.root(), Some(ValueKind::Object));
    assert_eq!(scanner.raw(Field::Id), Some(&b"7"[..]));
    assert_eq!(scanner.text(Field::Method).as_deref(), Some("tools/call"));
    assert_eq!(scanner.text(Field::Name).as_deref(), Some("get_me"));
    let start = document.find("\"get_me\"").unwrap() as u64;
    assert_eq!(
        scanner.capture(Field::Name),
        Some(Capture {
            kind: ValueKind::String,
            start,
            end: start + 8
        })
    );
    assert_eq!(scanner.position(), document.len() as u64);
}

#[test]
fn keys_are_compared_by_what_they_spell() {
    let scanner =
        client(r#"{"\u0069d":1,"par\u0061ms":{"n\u0061me":"a","nameX":"b","name ":"c"}}"#);
    assert_eq!(scanner.raw(Field::Id), Some(&b"1"[..]));
    assert_eq!(scanner.text(Field::Name).as_deref(), Some("a"));
}

#[test]
fn a_number_that_goes_on_as_none_is_no_value() {
    for number in [
        "01", "-01", "1x", "1.5.2", "1e5e", "0x10", "1\"", "1:", "1-",
    ] {
        let document = format!("{{\"id\":{number},\"method\":\"ping\"}}");
        for cut in 0..document.len() {
            let mut scanner = Scanner::new(Plan::FromClient, KEEP);
            let (begin, rest) = document.as_bytes().split_at(cut);
            let error = scanner.feed(begin).and_then(|()| scanner.feed(rest));
            assert!(
                matches!(error, Err(InvalidJson::Syntax(_))),
                "{number}: {error:?}"
            );
            assert_eq!(scanner.capture(Field::Id), None, "{number}");
            assert_eq!(scanner.raw(Field::Id), None, "{number}");
        }
    }
}

#[test]
fn a_second_spelling_of_a_key_is_a_duplicate() {
    let cases = [
        (r#"{"id":1,"id":1}"#, 8),
        (r#"{"id":1,"\u0069d":1}"#, 8),
        (r#"{"params":{"name":"a","n\u0061me":"a"}}"#, 22),
        (r#"{"params":{},"params":1}"#, 13),
        (r#"{"params":{"_meta":1,"_meta":{}}}"#, 21),
        (
            r#"{"params":{"ref":{"name":"a","uri":"b","name":"a"}}}"#,
            39,
        ),
        (r#"{"result":1,"result":1}"#, 12),
    ];
    for (document, at) in cases {
        assert_eq!(
            refusal(document),
            InvalidJson::DuplicateKey(at),
            "{document}"
        );
    }
}

#[test]
fn a_key_in_another_case_is_a_duplicate_and_no_key() {
    for (document, at) in [
        (r#"{"id":1,"ID":1}"#, 8),
        (r#"{"Method":"a","method":"b"}"#, 14),
        (r#"{"params":{"name":"a","Name":"b"}}"#, 22),
        (r#"{"params":{"name":"a","N\u0061mE":"b"}}"#, 22),
        (r#"{"params":{},"paramſ":{"name":"b"}}"#, 13),
        (r#"{"params":{"REQUESTID":1,"requestId":2}}"#, 25),
    ] {
        assert_eq!(
            refusal(document),
            InvalidJson::DuplicateKey(at),
            "{document}"
        );
    }
    let alone = client(r#"{"ID":1,"params":{"NAME":"a","Arguments":1,"arguments":2}}"#);
    assert_eq!(alone.capture(Field::Id), None);
    assert_eq!(alone.capture(Field::Name), None);
}

#[test]
fn keys_that_lead_nowhere_may_repeat() {
    client(
        r#"{"x":1,"x":2,"params":{"y":1,"y":2,"arguments":{"name":1,"name":2},"_meta":{"z":1,"z":2}}}"#,
    );
    client(r#"[{"id":1,"id":2}]"#);
    client(r#"{"result":{"protocolVersion":1,"protocolVersion":2}}"#);
}

#[test]
fn every_client_field_is_found() {
    let scanner = client(
        r#" {"id":"i","method":"m","result":{},"error":[],"params":{"name":"n","uri":"u","cursor":"c","ref":{
        "type":"t","name":"rn","uri":"ru"},"requestId":-1,"protocolVersion":"p","capabilities":{"a":[{}]},"_meta":{
        "progressToken":1.5,"io.modelcontextprotocol/protocolVersion":"v"}}} "#,
    );
    let expected = [
        (Field::Id, "\"i\"", ValueKind::String),
        (Field::Method, "\"m\"", ValueKind::String),
        (Field::Name, "\"n\"", ValueKind::String),
        (Field::Uri, "\"u\"", ValueKind::String),
        (Field::Cursor, "\"c\"", ValueKind::String),
        (Field::RefType, "\"t\"", ValueKind::String),
        (Field::RefName, "\"rn\"", ValueKind::String),
        (Field::RefUri, "\"ru\"", ValueKind::String),
        (Field::RequestId, "-1", ValueKind::Integer),
        (Field::ProtocolVersion, "\"p\"", ValueKind::String),
        (Field::Capabilities, r#"{"a":[{}]}"#, ValueKind::Object),
        (Field::ProgressToken, "1.5", ValueKind::Number),
        (Field::MetaProtocolVersion, "\"v\"", ValueKind::String),
    ];
    for (field, raw, kind) in expected {
        assert_eq!(scanner.raw(field), Some(raw.as_bytes()), "{field:?}");
        assert_eq!(
            scanner.capture(field).map(|capture| capture.kind),
            Some(kind),
            "{field:?}"
        );
    }
    for (field, kind) in [
        (Field::Result, ValueKind::Object),
        (Field::Error, ValueKind::Array),
        (Field::Params, ValueKind::Object),
    ] {
        assert_eq!(scanner.raw(field), None);
        assert_eq!(
            scanner.capture(field).map(|capture| capture.kind),
            Some(kind)
        );
    }
    assert!(scanner.params_ended());
}

#[test]
fn every_server_field_is_found() {
    let document = br#"{"method":"m","params":{"_meta":{"progressToken":"t"},"requestId":3,"name":"n","name":"n"},
        "result":{"isError":1,"protocolVersion":"2025-06-18","isError":true},"id":null,"error":0}"#;
    let scanner = scan(Plan::FromServer, document).unwrap();
    assert_eq!(scanner.raw(Field::ProgressToken), Some(&b"\"t\""[..]));
    assert_eq!(scanner.raw(Field::RequestId), Some(&b"3"[..]));
    assert_eq!(
        scanner.text(Field::ResultProtocolVersion).as_deref(),
        Some("2025-06-18")
    );
    assert_eq!(scanner.raw(Field::Id), Some(&b"null"[..]));
    assert_eq!(scanner.capture(Field::Name), None);
    let is_error = scanner.capture(Field::ResultIsError).unwrap();
    assert_eq!(is_error.kind, ValueKind::Boolean);
    assert_eq!(is_error.end - is_error.start, 4);
    let result = scanner.capture(Field::Result).unwrap();
    assert_eq!(
        &document[result.start as usize..result.end as usize],
        br#"{"isError":1,"protocolVersion":"2025-06-18","isError":true}"#
    );
}

#[test]
fn tasks_are_found_in_messages_of_clients_and_of_servers_that_have_some() {
    let document = br#"{"params":{"taskId":"a","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"b"}}},
        "result":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"c","x":{"taskId":"x"}}},"taskId":"d","task":{"taskId":"e"}}}"#;
    let found = |plan| {
        let scanner = scan(plan, document).unwrap();
        [
            Field::TaskId,
            Field::RelatedTaskId,
            Field::ResultRelatedTaskId,
            Field::ResultTaskId,
            Field::ResultTaskTaskId,
        ]
        .map(|field| scanner.text(field).unwrap_or_default().into_owned())
    };
    assert_eq!(found(Plan::FromClient), ["a", "b", "c", "", ""]);
    assert_eq!(found(Plan::FromServer), [""; 5]);
    assert_eq!(found(Plan::FromServerWithTasks), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_container_in_the_place_of_a_scalar_tells_its_kind_alone() {
    let scanner = client(r#"{"id":[1],"params":{"name":{"name":"x"}}}"#);
    assert_eq!(
        scanner.capture(Field::Id).map(|id| id.kind),
        Some(ValueKind::Array)
    );
    assert_eq!(
        scanner.capture(Field::Name).map(|name| name.kind),
        Some(ValueKind::Object)
    );
    assert_eq!(scanner.raw(Field::Id), None);
    assert_eq!(scanner.raw(Field::Name), None);
}

#[test]
fn params_of_another_kind_hold_no_fields() {
    let scanner = client(r#"{"params":[{"name":"x"}],"id":1}"#);
    assert_eq!(
        scanner.capture(Field::Params).map(|params| params.kind),
        Some(ValueKind::Array)
    );
    assert_eq!(scanner.capture(Field::Name), None);
    assert_eq!(scanner.raw(Field::Id), Some(&b"1"[..]));
}

#[test]
fn params_end_with_their_object_or_with_the_document() {
    let mut scanner = Scanner::new(Plan::FromClient, KEEP);
    scanner.feed(br#"{"params":{"name":"x""#).unwrap();
    assert!(!scanner.params_ended());
    scanner.feed(b"}").unwrap();
    assert!(scanner.params_ended());
    assert!(client("{}").params_ended());
}

#[test]
fn what_the_grammar_allows_is_accepted() {
    for document in [
        "{}",
        "[]",
        "0",
        "-0",
        "10.25",
        "-1e9",
        "1E+5",
        "0.5e-3",
        "true",
        "false",
        "null",
        "\"\"",
        " \t\r\n[ 1 , { \"a\" : [ ] } ] \n",
        r#""\u0000\ud800\/""#,
        "[[],{},\"\u{10ffff}\"]",
    ] {
        client(document);
    }
}

#[test]
fn what_the_grammar_forbids_is_refused_at_its_byte() {
    let cases = [
        ("x", 0),
        ("\u{feff}{}", 0),
        ("{} x", 3),
        ("{}{}", 2),
        ("[1,]", 3),
        ("[,1]", 1),
        ("{,}", 1),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1,}", 7),
        ("{1:2}", 1),
        ("[1 2]", 3),
        ("[}", 1),
        ("{]", 1),
        ("[1}", 2),
        ("{\"a\":1]", 6),
        ("01", 1),
        ("-", 1),
        ("1.", 2),
        (".5", 0),
        ("+1", 0),
        ("1.e5", 2),
        ("[1e]", 3),
        ("[-]", 2),
        ("tru ", 3),
        ("nulL", 3),
        ("NaN", 0),
        ("'a'", 0),
        ("\"\\x\"", 2),
        ("\"\\u00g0\"", 5),
        ("\"a\nb\"", 2),
        ("\"\0\"", 1),
        ("// c", 0),
        ("[1]/**/", 3),
        ("{\"a\" 1}", 5),
        ("\u{a0}1", 0),
    ];
    for (document, at) in cases {
        let refused = match refusal(document) {
            InvalidJson::Syntax(at) => at,
            InvalidJson::Truncated => document.len() as u64,
            other => panic!("{document}: {other}"),
        };
        assert_eq!(refused, at, "{document}");
    }
}

#[test]
fn a_document_that_stops_short_is_truncated() {
    let document = r#"{"a":[1.5e3,true,"\u00e9é"],"id":null}"#;
    for length in 0..document.len() {
        let refused = refusal(document.as_bytes().get(..length).unwrap());
        assert_eq!(refused, InvalidJson::Truncated, "{length}");
    }
    for document in ["", " ", "-", "1.", "1e", "1e+"] {
        assert_eq!(refusal(document), InvalidJson::Truncated, "{document}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_where_its_character_begins() {
    let cases: [(&[u8], u64); 8] = [
        (b"\"\x80\"", 1),
        (b"\"a\xc3\"", 2),
        (b"\"\xc0\xaf\"", 1),
        (b"\"\xe2\x82\"", 1),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xf0\x9f\x98 \"", 1),
        (b"\"\xf4\x90\x80\x80\"", 1),
        (b"[\"\xc3\xa9\", \xc3\xa9]", 7),
    ];
    for (document, at) in cases {
        assert_eq!(refusal(document), InvalidJson::Syntax(at));
        let mut scanner = Scanner::new(Plan::FromClient, KEEP);
        let verdict = document.iter().try_for_each(|byte| scanner.feed(&[*byte]));
        assert_eq!(verdict, Err(InvalidJson::Syntax(at)));
    }
}

#[test]
fn one_byte_at_a_time_finds_the_same() {
    let document = "{\"params\":{\"_meta\":{\"io.modelcontextprotocol\\/protocolVersion\":\"é\\ud83d\\ude00😀\"}},\"id\":12}";
    let mut scanner = Scanner::new(Plan::FromClient, KEEP);
    for byte in document.as_bytes() {
        scanner.feed(&[*byte]).unwrap();
    }
    scanner.finish().unwrap();
    assert_eq!(
        scanner.text(Field::MetaProtocolVersion).as_deref(),
        Some("é😀😀")
    );
    assert_eq!(scanner.raw(Field::Id), Some(&b"12"[..]));
    assert_eq!(
        scanner.capture(Field::Id),
        client(document).capture(Field::Id)
    );
}

#[test]
fn a_lone_surrogate_is_refused_in_captured_strings_alone() {
    assert_eq!(refusal(r#"{"method":"a\ud800"}"#), InvalidJson::Syntax(10));
    client(r#"{"params":{"x":"\ud800"}}"#);
    let scanner = client(r#"{"i\ud800d":1,"\ud800id":2}"#);
    assert_eq!(scanner.capture(Field::Id), None);
}

#[test]
fn a_value_longer_than_kept_is_refused_as_soon_as_it_is() {
    let with_id = |length: usize| format!("{{\"id\":\"{}\"}}", "x".repeat(length - 2));
    assert_eq!(
        client(&with_id(KEEP)).raw(Field::Id).map(<[u8]>::len),
        Some(KEEP)
    );
    assert_eq!(refusal(with_id(KEEP + 1)), InvalidJson::TooLong(6));
    let with_capabilities = |length: usize| {
        let extension = "x".repeat(length - "{'':0}".len());
        format!("{{\"params\":{{\"capabilities\":{{\"{extension}\":0}}}}}}")
    };
    let most = 16 * KEEP;
    let capabilities = client(&with_capabilities(most));
    assert_eq!(
        capabilities.raw(Field::Capabilities).map(<[u8]>::len),
        Some(most)
    );
    let longer = refusal(with_capabilities(most + 1));
    assert!(matches!(longer, InvalidJson::TooLong(_)), "{longer:?}");

    let mut scanner = Scanner::new(Plan::FromClient, 4);
    assert_eq!(scanner.feed(b"{\"id\":1234"), Ok(()));
    assert_eq!(scanner.unfinished(), Some((Field::Id, 6)));
    assert_eq!(scanner.feed(b"5"), Err(InvalidJson::TooLong(6)));
    assert_eq!(scanner.feed(b"}"), Err(InvalidJson::TooLong(6)));
    assert_eq!(scanner.finish(), Err(InvalidJson::TooLong(6)));
}

#[test]
fn long_keys_and_values_that_lead_nowhere_cost_nothing() {
    let long = "k".repeat(100_000);
    let document = format!(
        "{{\"{long}\":\"{long}\",\"params\":{{\"{long}\":1,\"arguments\":\"{long}\"}},\"id\":1}}"
    );
    let mut scanner = Scanner::new(Plan::FromClient, 16);
    for piece in document.as_bytes().chunks(1000) {
        scanner.feed(piece).unwrap();
    }
    scanner.finish().unwrap();
    assert_eq!(scanner.raw(Field::Id), Some(&b"1"[..]));
}

#[test]
fn depth_is_tolerated_up_to_a_million_levels() {
    let nested = |depth: usize| {
        format!(
            "{{\"params\":{{\"arguments\":{}{}}}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    client(&nested(10_000));
    client(&nested((1 << 20) - 2));
    assert_eq!(
        refusal(nested((1 << 20) - 1)),
        InvalidJson::TooDeep(23 + (1 << 20) - 2)
    );
}

#[test]
fn the_kind_of_the_root_is_told_at_its_first_byte() {
    let mut scanner = Scanner::new(Plan::FromClient, KEEP);
    assert_eq!(scanner.root(), None);
    scanner.feed(b" \n[").unwrap();
    assert_eq!(scanner.root(), Some(ValueKind::Array));
    assert_eq!(client("1.5 ").root(), Some(ValueKind::Number));
    assert_eq!(client("\"id\"").root(), Some(ValueKind::String));
}

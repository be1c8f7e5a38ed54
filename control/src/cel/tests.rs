use mcp_filter_config::{Condition, HeaderValue, ValuePart};

use super::{predicate, value};

fn present(name: &str) -> Condition {
    Condition::HeaderPresent(name.to_owned())
}

fn equals(name: &str, value: &str) -> Condition {
    Condition::HeaderEquals(HeaderValue {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

#[test]
fn the_guides_predicate_is_lowered() {
    let text = "request.headers.exists(h, h == \"x-github-pat\") && request.headers[\"x-github-pat\"] != \"\"\n";
    let expected = Condition::All(vec![
        present("x-github-pat"),
        not(equals("x-github-pat", "")),
    ]);
    assert_eq!(predicate(text), Ok(expected));
}

#[test]
fn each_known_form_is_lowered() {
    let absent_or_other = Condition::All(vec![present("a"), not(equals("a", "b"))]);
    let cases = [
        ("\"a\" in request.headers", present("a")),
        ("!('a' in request.headers)", not(present("a"))),
        ("has(request.headers.a)", present("a")),
        ("request.headers.a == 'b'", equals("a", "b")),
        ("'b' == request.headers['a']", equals("a", "b")),
        (
            "request.headers.exists(h, h == 'a' || 'b' == h)",
            Condition::Any(vec![present("a"), present("b")]),
        ),
        ("true", Condition::All(vec![])),
        ("!true", Condition::Any(vec![])),
        ("!(request.headers.a == 'b')", absent_or_other.clone()),
        ("request.headers.a != 'b'", absent_or_other),
        ("!(request.headers.a != 'b')", equals("a", "b")),
        (
            "has(request.headers.a) || request.headers.b == 'c' && has(request.headers.d)",
            Condition::Any(vec![
                present("a"),
                Condition::All(vec![equals("b", "c"), present("d")]),
            ]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(predicate(text), Ok(expected), "{text}");
    }
}

#[test]
fn values_are_joined_in_order() {
    assert_eq!(
        value("\"Bearer \" + request.headers[\"x-github-pat\"]\n"),
        Ok(vec![
            ValuePart::Literal("Bearer ".to_owned()),
            ValuePart::Header("x-github-pat".to_owned())
        ])
    );
    assert_eq!(
        value("request.headers.a + ('-' + request.headers.b)").map(|parts| parts.len()),
        Ok(3)
    );
}

#[test]
fn what_is_not_supported_is_refused_with_its_position() {
    let cases = [
        ("request.path == '/mcp'", (1, 14)),
        (
            "has(request.headers.a) &&\n  request.method == 'POST'",
            (2, 18),
        ),
        ("request.headers['a'].startsWith('b')", (1, 32)),
        ("request.headers.all(h, h == 'a')", (1, 20)),
        ("request.headers.exists_one(h, h == 'a')", (1, 27)),
        ("request.headers.exists(h, h != 'a')", (1, 29)),
        (
            "request.headers.exists(h, request.headers[h] == 'a')",
            (1, 46),
        ),
        ("other.exists(h, h == 'a')", (1, 13)),
        ("request.headers['A'] == 'b'", (1, 17)),
        ("request.headers[':path'] == 'b'", (1, 17)),
        ("request.headers.a == request.headers.b", (1, 19)),
        ("auth.identity.sub == 'a'", (1, 19)),
        ("1", (1, 1)),
        ("has(request.headers.a) ? true : false", (1, 24)),
    ];
    for (text, position) in cases {
        let refused = predicate(text).unwrap_err();
        assert_eq!(refused.position, Some(position), "{text}: {refused}");
    }
    for text in [
        "auth.identity.sub",
        "'a' + 1",
        "'a\\nb'",
        "string(request.headers.a)",
    ] {
        assert!(value(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_cel_is_refused() {
    for text in [
        "",
        "request.headers[",
        "a &&",
        "'open",
        "(",
        "has()",
        "request.headers.exists(h)",
        "request.headers.exists(1, true)",
    ] {
        assert!(predicate(text).is_err(), "{text}");
    }
}

#[test]
fn expressions_that_could_exhaust_the_stack_are_refused() {
    for text in [
        "!".repeat(2000),
        "(".repeat(2000),
        "(".repeat(64),
        format!("a{}", ".b".repeat(1000)),
    ] {
        assert!(predicate(&text).is_err());
    }
    let reason = |text: &str| predicate(text).unwrap_err().reason;
    assert!(reason(&"(".repeat(65)).contains("nested brackets"));
    assert!(reason(&" ".repeat(5000)).contains("2048 bytes"));
    let deep = format!("{}true{}", "(".repeat(60), ")".repeat(60));
    assert!(predicate(&deep).is_ok());
}

mod properties {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z .()\\[\\]'\"=!&|+?:0-9{},\\\\\n-]{0,60}") {
            let _ = super::predicate(&text);
            let _ = super::value(&text);
        }
    }
}

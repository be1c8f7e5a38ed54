use mcp_filter_config::{ClaimValue, Condition, HeaderValue, ValuePart};

use super::{holds_at, predicate, value};

mod calls;

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

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn claim(names: &[&str], value: &str) -> ClaimValue {
    ClaimValue {
        path: path(names),
        value: value.to_owned(),
    }
}

#[test]
fn each_known_form_on_claims_is_lowered() {
    let roles = ["realm_access", "roles"];
    let has_admin = || Condition::ClaimContains(claim(&roles, "admin"));
    let has_read = || Condition::ClaimHasWord(claim(&["scope"], "read"));
    let is_ann = || Condition::ClaimEquals(claim(&["sub"], "ann"));
    let any = |conditions: [Condition; 2]| Condition::Any(conditions.to_vec());
    let cases = [
        ("auth.identity.sub == 'ann'", is_ann()),
        ("'ann' == auth.identity[\"sub\"]", is_ann()),
        (
            "auth.identity['https://a.example/b'].c == 'd'",
            Condition::ClaimEquals(claim(&["https://a.example/b", "c"], "d")),
        ),
        (
            "has(auth.identity.sub)",
            Condition::ClaimPresent(path(&["sub"])),
        ),
        (
            "has(auth.identity.realm_access.roles)",
            Condition::ClaimPresent(path(&roles)),
        ),
        ("\"admin\" in auth.identity.realm_access.roles", has_admin()),
        (
            "auth.identity.realm_access.roles.exists(r, r == 'admin')",
            has_admin(),
        ),
        (
            "auth.identity.groups.exists(g, g == 'a' || 'b' == g)",
            any(["a", "b"].map(|group| Condition::ClaimContains(claim(&["groups"], group)))),
        ),
        ("'read' in auth.identity.scope.split(' ')", has_read()),
        (
            "auth.identity.scope.split(' ').exists(s, s == 'read')",
            has_read(),
        ),
        (
            "auth.identity.sub == 'ann' || has(request.headers.a)",
            any([is_ann(), present("a")]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(predicate(text), Ok(expected), "{text}");
    }
}

#[test]
fn an_absent_claim_denies_under_a_negation_too() {
    let sub = || Condition::ClaimPresent(path(&["sub"]));
    let other = Condition::All(vec![
        sub(),
        not(Condition::ClaimContains(claim(&["sub"], "ann"))),
        not(Condition::ClaimEquals(claim(&["sub"], "ann"))),
        not(Condition::ClaimHasWord(claim(&["sub"], "ann"))),
        not(Condition::ClaimPresent(path(&["sub", "ann"]))),
    ]);
    let no_roles = Condition::All(vec![
        Condition::ClaimPresent(path(&["a"])),
        not(Condition::ClaimPresent(path(&["a", "b"]))),
    ]);
    let cases = [
        ("auth.identity.sub != 'ann'", other.clone()),
        ("!(auth.identity.sub == 'ann')", other),
        ("!has(auth.identity.sub)", not(sub())),
        ("!has(auth.identity.a.b)", no_roles),
    ];
    for (text, expected) in cases {
        assert_eq!(predicate(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_must_not_be_in_a_claim_must_not_be_there_in_another_form_either() {
    let expected = Condition::All(vec![
        Condition::ClaimPresent(path(&["groups"])),
        not(Condition::ClaimContains(claim(&["groups"], "x"))),
        not(Condition::ClaimEquals(claim(&["groups"], "x"))),
        not(Condition::ClaimHasWord(claim(&["groups"], "x"))),
        not(Condition::ClaimPresent(path(&["groups", "x"]))),
    ]);
    for text in [
        "!('x' in auth.identity.groups)",
        "!auth.identity.groups.exists(g, g == 'x')",
        "!('x' in auth.identity.groups.split(' '))",
    ] {
        assert_eq!(predicate(text), Ok(expected.clone()), "{text}");
    }
    let expected = Condition::All(vec![
        Condition::ClaimPresent(path(&["groups"])),
        not(Condition::ClaimContains(claim(&["groups"], "a b"))),
        not(Condition::ClaimEquals(claim(&["groups"], "a b"))),
        not(Condition::ClaimPresent(path(&["groups", "a b"]))),
    ]);
    assert_eq!(
        predicate("!('a b' in auth.identity.groups)"),
        Ok(expected),
        "no word has a space"
    );
}

#[test]
fn predicates_on_the_path_are_decided_for_one_path() {
    let cases = [
        ("!request.path.contains('/.well-known')", true),
        ("!request.url_path.startsWith(\"/.well-known/\")", true),
        ("request.path.startsWith('/mcp')", true),
        ("request.path.endsWith('/mcp') && true", true),
        ("'/mcp' == request.path", true),
        ("request.path != '/mcp'", false),
        ("request.path.contains('/.well-known')", false),
        ("request.path == '/a' || request.path == '/b'", false),
        ("!(request.path == '/a') && !(request.path == '/b')", true),
    ];
    for (text, expected) in cases {
        assert_eq!(holds_at(text, "/mcp"), Ok(expected), "{text}");
    }
}

#[test]
fn what_a_path_does_not_decide_is_refused_with_its_position() {
    let cases = [
        ("request.method == 'POST'", (1, 8)),
        ("true || request.headers['a'] == 'b'", (1, 24)),
        ("!request.path.matches('^/a')", (1, 22)),
        ("request.path.contains(request.query)", (1, 30)),
        ("request.path in ['/a']", (1, 14)),
        ("request.path", (1, 8)),
        ("auth.identity.sub == 'a'", (1, 14)),
        ("has(request.path)", (1, 4)),
    ];
    for (text, position) in cases {
        let refused = holds_at(text, "/mcp").unwrap_err();
        assert_eq!(refused.position, Some(position), "{text}: {refused}");
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
    assert_eq!(
        value("'for ' + auth.identity.realm['name']"),
        Ok(vec![
            ValuePart::Literal("for ".to_owned()),
            ValuePart::Claim(path(&["realm", "name"]))
        ])
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
        ("auth.metadata.a == 'a'", (1, 17)),
        ("auth.identity == 'a'", (1, 15)),
        ("auth.identity.a == auth.identity.b", (1, 17)),
        ("auth.identity.a[0] == 'a'", (1, 17)),
        ("auth.identity.a.startsWith('a')", (1, 27)),
        ("'a' in auth.identity", (1, 5)),
        ("auth.identity.a in [1]", (1, 21)),
        ("1 in auth.identity.a", (1, 1)),
        ("'a' in auth.identity.a.split(',')", (1, 30)),
        ("'a b' in auth.identity.a.split(' ')", (1, 1)),
        ("'' in auth.identity.a.split(' ')", (1, 1)),
        ("auth.identity.a.all(i, i == 'a')", (1, 20)),
        ("auth.identity.a.exists(i, i != 'a')", (1, 29)),
        ("1", (1, 1)),
        ("has(request.headers.a) ? true : false", (1, 24)),
    ];
    for (text, position) in cases {
        let refused = predicate(text).unwrap_err();
        assert_eq!(refused.position, Some(position), "{text}: {refused}");
    }
    for text in [
        "auth.identity",
        "auth.identity.a.split(' ')",
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
            let _ = super::holds_at(&text, "/mcp");
        }
    }
}

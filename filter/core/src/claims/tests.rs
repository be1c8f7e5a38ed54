use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{Claims, NoHeaderValue, UnreadableClaim};
use crate::identity::Identity;
use crate::pairs::block;

/// The claims of a token, as the host hands them over.
pub(crate) fn claims(token: &Value) -> Claims {
    Claims::of_block(written(token)).unwrap()
}

/// Those of a token with an issuer and a subject.
pub(crate) fn token(issuer: &str, subject: &str) -> Claims {
    claims(&json!({"iss": issuer, "sub": subject}))
}

/// A value in the host's bytes.
fn written(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => panic!("null has no bytes"),
        Value::Bool(value) => vec![u8::from(*value)],
        Value::Number(number) => number.as_f64().unwrap().to_le_bytes().to_vec(),
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Array(items) => {
            let items = items.iter().map(|item| (written(item), Vec::new()));
            block(&items.collect::<Vec<_>>())
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.as_bytes(), written(value)));
            block(&members.collect::<Vec<_>>())
        }
    }
}

fn full() -> Value {
    json!({
        "iss": "https://issuer", "sub": "ada", "aud": ["mcp", "other"], "scope": "read write",
        "groups": ["admins", "a b", ""], "empty": "", "none": [], "nothing": {},
        "admin": true, "exp": 1_790_000_000, "level": 3.25,
        "org": {"name": "acme", "teams": ["core"], "deep": {"er": "x"}, "blank": "", "of": {"a": "x y z"}},
        "labels": [{"name": "acme"}, ["admins"]],
    })
}

const HELD: Result<bool, UnreadableClaim> = Ok(true);
const NOT_HELD: Result<bool, UnreadableClaim> = Ok(false);

/// A path, and what is looked for there.
type Asked<'a> = (&'a [&'a str], &'a str);

/// Asserts of the full token what holds and what does not.
fn assert_held(
    ask: impl Fn(&Claims, &[&str], &str) -> Result<bool, UnreadableClaim>,
    held: &[Asked<'_>],
    not_held: &[Asked<'_>],
) {
    let claims = claims(&full());
    for (cases, expected) in [(held, HELD), (not_held, NOT_HELD)] {
        for (path, text) in cases {
            assert_eq!(ask(&claims, path, text), expected, "{path:?} {text}");
        }
    }
}

#[test]
fn a_text_is_what_it_is_and_nothing_else() {
    assert_held(
        |claims, path, text| claims.is_text(path, text),
        &[
            (&["sub"], "ada"),
            (&["org", "name"], "acme"),
            (&["org", "deep", "er"], "x"),
        ],
        &[
            (&["sub"], "ad"),
            (&["sub"], "ADA"),
            (&["nobody"], "ada"),
            (&["sub", "ada"], ""),
            (&["aud"], "mcp"),
            (&["admin"], "true"),
            (&["org", "deep"], "x"),
            (&["org", "nobody", "er"], "x"),
            (&["name"], "acme"),
            (&["labels", "name"], "acme"),
            (&["empty"], ""),
            (&["nobody"], ""),
        ],
    );
}

#[test]
fn a_list_has_its_items_and_nothing_else_has_any() {
    assert_held(
        |claims, path, item| claims.has_item(path, item),
        &[
            (&["aud"], "mcp"),
            (&["groups"], "a b"),
            (&["groups"], ""),
            (&["org", "teams"], "core"),
        ],
        &[
            (&["aud"], "mc"),
            (&["groups"], "a"),
            (&["none"], ""),
            (&["nothing"], ""),
            (&["sub"], "ada"),
            (&["org"], "name"),
            (&["org", "of"], "a"),
            (&["labels"], "admins"),
            (&["nobody"], "mcp"),
        ],
    );
}

#[test]
fn a_word_stands_between_single_spaces_or_in_a_list() {
    assert_held(
        |claims, path, word| claims.has_word(path, word),
        &[
            (&["scope"], "read"),
            (&["scope"], "write"),
            (&["sub"], "ada"),
            (&["groups"], "admins"),
        ],
        &[
            (&["scope"], "rea"),
            (&["scope"], "read write"),
            (&["groups"], "b"),
            (&["org", "of"], "y"),
            (&["nobody"], "read"),
        ],
    );
}

#[test]
fn a_claim_is_there_whatever_it_is() {
    let claims = claims(&full());
    for path in [
        &["sub"][..],
        &["admin"],
        &["exp"],
        &["none"],
        &["nothing"],
        &["org", "deep", "er"],
    ] {
        assert_eq!(claims.has(path), HELD, "{path:?}");
    }
    for path in [
        &["nobody"][..],
        &["SUB"],
        &["sub", "ada"],
        &["groups", "admins"],
        &["org", "name", "acme"],
        &["empty"],
        &["org", "blank"],
        &["none", "x"],
    ] {
        assert_eq!(claims.has(path), NOT_HELD, "{path:?}");
    }
}

#[test]
fn a_header_value_is_one_text_without_control_characters() {
    let mut token = full();
    token["line"] = json!("a\r\nx-admin: 1");
    token["zero"] = json!("a\u{0}b");
    token["accent"] = json!("\u{e9}\t");
    let claims = claims(&token);
    assert_eq!(claims.header_value(&["sub"]), Ok("ada"));
    assert_eq!(claims.header_value(&["accent"]), Ok("\u{e9}\t"));
    assert_eq!(claims.header_value(&["nobody"]), Ok(""));
    for name in [
        "line", "zero", "aud", "org", "none", "nothing", "admin", "exp", "level",
    ] {
        assert_eq!(claims.header_value(&[name]), Err(NoHeaderValue), "{name}");
    }
}

#[test]
fn without_a_token_there_is_no_claim() {
    assert_eq!(Claims::NONE.has(&["sub"]), NOT_HELD);
    assert_eq!(Claims::NONE.header_value(&["sub"]), Ok(""));
    assert_eq!(Claims::NONE.identity(), Identity::ANONYMOUS);
    assert_eq!(claims(&json!({})).identity(), Identity::ANONYMOUS);
}

#[test]
fn a_token_names_its_caller() {
    let ada = Identity::of_token("https://issuer", "ada");
    assert_eq!(claims(&full()).identity(), ada);
    let unnamed = claims(&json!({"iss": "https://issuer"}));
    assert_eq!(unnamed.identity(), Identity::of_token("https://issuer", ""));
}

#[test]
fn bytes_that_are_no_claims_are_none() {
    let bytes = written(&full());
    for end in 0..bytes.len() {
        assert_eq!(Claims::of_block(bytes[..end].to_vec()), None, "{end}");
    }
    // Older hosts give no block of less than 30 bytes.
    let padded = [written(&json!({"sub": "ada"})), vec![0; 8]].concat();
    let padded = Claims::of_block(padded).unwrap();
    assert_eq!(padded.is_text(&["sub"], "ada"), HELD);
}

fn paths(paths: &[&[&str]]) -> Vec<Vec<String>> {
    let owned = |path: &&[&str]| path.iter().map(|name| (*name).to_owned()).collect();
    paths.iter().map(owned).collect()
}

#[test]
fn claims_that_were_asked_for_one_by_one_are_the_same() {
    let token = json!({"iss": "https://issuer", "sub": "ada", "groups": ["a", null], "org": {"x": null, "name": "acme", "blank": ""}});
    let asked = paths(&[
        &["iss"],
        &["sub"],
        &["groups"],
        &["org"],
        &["org", "name"],
        &["org", "blank"],
    ]);
    let claims = Claims::one_by_one(&asked, |path| {
        let mut value = Some(&token);
        for name in path {
            value = value.and_then(|value| value.get(name.as_str()));
        }
        match value {
            Some(value) if value.to_string().contains("null") => Err(UnreadableClaim),
            value => Ok(value.map(written)),
        }
    });
    let ada = Identity::of_token("https://issuer", "ada");
    assert_eq!(claims.identity(), ada);
    assert_eq!(claims.is_text(&["org", "name"], "acme"), HELD);
    assert_eq!(claims.has(&["org", "blank"]), NOT_HELD);
    assert_eq!(claims.has(&["nobody"]), NOT_HELD);
    for path in ["groups", "org"] {
        assert_eq!(claims.has(&[path]), Err(UnreadableClaim));
        assert_eq!(claims.has_item(&[path], "a"), Err(UnreadableClaim));
        assert_eq!(claims.has_word(&[path], "a"), Err(UnreadableClaim));
        assert_eq!(claims.header_value(&[path]), Err(NoHeaderValue));
    }
}

#[test]
fn the_host_is_not_asked_for_places_in_lists() {
    for name in ["0", "12", "-1", "+3", " 4 "] {
        let asked = paths(&[&["groups", name]]);
        let claims = Claims::one_by_one(&asked, |_| Ok(Some(b"admins".to_vec())));
        assert_eq!(
            claims.has(&["groups", name]),
            Err(UnreadableClaim),
            "{name}"
        );
    }
    let asked = paths(&[&["7"], &["tenants", "a7"]]);
    let claims = Claims::one_by_one(&asked, |_| Ok(Some(b"x".to_vec())));
    assert_eq!(claims.has(&["7"]), HELD);
    assert_eq!(claims.has(&["tenants", "a7"]), HELD);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Any token without null.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c ]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Value> {
        prop::collection::hash_map("[a-c]{1,2}", value(), 0..5)
            .prop_map(|members| members.into_iter().collect())
    }

    fn path() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-c]{1,2}", 1..4)
    }

    proptest! {
        #[test]
        fn every_text_and_item_is_found_and_no_other(token in object(), path in path(), text in "[a-c ]{1,3}") {
            let claim = path.iter().try_fold(&token, |value, name| value.get(name.as_str()));
            let claims = claims(&token);
            let is_text = claim.and_then(Value::as_str) == Some(&text);
            prop_assert_eq!(claims.is_text(&path, &text), Ok(is_text));
            let has_item = claim.and_then(Value::as_array).is_some_and(|items| items.contains(&json!(text)));
            // What the host does not tell from a list.
            let is_like_a_list = claim.and_then(Value::as_object).is_some_and(|members| members.values().all(|value| value == ""));
            prop_assert!(is_like_a_list || claims.has_item(&path, &text) == Ok(has_item));
        }

        #[test]
        fn whatever_bytes_one_claim_has_the_others_stay_as_they_are(token in object(), odd in prop::collection::vec(any::<u8>(), 0..60), path in path()) {
            let members = token.as_object().unwrap().iter();
            let mut pairs: Vec<_> = members.map(|(name, value)| (name.as_bytes(), written(value))).collect();
            pairs.push((&b"odd"[..], odd.clone()));
            let (claims, rest) = (Claims::of_block(block(&pairs)).unwrap(), claims(&token));
            prop_assert_eq!(claims.header_value(&path), rest.header_value(&path));
            prop_assert_eq!(claims.has(&path), rest.has(&path));
            prop_assert_eq!(claims.has_word(&path, "a"), rest.has_word(&path, "a"));
            prop_assert_eq!(claims.has(&["odd"]), Ok(!odd.is_empty()));
            let within = [&["odd".to_owned()][..], &path].concat();
            let is_found = claims.has(&within) == HELD;
            prop_assert!(!is_found || odd.windows(path[0].len()).any(|window| window == path[0].as_bytes()));
        }
    }
}

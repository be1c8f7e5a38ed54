//! Edits that leave every other byte as it was written.

use super::text;

/// A replacement of the bytes of a [`Capture`](super::Capture).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// What stands there instead.
    pub with: Vec<u8>,
}

/// `bytes` with the replacements made, which stand in order. `None` when one is no range of `bytes`, or overlaps with
/// the one before.
pub fn replace(bytes: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
    let more: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut edited = Vec::with_capacity(bytes.len() + more);
    let mut at = 0;
    for splice in splices {
        let (start, end) = (splice.start.try_into().ok()?, splice.end.try_into().ok()?);
        bytes.get(start..end)?;
        edited.extend_from_slice(bytes.get(at..start)?);
        edited.extend_from_slice(&splice.with);
        at = end;
    }
    edited.extend_from_slice(bytes.get(at..)?);
    Some(edited)
}

/// A string token without the `prefix` of its text: what is left stays as it was written, whatever escapes it has.
/// `None` when `token` is no string token or its text does not begin with `prefix`.
pub fn strip_prefix(token: &[u8], prefix: &str) -> Option<Vec<u8>> {
    let mut rest = text::content(token)?;
    for expected in prefix.chars() {
        let (character, length) = text::first_character(rest)?;
        if character != expected {
            return None;
        }
        rest = rest.get(length..)?;
    }
    Some([b"\"", rest, b"\""].concat())
}

/// Where a member of an object stands, with the comma that would be left without it, by the ends of its key and of its
/// value. Nothing of valid JSON stands in a key without escapes but what ends it, so its begin is the quote before.
pub fn member(bytes: &[u8], key_end: usize, value_end: usize) -> Option<(usize, usize)> {
    let key = bytes.get(..key_end.checked_sub(1)?)?;
    let start = key.iter().rposition(|byte| *byte == b'"')?;
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let rest = bytes.get(value_end..)?;
    let next = rest.iter().position(|byte| !is_space(byte))?;
    if rest.get(next) == Some(&b',') {
        return Some((start, value_end + next + 1));
    }
    let before = bytes.get(..start)?;
    let last = before.iter().rposition(|byte| !is_space(byte))?;
    let start = match before.get(last) {
        Some(b',') => last,
        _ => start,
    };
    Some((start, value_end))
}

/// The JSON string token of `text`, with no more escapes than it needs.
pub fn string_token(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Splice, member, replace, string_token, strip_prefix};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn splice(start: u64, end: u64, with: &[u8]) -> Splice {
        let with = with.to_vec();
        Splice { start, end, with }
    }

    #[test]
    fn a_member_goes_with_one_comma() {
        for (object, left) in [
            (r#"{"k":1}"#, "{}"),
            (r#"{ "k" : 1 , "b":2}"#, r#"{  "b":2}"#),
            (r#"{"a":",", "k":1 }"#, r#"{"a":"," }"#),
            (r#"{"a":0,"k":1,"b":2}"#, r#"{"a":0,"b":2}"#),
            (r#"{"a":0,"\u006b":1}"#, r#"{"a":0}"#),
        ] {
            let key_end = object.find("k\"").or(object.find("6b\"").map(|at| at + 1));
            let value_end = object.find('1').unwrap() + 1;
            let (start, end) = member(object.as_bytes(), key_end.unwrap() + 2, value_end).unwrap();
            assert_eq!([&object[..start], &object[end..]].concat(), left);
        }
    }

    #[test]
    fn bytes_around_a_replacement_stay() {
        let cases: [(&[u8], Splice, &[u8]); 3] = [
            (b"abcdef", splice(2, 4, b"XYZ"), b"abXYZef"),
            (b"abc", splice(0, 3, b""), b""),
            (b"abc", splice(3, 3, b"d"), b"abcd"),
        ];
        for (bytes, splice, edited) in cases {
            assert_eq!(replace(bytes, &[splice]).as_deref(), Some(edited));
        }
    }

    #[test]
    fn replacements_are_made_together() {
        let splices = [splice(0, 1, b""), splice(2, 3, b"XY"), splice(3, 3, b"Z")];
        assert_eq!(replace(b"abcd", &splices).as_deref(), Some(&b"bXYZd"[..]));
        assert_eq!(replace(b"abcd", &[]).as_deref(), Some(&b"abcd"[..]));
    }

    #[test]
    fn a_range_outside_the_bytes_replaces_nothing() {
        for (start, end) in [(2, 4), (2, 1), (u64::MAX, u64::MAX)] {
            assert_eq!(replace(b"abc", &[splice(start, end, b"")]), None);
        }
        let overlapping = [splice(0, 2, b""), splice(1, 3, b"")];
        assert_eq!(replace(b"abc", &overlapping), None);
    }

    #[test]
    fn a_prefix_leaves_and_the_rest_keeps_its_spelling() {
        let cases = [
            (r#""github_get_me""#, r#""get_me""#),
            (r#""\u0067ithub\u005fget_me""#, r#""get_me""#),
            (r#""github_g\u0065t\/me""#, r#""g\u0065t\/me""#),
            (r#""github_é\ud83d\ude00""#, r#""é\ud83d\ude00""#),
            (r#""github_""#, r#""""#),
        ];
        for (token, rest) in cases {
            assert_eq!(
                strip_prefix(token.as_bytes(), "github_").as_deref(),
                Some(rest.as_bytes())
            );
        }
        let smiling = strip_prefix(br#""\ud83d\ude00_x""#, "\u{1f600}_");
        assert_eq!(smiling.as_deref(), Some(&br#""x""#[..]));
    }

    #[test]
    fn text_with_another_beginning_has_no_such_prefix() {
        for token in [
            r#""githu""#,
            r#""GitHub_x""#,
            r#""\ud800github_x""#,
            "github_x",
            "7",
            r#""""#,
        ] {
            assert_eq!(strip_prefix(token.as_bytes(), "github_"), None, "{token}");
        }
    }

    #[test]
    fn text_becomes_a_token_with_the_escapes_it_needs() {
        assert_eq!(
            string_token("a\"\\/\n\u{1}é\u{7f}"),
            "\"a\\\"\\\\/\\n\\u0001é\u{7f}\"".as_bytes()
        );
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;

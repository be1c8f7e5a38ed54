//! Edits that leave every other byte as it was written.

use super::text;

/// `bytes` with `with` in the place of `start..end`, as a [`Capture`](super::Capture) gives them.
/// `None` when that is no range of `bytes`.
pub fn replace(bytes: &[u8], start: u64, end: u64, with: &[u8]) -> Option<Vec<u8>> {
    let start = usize::try_from(start).ok()?;
    let end = usize::try_from(end).ok()?;
    let replaced = bytes.get(start..end)?;
    let mut edited = Vec::with_capacity(bytes.len() - replaced.len() + with.len());
    edited.extend_from_slice(bytes.get(..start)?);
    edited.extend_from_slice(with);
    edited.extend_from_slice(bytes.get(end..)?);
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

/// The JSON string token of `text`, with no more escapes than it needs.
pub fn string_token(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{replace, string_token, strip_prefix};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn bytes_around_a_replacement_stay() {
        assert_eq!(
            replace(b"abcdef", 2, 4, b"XYZ").as_deref(),
            Some(&b"abXYZef"[..])
        );
        assert_eq!(replace(b"abc", 0, 3, b"").as_deref(), Some(&b""[..]));
        assert_eq!(replace(b"abc", 3, 3, b"d").as_deref(), Some(&b"abcd"[..]));
    }

    #[test]
    fn a_range_outside_the_bytes_replaces_nothing() {
        assert_eq!(replace(b"abc", 2, 4, b""), None);
        assert_eq!(replace(b"abc", 2, 1, b""), None);
        assert_eq!(replace(b"abc", u64::MAX, u64::MAX, b""), None);
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

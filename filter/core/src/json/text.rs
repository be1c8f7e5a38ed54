//! JSON string tokens and the text that they spell.
//!
//! Tokens are taken as the scanner let them pass: quotes at both ends, valid UTF-8, escapes of RFC 8259, section 7.

use std::borrow::Cow;

/// The text of a string token, quotes included. `None` when it is no string token, or holds a lone surrogate:
/// the grammar permits `"\ud800"`, but it spells no text, and parsers disagree about it.
pub fn decode(token: &[u8]) -> Option<Cow<'_, str>> {
    let content = content(token)?;
    if !content.contains(&b'\\') {
        return std::str::from_utf8(content).ok().map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while !rest.is_empty() {
        let plain = rest
            .iter()
            .position(|&byte| byte == b'\\')
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at_checked(plain)?;
        text.push_str(std::str::from_utf8(head).ok()?);
        rest = tail;
        if !rest.is_empty() {
            let (character, length) = escape(rest)?;
            text.push(character);
            rest = rest.get(length..)?;
        }
    }
    Some(Cow::Owned(text))
}

/// What stands between the quotes of a string token.
pub(super) fn content(token: &[u8]) -> Option<&[u8]> {
    token.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// The first character of a string's content, and the number of bytes that spell it.
pub(super) fn first_character(content: &[u8]) -> Option<(char, usize)> {
    let length = match content.first()? {
        b'\\' => return escape(content),
        0x00..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    };
    let character = std::str::from_utf8(content.get(..length)?)
        .ok()?
        .chars()
        .next()?;
    Some((character, length))
}

/// The character of the escape at the start of `content`, and its length in bytes; two escapes for a pair of
/// surrogates.
fn escape(content: &[u8]) -> Option<(char, usize)> {
    let character = match content.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(content),
        _ => return None,
    };
    Some((character, 2))
}

fn unicode_escape(content: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(content)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = code_unit(content.get(6..)?)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(code)?, 12))
}

/// The UTF-16 code unit of `\uXXXX`.
fn code_unit(content: &[u8]) -> Option<u32> {
    let digits = content.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit << 4 | char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::decode;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn text_without_escapes_is_borrowed() {
        let text = decode("\"grüße\"".as_bytes());
        assert!(matches!(text, Some(std::borrow::Cow::Borrowed("grüße"))));
    }

    #[test]
    fn every_escape_has_its_character() {
        let text = decode(br#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00z""#);
        assert_eq!(
            text.as_deref(),
            Some("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1f600}z")
        );
    }

    #[test]
    fn a_lone_surrogate_spells_no_text() {
        for token in [
            &br#""\ud800""#[..],
            br#""\udc00""#,
            br#""\ud800\ud800""#,
            br#""\udc00\ud800""#,
            br#""\ud800x""#,
        ] {
            assert_eq!(decode(token), None);
        }
    }

    #[test]
    fn what_is_no_string_token_spells_no_text() {
        for token in [&b""[..], b"\"", b"1", b"null", b"{}"] {
            assert_eq!(decode(token), None);
        }
    }
}

//! What the host hands over of a token.

use mcp_filter_core::Claims;
use mcp_filter_core::claims::NoHeaderValue;

/// A block of claims: what is found at a path is found there alone, and a header value is one line of text.
pub fn claims(bytes: &[u8]) {
    let Some(claims) = Claims::of_block(bytes.to_vec()) else {
        return;
    };
    let _ = claims.identity();
    for path in [
        &["sub"][..],
        &["aud"],
        &["scope"],
        &["realm", "roles"],
        &["realm", "a", "b"],
    ] {
        let has = claims.has(path) == Ok(true);
        let value = claims.header_value(path);
        match value {
            Ok(text) => {
                assert_eq!(has, !text.is_empty());
                assert_eq!(claims.is_text(path, text), Ok(has));
                assert!(text.chars().all(|c| c == '\t' || !c.is_ascii_control()));
                for word in text.split(' ').filter(|_| has) {
                    assert_eq!(claims.has_word(path, word), Ok(true));
                }
            }
            Err(NoHeaderValue) => assert!(has),
        }
        for item in ["admin", "", "a b"] {
            if claims.has_item(path, item) == Ok(true) {
                assert!(has && value == Err(NoHeaderValue));
                assert_eq!(claims.has_word(path, item), Ok(true));
            }
        }
        let nobody = [path, &["nobody"]].concat();
        assert!(has || claims.has(&nobody) == Ok(false));
    }
}

/// The claims of a token of this subject.
pub(crate) fn token_of(subject: &[u8]) -> Claims {
    let expires = 4_102_444_800_f64.to_le_bytes();
    let pairs: [(&[u8], &[u8]); 3] = [
        (b"iss", b"https://issuer"),
        (b"sub", subject),
        (b"exp", &expires),
    ];
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut block = number(pairs.len()).to_vec();
    for (name, value) in pairs {
        block.extend(number(name.len()));
        block.extend(number(value.len()));
    }
    for text in pairs.into_iter().flat_map(|(name, value)| [name, value]) {
        block.extend_from_slice(text);
        block.push(0);
    }
    Claims::of_block(block).unwrap_or_default()
}

//! Eight bytes at a time, in ordinary registers.

use super::Run;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

pub(super) fn run(bytes: &[u8]) -> Run {
    let mut length = 0;
    let mut seen = 0;
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let stops = stops(word);
        if stops != 0 {
            // Of the marks, only the lowest is exact: a borrow may add false ones above it.
            let before = stops.trailing_zeros() & !7;
            seen |= word & !(u64::MAX << before);
            return Run {
                length: length + (before / 8) as usize,
                ascii: seen & HIGHS == 0,
            };
        }
        seen |= word;
        length += 8;
    }
    let mut ascii = seen & HIGHS == 0;
    for &byte in tail {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        ascii &= byte < 0x80;
        length += 1;
    }
    Run { length, ascii }
}

/// The high bit of each byte that is a quote, a backslash or a control character.
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero_quote = quote.wrapping_sub(ONES) & !quote;
    let zero_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero_quote | zero_backslash | control) & HIGHS
}

//! A header map as the host gives it: ordered, lower-case names, values of any bytes.

/// Request or response headers, pseudo headers included, in the bytes in which the host hands them over: one block, so
/// that a stream allocates once for all of them.
///
/// Proxy-Wasm ABI 0.2.1, "Serialized map": the number of pairs, the lengths of each name and value, all as 32 bits in
/// little-endian order; then each name and each value with a zero byte behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<u8>);

/// Of a number in the block, in bytes.
const NUMBER: usize = 4;

impl Headers {
    /// Takes the host's block. Names must be lower case, and what is not well-formed ends the pairs.
    pub fn from_block(block: Vec<u8>) -> Self {
        Self(block)
    }

    /// Takes the pairs in the order in which they came. Names must be lower case.
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut block = number(pairs.len()).to_vec();
        for (name, value) in &pairs {
            block.extend(number(name.len()));
            block.extend(number(value.len()));
        }
        for (name, value) in &pairs {
            for text in [name.as_bytes(), value] {
                block.extend_from_slice(text);
                block.push(0);
            }
        }
        Self(block)
    }

    /// The first value of the header named `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Every value of the header named `name`, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.pairs()
            .filter(move |(candidate, _)| *candidate == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// Whether a header named `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Whether `value` is the one value of the header named `name`.
    pub fn is_only(&self, name: &str, value: &[u8]) -> bool {
        let mut values = self.all(name);
        values.next() == Some(value) && values.next().is_none()
    }

    /// All pairs, in order. A name that is not text, which Envoy would not have let in, is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs()
            .filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    fn pairs(&self) -> Pairs<'_> {
        let (count, rest) = number(&self.0).unwrap_or_default();
        let lengths = count.saturating_mul(2 * NUMBER);
        let (lengths, texts) = rest.split_at_checked(lengths).unwrap_or_default();
        Pairs { lengths, texts }
    }
}

/// What is left of a block.
struct Pairs<'a> {
    lengths: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn text(&mut self) -> Option<&'a [u8]> {
        let (length, lengths) = number(self.lengths)?;
        let (text, rest) = self.texts.split_at_checked(length)?;
        self.texts = rest.get(1..)?;
        self.lengths = lengths;
        Some(text)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.text()?, self.text()?))
    }
}

/// The number at the front of a block, and what is behind it.
fn number(block: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = block.split_first_chunk::<NUMBER>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

/// Whether a careless server could take the header `name` for `header`, which has no `_`: programs that make variables of
/// headers, as CGI does, take `_` for `-`, and some drop what hangs over at the end.
pub(crate) fn is_like(name: &str, header: &str) -> bool {
    let rest = name.as_bytes().get(header.len()..);
    rest.is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'-' | b'_')))
        && begins_like(name, header)
}

/// The same for the beginning of `name` and the `prefix` of a header.
pub(crate) fn begins_like(name: &str, prefix: &str) -> bool {
    let begin = name.as_bytes().get(..prefix.len());
    begin.is_some_and(|begin| {
        let mut pairs = begin.iter().zip(prefix.bytes());
        pairs.all(|(byte, wanted)| *byte == wanted || (*byte == b'_' && wanted == b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::{Headers, begins_like, is_like};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn headers() -> Headers {
        let pairs = [
            (":path", "/mcp"),
            ("a", ""),
            ("x-b", "1"),
            ("x-b", "\u{e9}"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
        Headers::new(pairs.into_iter().map(owned).collect())
    }

    #[test]
    fn pairs_come_back_in_order() {
        let headers = headers();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [":path", "a", "x-b", "x-b"]);
        assert_eq!(headers.first("a"), Some(&b""[..]));
        assert_eq!(headers.first("x-b"), Some(&b"1"[..]));
        assert_eq!(headers.all("x-b").last(), Some("\u{e9}".as_bytes()));
        assert!(headers.contains("x-b") && !headers.contains("x"));
        assert!(headers.is_only(":path", b"/mcp") && !headers.is_only("x-b", b"1"));
    }

    #[test]
    fn a_block_of_the_host_is_read_as_it_is() {
        let block = b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0";
        let pairs = vec![
            ("a".to_owned(), b"bc".to_vec()),
            ("d".to_owned(), Vec::new()),
        ];
        assert_eq!(Headers::from_block(block.to_vec()), Headers::new(pairs));
    }

    #[test]
    fn a_block_that_is_cut_or_lies_gives_no_more_than_it_has() {
        let Headers(block) = headers();
        for length in 0..block.len() {
            let cut = Headers::from_block(block.get(..length).unwrap().to_vec());
            assert!(cut.iter().count() < 4, "{length}");
        }
        for place in 0..block.len() {
            let mut lying = block.clone();
            lying.get_mut(place).map(|byte| *byte = 0xff).unwrap();
            let lying = Headers::from_block(lying);
            assert!(lying.iter().count() <= 4, "{place}");
        }
        assert_eq!(Headers::default().iter().count(), 0);
    }

    #[test]
    fn underscores_and_what_hangs_over_do_not_count() {
        for name in ["if-match", "if_match", "if-match-", "if_match__"] {
            assert!(is_like(name, "if-match"), "{name}");
            assert!(begins_like(name, "if-"), "{name}");
        }
        for name in ["", "if", "if-matc", "if-matches", "if-match-x", "of-match"] {
            assert!(!is_like(name, "if-match"), "{name}");
        }
        for name in ["", "if", "ifs", "of-"] {
            assert!(!begins_like(name, "if-"), "{name}");
        }
    }
}

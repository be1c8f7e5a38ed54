//! A header map as the host gives it: ordered, lower-case names, values of any bytes.

use crate::pairs::{self, Pairs};

/// Request or response headers, pseudo headers included, in the block in which the host hands them over: a stream makes
/// one allocation for all of them.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<u8>);

impl Headers {
    /// Takes the host's block ([`Pairs`]). Names must be lower case.
    pub fn from_block(block: Vec<u8>) -> Self {
        Self(block)
    }

    /// Takes the pairs in the order in which they came. Names must be lower case.
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        Self(pairs::block(&pairs))
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
        Pairs::of(&self.0)
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl Eq for Headers {}

/// Whether a careless server could take the header `name` for `header`: programs that make variables of headers, as CGI
/// does, take `_` for `-`, and some drop what hangs over at the end.
pub(crate) fn is_like(name: &str, header: &str) -> bool {
    let rest = name.as_bytes().get(header.len()..);
    rest.is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'-' | b'_')))
        && begins_like(name, header)
}

/// The same for the beginning of `name` and the `prefix` of a header.
pub(crate) fn begins_like(name: &str, prefix: &str) -> bool {
    let begin = name.as_bytes().get(..prefix.len());
    let is_join = |byte| matches!(byte, b'-' | b'_');
    begin.is_some_and(|begin| {
        let mut pairs = begin.iter().zip(prefix.bytes());
        pairs.all(|(byte, wanted)| *byte == wanted || (is_join(*byte) && is_join(wanted)))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Headers, begins_like, is_like};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    pub(crate) fn of(pairs: &[(&str, &str)]) -> Headers {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Headers::new(pairs.iter().map(owned).collect())
    }

    fn headers() -> Headers {
        of(&[
            (":path", "/mcp"),
            ("a", ""),
            ("x-b", "1"),
            ("x-b", "\u{e9}"),
        ])
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
    fn there_may_be_none() {
        assert_eq!(Headers::default(), Headers::new(Vec::new()));
        assert_ne!(Headers::default(), headers());
        assert_eq!(Headers::default().first("a"), None);
    }

    #[test]
    fn underscores_and_what_hangs_over_do_not_count() {
        for name in ["if-match", "if_match", "if-match-", "if_match__"] {
            assert!(is_like(name, "if-match"), "{name}");
            assert!(begins_like(name, "if-"), "{name}");
            assert!(is_like(name, "if_match"), "{name}");
        }
        for name in ["", "if", "if-matc", "if-matches", "if-match-x", "of-match"] {
            assert!(!is_like(name, "if-match"), "{name}");
        }
        for name in ["", "if", "ifs", "of-"] {
            assert!(!begins_like(name, "if-"), "{name}");
        }
    }
}

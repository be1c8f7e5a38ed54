//! A header map as the host gives it: ordered, lower-case names, values of any bytes.

/// Request or response headers, pseudo headers included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Takes the pairs in the order in which they came. Names must be lower case.
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        Self(pairs)
    }

    /// The first value of the header named `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, value)| value)
    }

    /// Every value of the header named `name`, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_slice())
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

    /// All pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
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
    use super::{begins_like, is_like};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

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

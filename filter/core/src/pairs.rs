//! Maps in the bytes in which the host hands them over.

/// Of a number in a block, in bytes.
const NUMBER: usize = 4;

/// The pairs of a block that are still to come.
///
/// Proxy-Wasm ABI 0.2.1, "Serialized map": the number of pairs, the lengths of each key and value, all as 32 bits in
/// little-endian order; then each key and each value with a zero byte behind it. What is not well-formed ends the pairs.
#[derive(Clone, Debug, Default)]
pub struct Pairs<'a> {
    lengths: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// The pairs of `block`.
    pub fn of(block: &'a [u8]) -> Self {
        let (count, rest) = number(block).unwrap_or_default();
        let lengths = count.saturating_mul(2 * NUMBER);
        match rest.split_at_checked(lengths) {
            Some((lengths, texts)) => Self { lengths, texts },
            None => Self::default(),
        }
    }

    /// Whether `block` is well-formed to its last pair.
    pub fn is_well_formed(block: &'a [u8]) -> bool {
        let count = number(block).map(|(count, _)| count);
        count == Some(Self::of(block).count())
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (length, lengths) = number(self.lengths)?;
        let (text, rest) = self.texts.split_at_checked(length)?;
        self.texts = rest.strip_prefix(b"\0")?;
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

/// `pairs` as a block.
pub(crate) fn block(pairs: &[(impl AsRef<[u8]>, Vec<u8>)]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut block = number(pairs.len()).to_vec();
    for (key, value) in pairs {
        block.extend(number(key.as_ref().len()));
        block.extend(number(value.len()));
    }
    for (key, value) in pairs {
        for text in [key.as_ref(), value] {
            block.extend_from_slice(text);
            block.push(0);
        }
    }
    block
}

/// The number at the front of a block, and what is behind it.
fn number(block: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = block.split_first_chunk::<NUMBER>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::{Pairs, block};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const BLOCK: &[u8] = b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0";

    #[test]
    fn a_block_of_the_host_is_read_as_it_is() {
        let pairs: Vec<_> = Pairs::of(BLOCK).collect();
        let expected: [(&[u8], &[u8]); 2] = [(b"a", b"bc"), (b"d", b"")];
        assert_eq!(pairs, expected);
        assert!(Pairs::is_well_formed(BLOCK));
        let owned = pairs.into_iter().map(|(key, value)| {
            let key = String::from_utf8(key.to_vec()).unwrap();
            (key, value.to_vec())
        });
        assert_eq!(block(&owned.collect::<Vec<_>>()), BLOCK);
    }

    #[test]
    fn a_block_that_is_cut_or_lies_gives_no_more_than_it_has() {
        for length in 0..BLOCK.len() {
            let cut = BLOCK.get(..length).unwrap();
            assert!(!Pairs::is_well_formed(cut), "{length}");
        }
        for place in 0..20 {
            let mut lying = BLOCK.to_vec();
            lying.get_mut(place).map(|byte| *byte = 0xff).unwrap();
            assert!(!Pairs::is_well_formed(&lying), "{place}");
            assert!(Pairs::of(&lying).count() < 2, "{place}");
        }
    }

    #[test]
    fn a_block_without_pairs_is_one_and_no_bytes_are_none() {
        assert!(Pairs::is_well_formed(b"\0\0\0\0"));
        assert!(!Pairs::is_well_formed(b""));
        assert_eq!(Pairs::of(b"").count(), 0);
    }
}

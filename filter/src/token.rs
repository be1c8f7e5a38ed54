use mcp_filter_core::identity::Identity;

use crate::host;

/// Who sends the request of the stream whose context is in effect.
///
/// All claims come in one hostcall. A claim that the host cannot write, such as null, keeps it from that; then those that
/// count are asked for one by one.
pub(crate) fn identity() -> Identity {
    let (issuer, subject) = match host::token_claims() {
        Ok(None) => (None, None),
        Ok(Some(claims)) => match Pairs::parse(&claims) {
            Some(claims) => (claims.value("iss"), claims.value("sub")),
            None => one_by_one(),
        },
        Err(_) => one_by_one(),
    };
    Identity::of_claims(issuer, subject)
}

fn one_by_one() -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (host::token_claim("iss"), host::token_claim("sub"))
}

/// A map as the host writes it (Proxy-Wasm ABI 0.2.1, serialized map): a count, the sizes of each key and value, then
/// each of them with a NUL behind. All numbers have four bytes, little-endian.
struct Pairs<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Pairs<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = number(bytes)?;
        let (mut sizes, mut rest) = rest.split_at_checked(count.checked_mul(8)?)?;
        let mut pairs = Vec::with_capacity(count);
        while !sizes.is_empty() {
            let (key, value);
            (key, sizes) = number(sizes)?;
            (value, sizes) = number(sizes)?;
            let (name, behind) = text(rest, key)?;
            let (value, behind) = text(behind, value)?;
            pairs.push((name, value));
            rest = behind;
        }
        Some(Self(pairs))
    }

    fn value(&self, key: &str) -> Option<Vec<u8>> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(name, _)| *name == key.as_bytes())?;
        Some(value.to_vec())
    }
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number) as usize, rest))
}

fn text(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(size)?;
    Some((text, rest.strip_prefix(b"\0")?))
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// `{"iss": "a", "sub": ""}`
    const CLAIMS: &[u8] =
        b"\x02\0\0\0\x03\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0iss\0a\0sub\0\0padding of the host's";

    fn value(bytes: &[u8], name: &str) -> Option<Option<Vec<u8>>> {
        Some(Pairs::parse(bytes)?.value(name))
    }

    #[test]
    fn each_claim_is_found_and_no_other() {
        assert_eq!(value(CLAIMS, "iss"), Some(Some(b"a".to_vec())));
        assert_eq!(value(CLAIMS, "sub"), Some(Some(Vec::new())));
        assert_eq!(value(CLAIMS, "aud"), Some(None));
        assert_eq!(value(b"\0\0\0\0", "iss"), Some(None));
    }

    #[test]
    fn what_is_cut_or_lies_about_its_sizes_is_no_map() {
        for end in 0..30 {
            let cut = CLAIMS.get(..end).unwrap_or(CLAIMS);
            assert_eq!(value(cut, "iss"), None, "{end}");
        }
        for bytes in [
            b"\xff\xff\xff\xff".as_slice(),
            b"\x01\0\0\0\xff\xff\xff\xff\0\0\0\0",
        ] {
            assert_eq!(value(bytes, "iss"), None);
        }
    }
}

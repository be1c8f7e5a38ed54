use mcp_filter_core::Pairs;
use mcp_filter_core::identity::Identity;

use crate::host;

/// Issuer and subject.
type Claims = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Who sends the request of the stream whose context is in effect.
///
/// All claims come in one hostcall. A claim that the host cannot write, such as null, keeps it from that; then those that
/// count are asked for one by one.
pub(crate) fn identity() -> Identity {
    let (issuer, subject) = match host::token_claims() {
        Ok(None) => (None, None),
        Ok(Some(claims)) => read(&claims).unwrap_or_else(one_by_one),
        Err(_) => one_by_one(),
    };
    Identity::of_claims(issuer, subject)
}

fn one_by_one() -> Claims {
    (host::token_claim("iss"), host::token_claim("sub"))
}

fn read(claims: &[u8]) -> Option<Claims> {
    let value = |name: &str| {
        let (_, value) = Pairs::of(claims).find(|(key, _)| *key == name.as_bytes())?;
        Some(value.to_vec())
    };
    Pairs::is_well_formed(claims).then(|| (value("iss"), value("sub")))
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::read;

    /// `{"iss": "a", "sub": ""}`
    const CLAIMS: &[u8] =
        b"\x02\0\0\0\x03\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0iss\0a\0sub\0\0padding of the host's";

    #[test]
    fn each_claim_is_found_and_no_other() {
        assert_eq!(read(CLAIMS), Some((Some(b"a".to_vec()), Some(Vec::new()))));
        assert_eq!(read(b"\0\0\0\0"), Some((None, None)));
    }

    #[test]
    fn what_is_cut_is_no_map() {
        for end in 0..30 {
            assert_eq!(read(CLAIMS.get(..end).unwrap_or(CLAIMS)), None, "{end}");
        }
    }
}

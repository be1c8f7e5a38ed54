use std::iter;

use sha2::{Digest as _, Sha256};

use crate::headers::{Headers, is_like};
use crate::identity::Identity;
use crate::session_id::Session;

/// Names the caller of a request: who it is, what it shows to servers, and in which session it asks. In lower-case hex.
///
/// `credential_headers` are those that carry credentials for some server.
pub(crate) fn caller(
    identity: &Identity,
    session: Option<&Session>,
    (headers, credential_headers): (&Headers, &[String]),
) -> String {
    let id = session.and(headers.first("mcp-session-id"));
    let parts = iter::once(identity.as_bytes().as_slice())
        .chain(credentials(headers, credential_headers))
        .chain([id.unwrap_or_default()]);
    digest(parts)
}

/// Names and values of the headers that carry credentials.
pub(super) fn credentials<'a>(
    headers: &'a Headers,
    credential_headers: &'a [String],
) -> impl Iterator<Item = &'a [u8]> {
    credential_headers.iter().flat_map(|header| {
        let like = headers.iter().filter(|(name, _)| is_like(name, header));
        like.flat_map(|(name, value)| [name.as_bytes(), value])
    })
}

/// In lower-case hex. Length-prefixed, so that no two sequences share it.
pub(super) fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::headers::tests as headers;
    use crate::session_id::tests::session;

    fn of(identity: &Identity, session: Option<&Session>, headers: &[(&str, &str)]) -> String {
        let headers = (&headers::of(headers), &["x-pat".to_owned()][..]);
        caller(identity, session, headers)
    }

    #[test]
    fn one_caller_has_one_name_and_nobody_else_has_it() {
        let alice = Identity::of_token("issuer", "alice");
        let session = session(9);
        let name = of(&alice, None, &[("x-pat", "a"), ("accept", "x")]);
        assert_eq!(name.len(), 64);
        assert_eq!(name, of(&alice, None, &[("x-pat", "a"), ("accept", "y")]));
        let bob = Identity::of_token("issuer", "bob");
        let in_session = [("x-pat", "a"), ("mcp-session-id", "s")];
        let others = [
            of(&bob, None, &[("x-pat", "a")]),
            of(&alice, None, &[("x-pat", "b")]),
            of(&alice, None, &[]),
            of(&alice, None, &[("x_pat", "a")]),
            of(&alice, Some(&session), &in_session),
        ];
        assert!(!others.contains(&name), "{others:?}");
    }

    #[test]
    fn an_id_of_no_session_counts_for_nothing() {
        let anonymous = Identity::ANONYMOUS;
        let claimed = of(&anonymous, None, &[("mcp-session-id", "s")]);
        assert_eq!(claimed, of(&anonymous, None, &[]));
    }

    #[test]
    fn name_and_value_do_not_run_into_each_other() {
        let anonymous = Identity::ANONYMOUS;
        let one = of(&anonymous, None, &[("x-pat", "ab"), ("x-pat", "c")]);
        let other = of(&anonymous, None, &[("x-pat", "a"), ("x-pat", "bc")]);
        assert_ne!(one, other);
    }
}

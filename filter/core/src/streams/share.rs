use std::iter;

use super::caller::{credentials, digest};
use super::{NAMED, NOBODY, SHOWN};
use crate::headers::Headers;
use crate::identity::Identity;
use crate::session_id::Session;

/// Names whose share of the room in `mcp-streams` a request takes. Sessions count for nothing where a token names their
/// owner, who may open any number, and credentials for nothing either, which it may invent. Whom no token names is told
/// apart by the credentials that it shows, and without any by its session.
///
/// `credential_headers` are those that carry credentials for some server.
pub(crate) fn share(
    identity: &Identity,
    session: Option<&Session>,
    (headers, credential_headers): (&Headers, &[String]),
) -> String {
    // A token that names no subject stands for many.
    let who = iter::once(identity.as_bytes().as_slice());
    if identity.names_subject() {
        return format!("{NAMED}{}", digest(who));
    }
    let mut shown = credentials(headers, credential_headers).peekable();
    if shown.peek().is_some() {
        return format!("{SHOWN}{}", digest(who.chain(shown)));
    }
    match session.and(headers.first("mcp-session-id")) {
        Some(id) => format!("{SHOWN}{}", digest(who.chain([id]))),
        None => NOBODY.to_owned(),
    }
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
        share(identity, session, headers)
    }

    #[test]
    fn whom_a_token_names_has_one_share_whatever_else_it_shows() {
        let alice = Identity::of_token("issuer", "alice");
        let session = session(9);
        let named = of(&alice, None, &[]);
        assert!(named.starts_with(NAMED), "{named}");
        let in_session = [("mcp-session-id", "s"), ("x-pat", "a")];
        assert_eq!(named, of(&alice, Some(&session), &in_session));
        let bob = Identity::of_token("issuer", "bob");
        assert_ne!(named, of(&bob, None, &[]));
    }

    #[test]
    fn others_are_told_apart_by_what_they_show() {
        let session = session(9);
        let id = ("mcp-session-id", "s");
        for identity in [Identity::ANONYMOUS, Identity::of_token("issuer", "")] {
            let by_pat = of(&identity, None, &[("x-pat", "a")]);
            assert!(by_pat.starts_with(SHOWN), "{by_pat}");
            assert_eq!(by_pat, of(&identity, Some(&session), &[("x-pat", "a"), id]));
            assert_ne!(by_pat, of(&identity, None, &[("x-pat", "b")]));
            let by_session = of(&identity, Some(&session), &[id]);
            let other = of(&identity, Some(&session), &[("mcp-session-id", "t")]);
            assert!(by_session.starts_with(SHOWN) && by_session != other);
            // An id of no session.
            assert_eq!(of(&identity, None, &[id]), NOBODY);
        }
    }
}

//! The headers of a server's response on its way to the client.

use std::borrow::Cow;

use crate::headers::{Headers, begins_like, is_like};
use crate::step::HeaderEdit;

/// The edits that take away what no client sees of a server's headers. Whatever Envoy or its other filters answer by
/// themselves does not come here.
pub(super) fn removals(headers: &Headers) -> Vec<HeaderEdit> {
    let mut removals: Vec<HeaderEdit> = Vec::new();
    for (name, _) in headers.iter().filter(|(name, _)| is_private(name)) {
        let removal = HeaderEdit::Remove(Cow::Owned(name.to_owned()));
        if !removals.contains(&removal) {
            removals.push(removal);
        }
    }
    removals
}

/// Whether a server's header speaks of another session, another login or another origin than the gateway's, moves the
/// client elsewhere, or says what is the gateway's to say. What browsers and others keep for a whole origin would hold
/// for all that the gateway serves.
///
/// The first byte decides for most names.
fn is_private(name: &str) -> bool {
    let is_one_of = |headers: &[&str]| headers.iter().any(|header| is_like(name, header));
    match name.as_bytes().first() {
        Some(b'a') => {
            begins_like(name, "access-control-")
                || is_one_of(&["accept-ch", "alt-svc", "authentication-info"])
        }
        Some(b'c') => {
            begins_like(name, "content-security-policy") || is_one_of(&["clear-site-data"])
        }
        Some(b'e') => is_one_of(&["expect-ct"]),
        Some(b'l') => is_one_of(&["location"]),
        Some(b'm') => begins_like(name, "mcp-"),
        Some(b'n') => is_one_of(&["nel"]),
        Some(b'o') => is_one_of(&["origin-agent-cluster"]),
        Some(b'p') => {
            begins_like(name, "permissions-policy")
                || begins_like(name, "public-key-pins")
                || is_one_of(&["proxy-authenticate", "proxy-authentication-info"])
        }
        Some(b'r') => is_one_of(&["refresh", "report-to", "reporting-endpoints"]),
        Some(b's') => is_one_of(&["set-cookie", "set-cookie2", "strict-transport-security"]),
        Some(b'w') => is_like(name, "www-authenticate"),
        Some(b'x') => begins_like(name, "x-mcp-"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const PRIVATE: [&str; 31] = [
        "accept-ch",
        "access-control-allow-origin",
        "access_control_allow_credentials",
        "alt-svc",
        "authentication-info",
        "clear-site-data",
        "content-security-policy",
        "content-security-policy-report-only",
        "expect-ct",
        "location",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp_session_id",
        "nel",
        "origin-agent-cluster",
        "permissions-policy",
        "permissions-policy-report-only",
        "proxy-authenticate",
        "proxy-authentication-info",
        "public-key-pins",
        "refresh",
        "report-to",
        "reporting-endpoints",
        "set-cookie",
        "set-cookie2",
        "strict-transport-security",
        "strict_transport_security",
        "www-authenticate",
        "x-mcp-servername",
        "x_mcp_servername",
        "x-mcp_invented",
    ];

    fn removed(names: &[&str]) -> Vec<HeaderEdit> {
        let pairs: Vec<_> = names.iter().map(|name| (*name, "v")).collect();
        removals(&crate::headers::tests::of(&pairs))
    }

    #[test]
    fn what_is_the_servers_own_affair_is_taken_away_once_for_each_name() {
        let expected = PRIVATE.map(|name| HeaderEdit::Remove(Cow::Borrowed(name)));
        assert_eq!(removed(&PRIVATE), expected);
        assert_eq!(removed(&[PRIVATE, PRIVATE].concat()), expected);
    }

    #[test]
    fn what_speaks_of_the_answer_passes() {
        let names = [
            ":status",
            "accept-ranges",
            "age",
            "cache-control",
            "content-location",
            "content-type",
            "etag",
            "link",
            "date",
            "last-modified",
            "mcp",
            "retry-after",
            "server",
            "traceparent",
            "warning",
            "x-mcp",
            "x-request-id",
        ];
        assert_eq!(removed(&names), []);
    }
}

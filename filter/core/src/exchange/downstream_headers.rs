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
/// client elsewhere, or says what is the gateway's to say.
///
/// The first byte decides for most names.
fn is_private(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'a') => begins_like(name, "access-control-"),
        Some(b'c') => is_like(name, "clear-site-data"),
        Some(b'l') => is_like(name, "location"),
        Some(b'm') => begins_like(name, "mcp-"),
        Some(b'p') => is_like(name, "proxy-authenticate"),
        Some(b'r') => is_like(name, "refresh"),
        Some(b's') => is_like(name, "set-cookie") || is_like(name, "set-cookie2"),
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

    const PRIVATE: [&str; 15] = [
        "access-control-allow-origin",
        "access_control_allow_credentials",
        "clear-site-data",
        "location",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp_session_id",
        "proxy-authenticate",
        "refresh",
        "set-cookie",
        "set-cookie2",
        "www-authenticate",
        "x-mcp-servername",
        "x_mcp_servername",
        "x-mcp_invented",
    ];

    fn removed(names: &[&str]) -> Vec<HeaderEdit> {
        let pairs = names.iter().map(|name| ((*name).to_owned(), b"v".to_vec()));
        removals(&Headers::new(pairs.collect()))
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
            "age",
            "cache-control",
            "content-location",
            "content-type",
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

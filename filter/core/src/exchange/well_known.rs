//! The documents that tell callers where they get their tokens: open to everybody, and to pages of all origins.

use std::borrow::Cow;

use crate::headers::Headers;
use crate::step::LocalResponse;
use crate::table::Endpoint;

const ANY_ORIGIN: (&str, &str) = ("access-control-allow-origin", "*");

/// The answer to a request for what is told of `endpoint`; `None` where nothing is.
pub(crate) fn answer(endpoint: &Endpoint, headers: &Headers) -> Option<LocalResponse> {
    let document = endpoint.protected_resource(headers)?;
    Some(match headers.first(":method") {
        // Of the answer to HEAD the host sends the head alone.
        Some(b"GET" | b"HEAD") => {
            let headers = [
                ("content-type", "application/json"),
                // The authority by which it is asked for may stand in it.
                ("cache-control", "no-store"),
                ANY_ORIGIN,
            ];
            response(200, &headers, document)
        }
        Some(b"OPTIONS") => response(204, &preflight(), Vec::new()),
        _ => response(405, &[("allow", "GET, HEAD, OPTIONS")], Vec::new()),
    })
}

/// Fetch Standard, CORS protocol: the wildcard does not stand for `authorization`.
fn preflight() -> [(&'static str, &'static str); 4] {
    [
        ANY_ORIGIN,
        ("access-control-allow-methods", "GET"),
        (
            "access-control-allow-headers",
            "*, authorization, mcp-protocol-version",
        ),
        ("access-control-max-age", "86400"),
    ]
}

fn response(status: u16, headers: &[(&'static str, &str)], body: Vec<u8>) -> LocalResponse {
    let headers = headers.iter();
    LocalResponse {
        status,
        headers: headers
            .map(|(name, value)| (Cow::Borrowed(*name), value.as_bytes().to_vec()))
            .collect(),
        body,
        reason: "protected_resource",
    }
}

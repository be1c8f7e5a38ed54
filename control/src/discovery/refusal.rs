//! What an HTTP status that is no success tells, and about whom.

use http::{HeaderMap, StatusCode};
use mcp_filter_core::control_signature::{RESPONSE_DETAILS_HEADER, RESPONSE_FROM_HEADER};
use mcp_filter_core::version::ProtocolVersion;

use super::message::{RpcError, messages};
use super::quote::Quote;
use super::{DiscoveryError, ProtocolFault};

/// The first request of a session (MCP 2025-11-25, basic/lifecycle).
pub(super) const INITIALIZE: &str = "initialize";

/// JSON-RPC: the method does not exist.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;

/// Codes that only the stateless revision has (MCP 2026-07-28, basic/transports).
const MODERN_CODES: std::ops::RangeInclusive<i64> = -32022..=-32020;

/// A response that is no success, its body read as far as it is of interest.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) step: &'static str,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) media_type: String,
    pub(super) body: &'a [u8],
}

impl Refusal<'_> {
    /// Names the failure. `in_session` tells whether the request carried a session id.
    pub(super) fn error(self, quote: Quote<'_>, in_session: bool) -> DiscoveryError {
        let Self { step, status, .. } = self;
        match status.as_u16() {
            401 | 403 if self.is_the_gateways() => DiscoveryError::DiscoveryRefused {
                by: format!("{status}: {}{}", quote.of(self.body), self.details()),
            },
            status @ (401 | 403) => DiscoveryError::UpstreamRefused {
                step,
                status,
                had_credential: quote.0.is_some(),
            },
            404 if in_session && !self.is_the_gateways() => {
                protocol(step, ProtocolFault::SessionLost)
            }
            status if self.is_the_gateways() || (502..=504).contains(&status) => {
                DiscoveryError::UpstreamUnreachable {
                    step,
                    status,
                    detail: format!("{}{}", quote.of(self.body), self.details()),
                }
            }
            _ => protocol(step, self.fault(quote)),
        }
    }

    fn is_the_gateways(&self) -> bool {
        is_the_gateways(self.headers)
    }

    /// In Envoy's own words which policy it is, or why there is no connection, as far as Envoy knows: whole, for a name
    /// that is cut off is none, and the reason stands at the end.
    fn details(&self) -> String {
        let details = self.headers.get(RESPONSE_DETAILS_HEADER);
        let details = details.and_then(|details| details.to_str().ok());
        let details = details.filter(|details| !details.is_empty());
        details.map_or_else(String::new, |details| format!(", {details}"))
    }

    fn fault(self, quote: Quote<'_>) -> ProtocolFault {
        let message = messages(self.body, quote)
            .ok()
            .and_then(|mut messages| messages.pop());
        match message.and_then(|message| message.error) {
            Some(error) => rpc_fault(self.step, error, quote),
            None => not_mcp(self.status, self.media_type, quote.of(self.body)),
        }
    }
}

/// Whether the filter says that no server has answered.
pub(super) fn is_the_gateways(headers: &HeaderMap) -> bool {
    let from = headers.get(RESPONSE_FROM_HEADER);
    from.is_some_and(|from| from == "envoy")
}

/// A JSON-RPC error as the answer to `step`.
pub(super) fn rpc_fault(step: &'static str, error: RpcError, quote: Quote<'_>) -> ProtocolFault {
    let RpcError {
        code,
        message,
        data,
    } = error;
    if step != INITIALIZE {
        return ProtocolFault::Error {
            code,
            message: quote.of(message.as_bytes()),
        };
    }
    let supported = data
        .get("supported")
        .and_then(|supported| supported.as_array());
    let supported: Vec<&str> = supported
        .into_iter()
        .flatten()
        .filter_map(|revision| revision.as_str())
        .collect();
    let is_modern = MODERN_CODES.contains(&code) || code == METHOD_NOT_FOUND;
    if is_modern
        || supported
            .iter()
            .any(|revision| *revision > ProtocolVersion::LATEST.as_str())
    {
        return ProtocolFault::ModernOnly { code };
    }
    if supported.is_empty() {
        return ProtocolFault::Error {
            code,
            message: quote.of(message.as_bytes()),
        };
    }
    ProtocolFault::Revision {
        offered: quote.of(supported.join(", ").as_bytes()),
    }
}

/// Something else than a JSON-RPC response or an event stream.
pub(super) fn not_mcp(status: StatusCode, media_type: String, excerpt: String) -> ProtocolFault {
    let media_type = if media_type.is_empty() {
        "without Content-Type".to_owned()
    } else {
        media_type
    };
    ProtocolFault::Answer {
        status: status.as_u16(),
        media_type,
        excerpt,
    }
}

/// The fault as the error of a step.
pub(super) fn protocol(step: &'static str, fault: ProtocolFault) -> DiscoveryError {
    DiscoveryError::ProtocolError {
        step,
        fault: Box::new(fault),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::verdict::Reason;

    const IN_SESSION: bool = true;
    const POLICY: &str = "rbac_access_denied_matched_policy[ns[team]-policy[p]-rule[0]]";

    fn error(status: u16, from: &'static str, in_session: bool) -> DiscoveryError {
        let mut headers = HeaderMap::new();
        headers.insert(RESPONSE_FROM_HEADER, HeaderValue::from_static(from));
        headers.insert(RESPONSE_DETAILS_HEADER, HeaderValue::from_static(POLICY));
        let refusal = Refusal {
            step: "tools/list",
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            media_type: "text/plain".to_owned(),
            body: b"RBAC: access denied",
        };
        refusal.error(Quote(None), in_session)
    }

    #[test]
    fn a_policy_of_the_gateway_is_not_taken_for_the_server() {
        for status in [401, 403] {
            let error = error(status, "envoy", IN_SESSION);
            assert!(
                matches!(error, DiscoveryError::DiscoveryRefused { .. }),
                "{error}"
            );
            assert!(!error.is_the_servers());
            let told = format!("RBAC: access denied, {POLICY})");
            assert!(error.to_string().contains(&told), "{error}");
        }
    }

    #[test]
    fn a_refusal_of_the_server_is_its_own() {
        for status in [401, 403] {
            let error = error(status, "upstream", IN_SESSION);
            assert!(
                matches!(error, DiscoveryError::UpstreamRefused { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn of_a_connection_that_fails_the_reason_is_told_whole() {
        let details = "upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435581:\
            SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end}";
        let mut headers = HeaderMap::new();
        headers.insert(RESPONSE_FROM_HEADER, HeaderValue::from_static("envoy"));
        headers.insert(RESPONSE_DETAILS_HEADER, HeaderValue::from_static(details));
        let refusal = Refusal {
            step: INITIALIZE,
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: &headers,
            media_type: "text/plain".to_owned(),
            body: b"upstream connect error or disconnect/reset before headers. retried and the latest reset reason: \
                remote connection failure",
        };
        let error = refusal.error(Quote(None), !IN_SESSION);
        assert_eq!(error.reason(), Reason::UpstreamUnreachable);
        assert!(error.to_string().contains(details), "{error}");
    }

    #[test]
    fn a_missing_route_is_no_lost_session() {
        let route = error(404, "envoy", IN_SESSION);
        assert!(
            matches!(
                route,
                DiscoveryError::UpstreamUnreachable { status: 404, .. }
            ),
            "{route}"
        );
        let session = error(404, "upstream", IN_SESSION);
        assert!(
            session.to_string().contains("never opened the session"),
            "{session}"
        );
        let path = error(404, "upstream", !IN_SESSION);
        assert!(
            path.to_string().contains("404 text/plain, not MCP"),
            "{path}"
        );
    }
}

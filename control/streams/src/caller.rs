//! The client on whose behalf the gateway is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap,
    HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use mcp_filter_core::streams;
use mcp_filter_core::version::{ProtocolVersion, STATELESS_REVISION};

/// `Mcp-Session-Id`
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// `MCP-Protocol-Version`
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Last-Event-ID`
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Headers of the stateless revision that mirror arguments begin so.
const MCP_PARAM: &str = "mcp-param-";
const VIRTUAL_SERVER: HeaderName = HeaderName::from_static("x-mcp-virtualserver");

/// Of one connection, or about a body that an inner request has not (RFC 9110, 7.6.1).
const NOT_PASSED: [HeaderName; 11] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    HeaderName::from_static("keep-alive"),
    LAST_EVENT_ID,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What Envoy and the filter add on the way here. The client's own headers may begin with `x-mcp-` too.
const ADDED: [&str; 2] = ["x-envoy-", "x-forwarded-"];
const ADDED_BY_FILTER: [&str; 8] = [
    "x-mcp-annotation-hints",
    "x-mcp-control",
    "x-mcp-generation",
    streams::METHOD,
    "x-mcp-response-details",
    "x-mcp-response-from",
    streams::SERVER_NAME,
    "x-mcp-upstream-authorization",
];

/// A ticket that is older is renewed before it is shown where more is asked for than the catalog. It is good for an hour.
const FRESH: Duration = Duration::from_secs(180);

/// See the module. Copies share the ticket, which the gateway renews.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    authority: HeaderValue,
    path: PathAndQuery,
    headers: HeaderMap,
    ticket: Arc<Mutex<Ticket>>,
}

#[derive(Clone, Debug)]
struct Ticket {
    value: HeaderValue,
    since: Instant,
}

impl Ticket {
    fn new(value: HeaderValue) -> Self {
        let since = Instant::now();
        Self { value, since }
    }
}

impl Caller {
    /// The client whose request had these headers.
    pub(crate) fn new(
        authority: HeaderValue,
        path: PathAndQuery,
        ticket: HeaderValue,
        outer: &HeaderMap,
    ) -> Self {
        Self {
            authority,
            path,
            headers: own_headers(outer),
            ticket: Arc::new(Mutex::new(Ticket::new(ticket))),
        }
    }

    /// `:authority` as the client sent it.
    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// `:path` as the client sent it.
    pub(crate) fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// The virtual server that the client asks for by header.
    pub(crate) fn virtual_server(&self) -> Option<&HeaderValue> {
        self.headers.get(VIRTUAL_SERVER)
    }

    /// The client's session.
    pub(crate) fn session(&self) -> Option<&HeaderValue> {
        self.headers.get(SESSION_ID)
    }

    /// The date of the revision that the client speaks.
    pub(crate) fn revision(&self) -> Option<&HeaderValue> {
        self.headers.get(PROTOCOL_VERSION)
    }

    /// From now on this ticket is shown.
    pub(crate) fn renew(&self, ticket: &HeaderValue) {
        *self.ticket() = Ticket::new(ticket.clone());
    }

    /// Whether the ticket has some of its time behind it.
    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.ticket().since) > FRESH
    }

    fn ticket(&self) -> MutexGuard<'_, Ticket> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same client in a session that was opened for it here, of the latest revision that has sessions.
    pub(crate) fn in_session(&self, id: &HeaderValue) -> Self {
        let mut caller = self.without_session();
        caller.headers.insert(SESSION_ID, id.clone());
        caller
    }

    /// The same client, as it would open a session.
    pub(crate) fn without_session(&self) -> Self {
        let mut caller = self.bare();
        let revision = HeaderValue::from_static(ProtocolVersion::LATEST.as_str());
        caller.headers.insert(PROTOCOL_VERSION, revision);
        caller
    }

    /// The same client, asking for a method as the stateless revision has it (MCP 2026-07-28, basic/transports).
    pub(crate) fn stateless(&self, method: &'static str) -> Self {
        let mut caller = self.bare();
        let revision = HeaderValue::from_static(STATELESS_REVISION);
        caller.headers.insert(PROTOCOL_VERSION, revision);
        caller
            .headers
            .insert(MCP_METHOD, HeaderValue::from_static(method));
        caller
    }

    /// Without the headers that belong to a session or mirror a body.
    fn bare(&self) -> Self {
        let mut caller = self.clone();
        let mirrored = |name: &&HeaderName| name.as_str().starts_with(MCP_PARAM);
        let params: Vec<HeaderName> = self.headers.keys().filter(mirrored).cloned().collect();
        for name in params.iter().chain([&SESSION_ID, &MCP_METHOD, &MCP_NAME]) {
            caller.headers.remove(name);
        }
        caller
    }

    /// The headers of an inner request.
    pub(crate) fn inner_headers(&self, purpose: HeaderValue) -> HeaderMap {
        let mut inner = self.headers.clone();
        inner.insert(HOST, self.authority.clone());
        inner.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        inner.insert(streams::TICKET, self.ticket().value.clone());
        inner.insert(streams::PURPOSE, purpose);
        inner
    }

    /// The headers of an inner request with a JSON body, which take any answer (MCP 2025-11-25, basic/transports,
    /// "Sending Messages to the Server").
    pub(crate) fn inner_json_headers(&self, purpose: HeaderValue) -> HeaderMap {
        let mut inner = self.inner_headers(purpose);
        let both = HeaderValue::from_static("application/json, text/event-stream");
        inner.insert(ACCEPT, both);
        inner.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        inner
    }
}

/// What the client sent, without what stands for one connection and what was added on the way.
fn own_headers(outer: &HeaderMap) -> HeaderMap {
    let connection = outer.get_all(CONNECTION).iter();
    let named: Vec<&str> = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let is_own = |name: &HeaderName| {
        !NOT_PASSED.contains(name)
            && !named
                .iter()
                .any(|named| named.eq_ignore_ascii_case(name.as_str()))
            && !is_added(name.as_str())
    };
    let own = outer.iter().filter(|(name, _)| is_own(name));
    own.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_added(name: &str) -> bool {
    ADDED.iter().any(|prefix| name.starts_with(prefix))
        || name.starts_with(streams::PURPOSE)
        || ADDED_BY_FILTER.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(pairs: &[(&'static str, &'static str)]) -> Caller {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        Caller::new(
            HeaderValue::from_static("mcp.example.com"),
            PathAndQuery::from_static("/mcp"),
            HeaderValue::from_static("ticket"),
            &headers,
        )
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_client_keeps_its_own_headers_and_no_others() {
        let caller = caller(&[
            ("authorization", "Bearer a"),
            ("connection", "close, X-Hop"),
            ("content-length", "2"),
            ("host", "streams.mcp.local"),
            ("last-event-id", "1"),
            ("traceparent", "00"),
            ("x-envoy-peer-metadata", "a"),
            ("x-forwarded-for", "a"),
            ("x-github-pat", "a"),
            ("x-hop", "a"),
            ("x-mcp-method", "GET"),
            ("x-mcp-own", "a"),
            ("x-mcp-servername", "a/b"),
            ("x-mcp-streams-caller", "a"),
            ("x-mcp-virtualserver", "a/b"),
        ]);
        let own = [
            "authorization",
            "traceparent",
            "x-github-pat",
            "x-mcp-own",
            "x-mcp-virtualserver",
        ];
        assert_eq!(names(&caller.headers), own);
    }

    #[test]
    fn an_inner_request_shows_the_newest_ticket() {
        let caller = caller(&[("accept-encoding", "br")]);
        let copy = caller.clone();
        caller.renew(&HeaderValue::from_static("newer"));
        let inner = copy.inner_headers(HeaderValue::from_static("catalog"));
        assert_eq!(inner[HOST], "mcp.example.com");
        assert_eq!(inner[ACCEPT_ENCODING], "identity");
        assert_eq!(inner[streams::TICKET], "newer");
        assert_eq!(inner[streams::PURPOSE], "catalog");
    }

    #[test]
    fn a_ticket_is_stale_until_it_is_renewed() {
        let caller = caller(&[]);
        let later = Instant::now() + 2 * FRESH;
        assert!(!caller.is_stale(Instant::now()) && caller.is_stale(later));
        let newer = caller.clone();
        newer.ticket().since = later;
        assert!(!caller.is_stale(later));
    }

    #[test]
    fn a_client_of_either_era_may_be_shown_in_the_other() {
        let caller = caller(&[
            ("authorization", "a"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "a"),
            ("mcp-param-x", "a"),
            ("mcp-protocol-version", "2026-07-28"),
        ]);
        let session = caller.in_session(&HeaderValue::from_static("s"));
        assert_eq!(
            names(&session.headers),
            ["authorization", "mcp-protocol-version", "mcp-session-id"]
        );
        assert_eq!(session.headers[PROTOCOL_VERSION], "2025-11-25");
        let stateless = session.stateless("subscriptions/listen");
        assert_eq!(
            names(&stateless.headers),
            ["authorization", "mcp-method", "mcp-protocol-version"]
        );
        assert_eq!(stateless.headers[PROTOCOL_VERSION], "2026-07-28");
    }
}

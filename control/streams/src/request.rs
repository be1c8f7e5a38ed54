//! What the outer leg says: a client's request, and what the filter has found out about it.

use axum::body::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use mcp_filter_core::Era;
use mcp_filter_core::streams;

use crate::caller::{Caller, LAST_EVENT_ID};
use crate::refusal::Refusal;
use crate::share::Share;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    /// On whose behalf the gateway is asked.
    pub(crate) caller: Caller,
    /// Who that is: what is kept for one is given to no other.
    pub(crate) digest: HeaderValue,
    /// Whose share of the room it takes.
    pub(crate) share: Share,
    /// How the client speaks.
    pub(crate) era: Era,
    /// What is asked for.
    pub(crate) asked: Asked,
    /// `namespace/name` of the server, where the catalog leads to one.
    pub(crate) server: Option<HeaderValue>,
    /// Where the client's last stream has ended.
    pub(crate) last_event: Option<HeaderValue>,
    /// The body as the client sent it.
    pub(crate) body: Bytes,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A stream of the session.
    Get,
    /// `subscriptions/listen`
    Listen,
    /// `resources/subscribe`
    Subscribe,
    /// `resources/unsubscribe`
    Unsubscribe,
    /// `tools/call`, `prompts/get` or `resources/read`, of a server of the other era.
    Call,
    /// Nothing: it answers a request that was put to it here.
    Answer,
    /// Several at once, some of them of servers.
    Batch,
}

impl Asked {
    fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"GET" => Some(Self::Get),
            b"subscriptions/listen" => Some(Self::Listen),
            b"resources/subscribe" => Some(Self::Subscribe),
            b"resources/unsubscribe" => Some(Self::Unsubscribe),
            b"tools/call" | b"prompts/get" | b"resources/read" => Some(Self::Call),
            b"response" => Some(Self::Answer),
            b"batch" => Some(Self::Batch),
            _ => None,
        }
    }
}

/// The era of this name.
pub(crate) fn era(name: &HeaderValue) -> Option<Era> {
    match name.as_bytes() {
        name if name == streams::SESSIONS.as_bytes() => Some(Era::Sessions),
        name if name == streams::STATELESS.as_bytes() => Some(Era::Stateless),
        _ => None,
    }
}

impl Outer {
    /// Reads the headers of a request; its body comes later.
    ///
    /// # Errors
    /// When they are not those that the filter sends.
    pub(crate) fn read(outer: &HeaderMap) -> Result<Self, Refusal> {
        let one = |name: &'static str| outer.get(name).cloned().ok_or(Refusal::NotRouted(name));
        let wrong = |name: &'static str| move || Refusal::NotRouted(name);
        let path = one(streams::PATH)?;
        let path = PathAndQuery::try_from(path.as_bytes())
            .map_err(|_| Refusal::NotRouted(streams::PATH))?;
        let asked = one(streams::METHOD)?;
        let digest = one(streams::CALLER)?;
        Ok(Self {
            caller: Caller::new(one(streams::AUTHORITY)?, path, one(streams::TICKET)?, outer),
            share: Share::read(outer.get(streams::SHARE), &digest),
            digest,
            era: era(&one(streams::ERA)?).ok_or_else(wrong(streams::ERA))?,
            asked: Asked::parse(asked.as_bytes()).ok_or_else(wrong(streams::METHOD))?,
            server: outer.get(streams::SERVER_NAME).cloned(),
            last_event: outer.get(LAST_EVENT_ID).cloned(),
            body: Bytes::new(),
        })
    }
}

/// Whether one who sends these headers takes a stream of events. Who names no type takes any (RFC 9110, 12.5.1).
pub(crate) fn takes_events(outer: &HeaderMap) -> bool {
    const ACCEPT: HeaderName = http::header::ACCEPT;
    if !outer.contains_key(ACCEPT) {
        return true;
    }
    let texts = outer
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut types = texts
        .flat_map(|text| text.split(','))
        .map(|range| range.split(';').next());
    types.any(|name| {
        let name = name.unwrap_or_default().trim();
        let taken = ["text/event-stream", "text/*", "*/*"];
        taken.iter().any(|taken| taken.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: [(&str, &str); 6] = [
        (streams::TICKET, "t"),
        (streams::AUTHORITY, "mcp.example.com"),
        (streams::PATH, "/mcp?a=%41"),
        (streams::CALLER, "00"),
        (streams::ERA, "stateless"),
        (streams::METHOD, "subscriptions/listen"),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_the_filter_says_is_read() {
        let outer = Outer::read(&headers(&OUTER)).unwrap();
        assert_eq!((outer.asked, outer.era), (Asked::Listen, Era::Stateless));
        assert_eq!(outer.caller.path().as_str(), "/mcp?a=%41");
        assert_eq!(outer.server, None);
    }

    #[test]
    fn a_request_that_did_not_come_by_the_filter_is_refused() {
        for (name, _) in OUTER {
            let mut without = headers(&OUTER);
            without.remove(name);
            let refused = Outer::read(&without).unwrap_err();
            assert_eq!(refused, Refusal::NotRouted(name));
        }
        for name in [streams::ERA, streams::METHOD] {
            let mut strange = headers(&OUTER);
            strange.insert(name, HeaderValue::from_static("other"));
            assert_eq!(Outer::read(&strange).unwrap_err(), Refusal::NotRouted(name));
        }
    }

    #[test]
    fn events_are_for_those_who_take_them() {
        assert!(takes_events(&HeaderMap::new()));
        for accept in [
            "text/event-stream",
            "a/b, Text/Event-Stream;q=1",
            "*/*",
            "text/*",
        ] {
            assert!(takes_events(&headers(&[("accept", accept)])), "{accept}");
        }
        for accept in ["", "application/json", "text/event-streams"] {
            assert!(!takes_events(&headers(&[("accept", accept)])), "{accept}");
        }
    }
}

//! What the program is told when it starts.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::refusal::Refusal;

/// See the module.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where inner requests go.
    pub gateway: GatewayAddress,
    /// How much is held at once.
    pub bounds: Bounds,
    /// How often it is looked whether the catalog has changed, for each group of streams.
    pub poll: Duration,
    /// The first pause before a server that did not let itself be heard is tried again.
    pub retry: Duration,
    /// The longest time after which the gateway is asked whether a stream's client may still have it.
    pub recheck: Duration,
    /// A verdict against a client ends its stream when it is given again so much later: in between, the gateway's
    /// configuration may have had a gap.
    pub second_look: Duration,
    /// The longest silence on a stream.
    pub keep_alive: Duration,
    /// How long a client has for an answer that a server waits for.
    pub patience: Duration,
    /// How long open streams have to end in order.
    pub drain: Duration,
}

impl Settings {
    /// The usual ones, for the gateway at this address.
    pub fn new(gateway: GatewayAddress) -> Self {
        Self {
            gateway,
            bounds: Bounds::default(),
            poll: Duration::from_millis(500),
            retry: Duration::from_secs(1),
            recheck: Duration::from_secs(60),
            second_look: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            patience: Duration::from_secs(300),
            drain: Duration::from_secs(5),
        }
    }
}

/// How much is held at once. What is past a bound is refused, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Streams of clients.
    pub streams: NonZeroUsize,
    /// Calls between the eras, with those that wait for their client.
    pub calls: NonZeroUsize,
    /// Streams of one client, calls of one, and sessions with subscriptions of one.
    pub per_client: NonZeroUsize,
    /// Conversations that wait for their client.
    pub parked: NonZeroUsize,
    /// Such conversations of one client.
    pub parked_per_client: NonZeroUsize,
    /// Resources that one stream or session is subscribed to.
    pub subscriptions: usize,
    /// Bytes of their URIs, as they are written.
    pub uris: usize,
    /// Sessions whose subscriptions are remembered.
    pub sessions: NonZeroUsize,
    /// Bytes of a body.
    pub body: usize,
    /// Bytes that are kept for one parked conversation.
    pub buffered: usize,
    /// Bytes of one event.
    pub event: usize,
}

const MIB: usize = 1 << 20;
/// Streams and calls of one client, unless it is told otherwise.
pub(crate) const PER_CLIENT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

impl Default for Bounds {
    fn default() -> Self {
        Self {
            streams: NonZeroUsize::MIN.saturating_add(9_999),
            calls: NonZeroUsize::MIN.saturating_add(9_999),
            per_client: PER_CLIENT,
            parked: NonZeroUsize::MIN.saturating_add(999),
            parked_per_client: NonZeroUsize::MIN.saturating_add(63),
            subscriptions: 256,
            uris: 64 << 10,
            sessions: NonZeroUsize::MIN.saturating_add(9_999),
            body: 4 * MIB,
            buffered: MIB,
            event: 4 * MIB,
        }
    }
}

impl Bounds {
    /// Whether so many subscriptions with so many bytes of URIs are served.
    pub(crate) fn hold_uris(
        self,
        (count, bytes): (usize, usize),
        whose: &'static str,
    ) -> Result<(), Refusal> {
        let (what, most) = if count > self.subscriptions {
            ("subscriptions", self.subscriptions)
        } else if bytes > self.uris {
            ("bytes of URIs", self.uris)
        } else {
            return Ok(());
        };
        Err(Refusal::TooMany { what, whose, most })
    }
}

/// `http://ADDR:PORT`. Which host is asked for stands in the client's own `:authority`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAddress(Authority);

/// Not of that form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form http://ADDR:PORT")]
pub struct InvalidGateway;

impl GatewayAddress {
    /// `ADDR:PORT`.
    pub(crate) fn authority(&self) -> &Authority {
        &self.0
    }
}

impl FromStr for GatewayAddress {
    type Err = InvalidGateway;

    fn from_str(text: &str) -> Result<Self, InvalidGateway> {
        let uri: Uri = text.parse().map_err(|_| InvalidGateway)?;
        let plain = uri.scheme() == Some(&Scheme::HTTP);
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.into_parts().authority.ok_or(InvalidGateway)?;
        let anonymous = !authority.as_str().contains('@');
        if plain && bare && anonymous && !authority.host().is_empty() {
            Ok(Self(authority))
        } else {
            Err(InvalidGateway)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_an_address_of_plain_http() {
        for text in [
            "http://127.0.0.1:8001",
            "http://gateway.ns:80/",
            "http://[::1]:1",
        ] {
            assert!(text.parse::<GatewayAddress>().is_ok(), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:8001",
            "https://a:1",
            "http://a:1/mcp",
            "http://a:1/?x",
            "http://u@a:1",
        ] {
            assert_eq!(
                text.parse::<GatewayAddress>(),
                Err(InvalidGateway),
                "{text}"
            );
        }
    }

    #[test]
    fn the_usual_bounds_are_those_of_the_documents() {
        let bounds = Bounds::default();
        assert_eq!((bounds.streams.get(), bounds.parked.get()), (10_000, 1_000));
        assert_eq!(
            (bounds.calls.get(), bounds.per_client.get()),
            (10_000, 1_000)
        );
        assert_eq!((bounds.subscriptions, bounds.uris), (256, 65_536));
    }
}

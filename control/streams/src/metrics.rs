//! What `/metrics` tells, for Prometheus.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

/// The type of what [`Metrics::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Name of a metric, without the `_total` that the format puts behind that of a counter, and what it counts.
type Description = (&'static str, &'static str);

const GET_STREAMS: Description = ("mcp_streams_get_streams", "streams of GET that are held");
const LISTENS: Description = (
    "mcp_streams_listens",
    "streams of subscriptions/listen that are held",
);
const WAITING_CALLS: Description = (
    "mcp_streams_waiting_calls",
    "calls between the eras that wait for their clients to come back",
);
const RELAYS: Description = (
    "mcp_streams_relays",
    "servers that are heard, or asked again, for a stream",
);
const MESSAGES: Description = (
    "mcp_streams_messages_relayed",
    "messages of servers that were put on streams of clients",
);
const REFUSED: Description = (
    "mcp_streams_refused",
    "requests that were refused for lack of room, by what there was too much of",
);

/// The metrics of one program.
pub(crate) struct Metrics {
    registry: Registry,
    /// Of `GET`.
    pub(crate) get_streams: Gauge,
    /// Of `subscriptions/listen`.
    pub(crate) listens: Gauge,
    /// Those that are parked.
    pub(crate) waiting_calls: Gauge,
    /// One for each server and stream.
    pub(crate) relays: Gauge,
    /// By relays.
    pub(crate) messages: Counter,
    refused: Family<[(&'static str, &'static str); 1], Counter>,
}

/// One more, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    /// One of what `gauge` counts.
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        Self {
            get_streams: registered(&mut registry, GET_STREAMS),
            listens: registered(&mut registry, LISTENS),
            waiting_calls: registered(&mut registry, WAITING_CALLS),
            relays: registered(&mut registry, RELAYS),
            messages: registered(&mut registry, MESSAGES),
            refused: registered(&mut registry, REFUSED),
            registry,
        }
    }

    /// What counts refusals for lack of this.
    pub(crate) fn refused(&self, what: &'static str) -> Counter {
        self.refused.get_or_create(&[("of", what)]).clone()
    }

    /// All of it, in the format of [`CONTENT_TYPE`].
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn registered<M: Metric + Clone + Default>(
    registry: &mut Registry,
    (name, help): Description,
) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_each_metric() {
        let document = include_str!("../../../docs/observability.md");
        let metrics = Metrics::new();
        metrics.refused("streams");
        let text = metrics.text();
        for (name, help) in [
            GET_STREAMS,
            LISTENS,
            WAITING_CALLS,
            RELAYS,
            MESSAGES,
            REFUSED,
        ] {
            assert!(text.contains(&format!("# HELP {name} {help}.\n")), "{text}");
            let is_row = |row: &str| {
                let told = row.strip_prefix(&format!("| `{name}"));
                told.is_some_and(|told| told.ends_with(&format!(" | {help} |")))
            };
            assert!(document.lines().any(is_row), "{name}");
        }
    }

    #[test]
    fn what_is_gone_is_not_counted() {
        let metrics = Metrics::new();
        let one = Counted::new(&metrics.relays);
        assert_eq!(metrics.relays.get(), 1);
        drop(one);
        assert_eq!(metrics.relays.get(), 0);
    }
}

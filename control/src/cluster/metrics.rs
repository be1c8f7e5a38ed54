//! What `/metrics` tells, for Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use crate::object::ObjectName;
use crate::verdict::Reason;

/// The type of what [`Metrics::text`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric as it is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// As queries name it.
    pub name: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

const REGISTRATIONS: Description = Description {
    name: "mcp_control_registrations",
    labels: &["status", "reason"],
    help: "registrations, by status and reason of their condition Ready",
};
const DISCOVERED_TOOLS: Description = Description {
    name: "mcp_control_discovered_tools",
    labels: &["gateway"],
    help: "tools that are served",
};
const GATEWAYS: Description = Description {
    name: "mcp_control_gateways",
    labels: &[],
    help: "gateways that are configured",
};
const LEADER: Description = Description {
    name: "mcp_control_leader",
    labels: &[],
    help: "1 where this control leads, else 0",
};
const PUSHES: Description = Description {
    name: "mcp_control_pushes_total",
    labels: &["gateway"],
    help: "configurations that were written",
};
const PUSH_FAILURES: Description = Description {
    name: "mcp_control_push_failures_total",
    labels: &["gateway"],
    help: "configurations that could not be written",
};
const LAST_PUSH: Description = Description {
    name: "mcp_control_last_push_bytes",
    labels: &["gateway"],
    help: "size of the configuration that was written last, in bytes as an object has it at most",
};
const DISCOVERY_PASSES: Description = Description {
    name: "mcp_control_discovery_passes_total",
    labels: &["gateway"],
    help: "passes over a server that changed something, or failed",
};
const DISCOVERY_FAILURES: Description = Description {
    name: "mcp_control_discovery_failures_total",
    labels: &["gateway", "reason"],
    help: "passes over a server that failed, by reason",
};
const WATCH_ERRORS: Description = Description {
    name: "mcp_control_watch_errors_total",
    labels: &["kind"],
    help: "watches of the apiserver that broke or could not begin, by kind",
};

/// All metrics, in the order in which they are told.
pub const DESCRIPTIONS: [Description; 10] = [
    REGISTRATIONS,
    DISCOVERED_TOOLS,
    GATEWAYS,
    LEADER,
    PUSHES,
    PUSH_FAILURES,
    LAST_PUSH,
    DISCOVERY_PASSES,
    DISCOVERY_FAILURES,
    WATCH_ERRORS,
];

/// The metrics of one control.
pub struct Metrics {
    registry: Registry,
    registrations: Family<[(&'static str, String); 2], Gauge>,
    discovered_tools: Family<[(&'static str, String); 1], Gauge>,
    gateways: Gauge,
    leader: Gauge,
    pushes: Family<[(&'static str, String); 1], Counter>,
    push_failures: Family<[(&'static str, String); 1], Counter>,
    last_push: Family<[(&'static str, String); 1], Gauge>,
    discovery_passes: Family<[(&'static str, String); 1], Counter>,
    discovery_failures: Family<[(&'static str, String); 2], Counter>,
    watch_errors: Family<[(&'static str, String); 1], Counter>,
    /// The series of registrations that are told now.
    told: Mutex<BTreeSet<[(&'static str, String); 2]>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        Self {
            registrations: registered(&mut registry, REGISTRATIONS),
            discovered_tools: registered(&mut registry, DISCOVERED_TOOLS),
            gateways: registered(&mut registry, GATEWAYS),
            leader: registered(&mut registry, LEADER),
            pushes: registered(&mut registry, PUSHES),
            push_failures: registered(&mut registry, PUSH_FAILURES),
            last_push: registered(&mut registry, LAST_PUSH),
            discovery_passes: registered(&mut registry, DISCOVERY_PASSES),
            discovery_failures: registered(&mut registry, DISCOVERY_FAILURES),
            watch_errors: registered(&mut registry, WATCH_ERRORS),
            told: Mutex::default(),
            registry,
        }
    }
}

fn registered<M: Metric + Clone + Default>(registry: &mut Registry, about: Description) -> M {
    let metric = M::default();
    // The format itself puts this behind the name of a counter.
    let name = about.name.strip_suffix("_total").unwrap_or(about.name);
    registry.register(name, about.help, metric.clone());
    metric
}

impl Metrics {
    /// How many registrations stand how: by status and reason of their condition Ready. Others there are none.
    pub fn set_registrations(&self, counts: BTreeMap<(String, String), usize>) {
        let counts = counts.into_iter();
        let counts: BTreeMap<_, _> = counts
            .map(|((status, reason), count)| ([("status", status), ("reason", reason)], count))
            .collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (series, count) in &counts {
            self.registrations.get_or_create(series).set(whole(*count));
        }
        for series in told.iter().filter(|series| !counts.contains_key(*series)) {
            self.registrations.remove(series);
        }
        *told = counts.into_keys().collect();
    }

    /// How many tools a gateway serves.
    pub fn set_tools(&self, gateway: &ObjectName, count: usize) {
        let gauge = self.discovered_tools.get_or_create(&at(gateway));
        gauge.set(whole(count));
    }

    /// How many gateways are configured.
    pub fn set_gateways(&self, count: usize) {
        self.gateways.set(whole(count));
    }

    /// Whether this control leads.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A gateway's configuration was written, which takes so many bytes of JSON.
    pub fn pushed(&self, gateway: &ObjectName, bytes: usize) {
        self.pushes.get_or_create(&at(gateway)).inc();
        self.last_push.get_or_create(&at(gateway)).set(whole(bytes));
    }

    /// A gateway's configuration could not be written.
    pub fn push_failed(&self, gateway: &ObjectName) {
        self.push_failures.get_or_create(&at(gateway)).inc();
    }

    /// Discovery has told of a pass over a server of a gateway, and of why it failed if it did.
    pub fn discovered(&self, gateway: &ObjectName, failure: Option<Reason>) {
        self.discovery_passes.get_or_create(&at(gateway)).inc();
        if let Some(reason) = failure {
            let series = at_for(gateway, reason);
            self.discovery_failures.get_or_create(&series).inc();
        }
    }

    /// A watch of a kind broke, or could not begin.
    pub fn watch_failed(&self, kind: &str) {
        let series = [("kind", kind.to_owned())];
        self.watch_errors.get_or_create(&series).inc();
    }

    /// A gateway is served no more: nothing is told of what it is now. What was counted stays.
    pub fn forget(&self, gateway: &ObjectName) {
        self.discovered_tools.remove(&at(gateway));
        self.last_push.remove(&at(gateway));
    }

    /// All of it, in the format of [`CONTENT_TYPE`].
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn at(gateway: &ObjectName) -> [(&'static str, String); 1] {
    [("gateway", gateway.to_string())]
}

fn at_for(gateway: &ObjectName, reason: Reason) -> [(&'static str, String); 2] {
    [
        ("gateway", gateway.to_string()),
        ("reason", reason.to_string()),
    ]
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// What is told of requests to whoever watches the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Telemetry {
    /// How fine the statistics are.
    pub stats: Stats,
    /// Whether each request leaves its method, server, tool and outcome in Envoy's filter state, for access logs.
    pub filter_state: bool,
}

/// Of what there are statistics, beside those of the filter as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stats {
    /// Of nothing.
    #[default]
    Off,
    /// Of each server.
    Servers,
    /// Of each server and of each tool.
    Tools,
}

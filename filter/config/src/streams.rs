use serde::{Deserialize, Serialize};

use crate::server::Upstream;

/// Where the program `mcp-streams` is reached, which holds for clients what a filter cannot: streams on which nothing is
/// asked, and conversations between the eras.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Streams {
    /// `:authority` of requests that are routed to it: an internal host, which nobody may ask for from outside.
    pub host: String,
    /// `:path` of these requests.
    pub path: String,
    /// Where it is behind its route. Nobody may ask for that `authority` from outside either.
    pub upstream: Upstream,
}

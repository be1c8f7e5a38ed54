//! Envoy's admin interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::listener;
use super::subscription::Subscription;
use crate::tls::plain_client;

/// Envoy answers from memory, so a longer silence is a fault.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A client of one Envoy's admin interface.
#[derive(Clone, Debug)]
pub struct Admin(reqwest::Client);

/// Why the admin interface told nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It is not there yet, or no more.
    #[error("Envoy's admin interface does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// It is another version's.
    #[error("Envoy's admin interface answers something unknown: {0}")]
    Shape(#[from] serde_json::Error),
}

impl Admin {
    /// A client for the interface at this Unix socket.
    ///
    /// # Errors
    /// Where the HTTP library refuses its settings.
    pub fn new(socket: &Path) -> Result<Self, NoAnswer> {
        let builder = plain_client().unix_socket(socket);
        Ok(Self(builder.no_proxy().timeout(TIMEOUT).build()?))
    }

    /// Whether Envoy has all that it needs and serves.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub async fn is_live(&self) -> Result<bool, NoAnswer> {
        let response = self.0.get("http://envoy/ready").send().await?;
        Ok(response.status().is_success())
    }

    /// Where the listener is bound; `None` before it is.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub async fn listen_address(&self) -> Result<Option<SocketAddr>, NoAnswer> {
        let listeners: Listeners = self.fetch("/listeners?format=json").await?;
        Ok(listeners.address())
    }

    /// Versions and refusals of all watched files.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub async fn progress(&self) -> Result<Progress, NoAnswer> {
        const PATH: &str = "/stats?format=json&filter=\
            (%5C.version_text%7C%5C.update_rejected%7Ccluster_manager%5C.warming_clusters%7C\
            cluster%5C.mcp-streams%5C.upstream_rq_active)$";
        let statistics: Statistics = self.fetch(PATH).await?;
        Ok(statistics.into())
    }

    async fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T, NoAnswer> {
        let response = self.0.get(format!("http://envoy{path}")).send().await?;
        let body = response.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// What Envoy has made of the watched files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    versions: BTreeMap<String, String>,
    counts: BTreeMap<String, u64>,
}

impl Progress {
    /// The version that is in force; empty before the first.
    pub fn version(&self, subscription: Subscription) -> &str {
        let name = format!("{}.version_text", subscription.statistics());
        self.versions.get(&name).map_or("", String::as_str)
    }

    /// How many versions were refused.
    pub fn refusals(&self, subscription: Subscription) -> u64 {
        self.count(&format!("{}.update_rejected", subscription.statistics()))
    }

    /// Clusters that wait for name resolution before they are used.
    pub fn warming_clusters(&self) -> u64 {
        self.count("cluster_manager.warming_clusters")
    }

    /// Requests to `mcp-streams` whose responses have not come to their ends.
    pub fn streams(&self) -> u64 {
        self.count("cluster.mcp-streams.upstream_rq_active")
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
struct Statistics {
    stats: Vec<Statistic>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Statistic {
    Text { name: String, value: String },
    Number { name: String, value: u64 },
    Histograms {},
}

impl From<Statistics> for Progress {
    fn from(statistics: Statistics) -> Self {
        let mut progress = Self::default();
        for statistic in statistics.stats {
            match statistic {
                Statistic::Text { name, value } => {
                    progress.versions.insert(name, value);
                }
                Statistic::Number { name, value } => {
                    progress.counts.insert(name, value);
                }
                Statistic::Histograms {} => {}
            }
        }
        progress
    }
}

#[derive(Debug, Deserialize)]
struct Listeners {
    #[serde(default)]
    listener_statuses: Vec<ListenerStatus>,
}

#[derive(Debug, Deserialize)]
struct ListenerStatus {
    name: String,
    local_address: Address,
}

#[derive(Debug, Deserialize)]
struct Address {
    socket_address: Option<SocketAddress>,
}

#[derive(Debug, Deserialize)]
struct SocketAddress {
    address: std::net::IpAddr,
    port_value: u16,
}

impl Listeners {
    fn address(self) -> Option<SocketAddr> {
        let mut statuses = self.listener_statuses.into_iter();
        let ours = statuses.find(|status| status.name == listener::NAME)?;
        let socket = ours.local_address.socket_address?;
        // Port 0 is what was asked for, not yet what was given.
        (socket.port_value != 0).then(|| SocketAddr::new(socket.address, socket.port_value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::extension::Extension;
    use super::*;

    /// As Envoy 1.40 writes them.
    const STATISTICS: &str = r#"{"stats":[
        {"name":"cluster_manager.cds.version_text","value":"2"},
        {"name":"extension_config_discovery.http_filter.mcp-hold.version_text","value":"3"},
        {"name":"http.mcp.rds.mcp.version_text","value":"4"},
        {"name":"cluster_manager.warming_clusters","value":1},
        {"name":"extension_config_discovery.http_filter.mcp-hold.update_rejected","value":5},
        {"histograms":{"supported_quantiles":[0]}}
    ]}"#;

    #[test]
    fn versions_and_refusals_are_read_from_the_statistics() {
        let statistics: Statistics = serde_json::from_str(STATISTICS).unwrap();
        let progress = Progress::from(statistics);
        let filter = Subscription::Filter(Extension::Hold);
        assert_eq!(progress.version(Subscription::Clusters), "2");
        assert_eq!(progress.version(filter), "3");
        assert_eq!(progress.version(Subscription::Routes), "4");
        assert_eq!(progress.version(Subscription::Listeners), "");
        assert_eq!(progress.refusals(filter), 5);
        assert_eq!(progress.refusals(Subscription::Routes), 0);
        assert_eq!(progress.warming_clusters(), 1);
    }

    #[test]
    fn the_bound_address_is_read_once_it_has_a_port() {
        let listeners = |port: u16| -> Listeners {
            let address = serde_json::json!({ "address": "127.0.0.1", "port_value": port });
            let status = serde_json::json!({
                "name": "mcp", "local_address": { "socket_address": address },
            });
            serde_json::from_value(serde_json::json!({ "listener_statuses": [status] })).unwrap()
        };
        assert_eq!(listeners(0).address(), None);
        assert_eq!(
            listeners(36715).address(),
            Some("127.0.0.1:36715".parse().unwrap())
        );
    }

    #[test]
    fn without_a_listener_there_is_no_address() {
        let listeners: Listeners = serde_json::from_str("{}").unwrap();
        assert_eq!(listeners.address(), None);
    }
}

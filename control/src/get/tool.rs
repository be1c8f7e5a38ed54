//! One name that a gateway serves.

use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{Catalog, InvalidCatalog, ListKind};
use serde::Serialize;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool {
    /// Namespace and name of the registration.
    pub(super) server: String,
    /// As clients know it.
    pub(super) name: String,
    /// Namespace and name of the Gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<String>,
}

impl Tool {
    /// Whether its registration stands in a namespace.
    pub(super) fn is_of(&self, namespace: &str) -> bool {
        let own = self.server.split_once('/');
        own.is_some_and(|(own, _)| own == namespace)
    }
}

/// Server and name of each tool that is served with a configuration.
pub(super) fn tools(config: &PluginConfig) -> Result<Vec<(String, String)>, InvalidCatalog> {
    let Some(packed) = &config.catalog else {
        return Ok(Vec::new());
    };
    let catalog = Catalog::decode(packed)?;
    let tools = catalog.entries(ListKind::Tools).map(|(server, name)| {
        let server = usize::try_from(server)
            .ok()
            .and_then(|place| config.servers.get(place));
        let server = server.map(|server| server.name.clone());
        (server.unwrap_or_default(), name.to_owned())
    });
    Ok(tools.collect())
}

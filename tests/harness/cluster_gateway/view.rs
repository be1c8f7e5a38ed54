//! What a gateway is to serve, from the objects of its cluster.

use mcp_control::envoy::extension::Extension;
use mcp_control::envoy::plan::Service;
use mcp_control::index::{self, Settings};
use mcp_control::network::Network;
use mcp_control::object::ObjectName;
use serde_json::Value;

use super::protobuf::reencoded;
use super::watched::{Objects, PLUGIN, ROUTE};

/// See the module.
#[derive(Debug)]
pub(super) struct View {
    /// Clusters and routes.
    pub(super) network: Network,
    /// Hostnames of all routes, also of those that no registration names.
    pub(super) hosts: Vec<String>,
    /// The plugins that there are, and each one's configuration as it reaches Envoy.
    pub(super) plugins: Vec<(Extension, String)>,
}

impl View {
    pub(super) fn of(objects: &Objects, gateway: &ObjectName) -> Self {
        let read = objects.values().flat_map(|known| &known.read);
        let settings = Settings {
            gateway: Some(gateway.clone()),
            ..Settings::default()
        };
        let index = index::build(read, &settings);
        let without_servers = serde_json::from_str(r#"{"version": 1, "role": "hold"}"#);
        let (service, _) = Service::new(index.network, without_servers.expect("a configuration"));
        let phases = [(Extension::Route, "AUTHN"), (Extension::Gate, "AUTHZ")];
        let plugins = phases.into_iter().filter_map(|(extension, phase)| {
            Some((extension, configuration(objects, gateway, phase)?))
        });
        Self {
            network: service.network,
            hosts: hosts(objects),
            plugins: plugins.collect(),
        }
    }
}

/// That of the gateway's plugin of a phase; of the newest where there are several.
fn configuration(objects: &Objects, gateway: &ObjectName, phase: &str) -> Option<String> {
    let plugins = objects.iter().filter(|((kind, namespace, _), known)| {
        let spec = &known.stored["spec"];
        *kind == PLUGIN
            && *namespace == gateway.namespace
            && spec["phase"] == phase
            && spec["targetRefs"][0]["name"] == *gateway.name
            // Envoy's files cannot take back what it has refused; istiod's streams can.
            && !spec["pluginConfig"].is_null()
    });
    let newest = plugins.max_by_key(|((_, _, name), known)| {
        let created = &known.stored["metadata"]["creationTimestamp"];
        (created.as_str().map(str::to_owned), name.clone())
    });
    newest.map(|(_, known)| reencoded(&known.stored["spec"]["pluginConfig"]))
}

fn hosts(objects: &Objects) -> Vec<String> {
    let routes = objects.iter().filter(|((kind, ..), _)| *kind == ROUTE);
    let hosts = routes.filter_map(|(_, known)| known.stored["spec"]["hostnames"].as_array());
    let hosts = hosts.flatten().filter_map(Value::as_str);
    hosts.map(str::to_owned).collect()
}

//! What a WasmPlugin of control's says that its gateway serves.

use kube::core::DynamicObject;
use mcp_filter_config::PluginConfig;
use serde_json::Value;

use super::fault::Fault;
use super::reference::Reference;
use super::tool::{Tool, tools};
use crate::labels::INSTANCE;
use crate::resource::WASM_PLUGIN;
use crate::verdict::Reason;

/// The tools of the part `route`.
pub(super) fn served(plugin: &DynamicObject) -> Result<Vec<Tool>, Box<Fault>> {
    let namespace = plugin.metadata.namespace.clone().unwrap_or_default();
    let fault = |reason: Reason, message: String| {
        let object = Reference {
            kind: WASM_PLUGIN,
            namespace: namespace.clone(),
            name: plugin.metadata.name.clone().unwrap_or_default(),
        };
        Box::new(Fault::new(object, reason.as_str(), message))
    };
    let Some(config) = configuration(plugin) else {
        let message = "control has not pushed a configuration into it yet, so it serves nothing";
        return Err(fault(Reason::Pending, message.to_owned()));
    };
    let unreadable = |error: String| {
        let message = format!(
            "spec.pluginConfig is none that this mcp-control reads, so what it serves is not known; where another \
             version has pushed it, take that version: {error}"
        );
        fault(Reason::Invalid, message)
    };
    let config: PluginConfig =
        serde_path_to_error::deserialize(config).map_err(|error| unreadable(error.to_string()))?;
    let labels = plugin.metadata.labels.as_ref();
    let gateway = labels
        .and_then(|labels| labels.get(INSTANCE))
        .map(|name| format!("{namespace}/{name}"));
    let tools = tools(&config).map_err(|error| unreadable(error.to_string()))?;
    let tools = tools.into_iter().map(|(server, name)| Tool {
        server,
        name,
        gateway: gateway.clone(),
    });
    Ok(tools.collect())
}

/// What control has pushed, if anything: the template has an empty one.
fn configuration(plugin: &DynamicObject) -> Option<&Value> {
    let config = plugin.data.pointer("/spec/pluginConfig")?;
    let is_empty = config.as_object().is_none_or(serde_json::Map::is_empty);
    (!is_empty).then_some(config)
}

//! What an object of control's, by which a gateway runs the filter, says that the gateway serves.

use kube::core::DynamicObject;
use mcp_filter_config::PluginConfig;
use serde_json::Value;

use super::fault::Fault;
use super::reference::Reference;
use super::tool::{Tool, tools};
use crate::attach::Attach;
use crate::labels::INSTANCE;
use crate::verdict::Reason;

/// The tools in the one that has the whole configuration.
pub(super) fn served(attach: Attach, object: &DynamicObject) -> Result<Vec<Tool>, Box<Fault>> {
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let fault = |reason: Reason, message: String| {
        let reference = Reference {
            kind: attach.kind(),
            namespace: namespace.clone(),
            name: object.metadata.name.clone().unwrap_or_default(),
        };
        Box::new(Fault::new(reference, reason.as_str(), message))
    };
    let Some(config) = configuration(attach, object) else {
        let message = "control has not pushed a configuration into it yet, so it serves nothing";
        return Err(fault(Reason::Pending, message.to_owned()));
    };
    let unreadable = |error: String| {
        let message = format!(
            "its configuration is none that this mcp-control reads, so what it serves is not known; where another \
             version has pushed it, take that version: {error}"
        );
        fault(Reason::Invalid, message)
    };
    let config: PluginConfig =
        serde_path_to_error::deserialize(config).map_err(|error| unreadable(error.to_string()))?;
    let labels = object.metadata.labels.as_ref();
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
fn configuration(attach: Attach, object: &DynamicObject) -> Option<Value> {
    let config = attach.config(&object.data)?;
    let is_empty = config.is_null() || config.as_object().is_some_and(serde_json::Map::is_empty);
    (!is_empty).then_some(config)
}

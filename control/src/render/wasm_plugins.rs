//! The pair of WasmPlugins by which a gateway of Istio runs the filter.

use mcp_filter_config::{PluginConfig, Role};
use serde_json::Value;

use super::for_role;
use crate::image::Image;
use crate::object::ObjectName;

/// What both have in common with each other, and with those of any other gateway: `route`, then `gate`.
const TEMPLATE: &str = include_str!("../../../wasmplugin/plugins.yaml");

/// Where the labels stand by which pairs are told apart.
const INSTANCE: &str = "/metadata/labels/app.kubernetes.io~1instance";
const VERSION: &str = "/metadata/labels/app.kubernetes.io~1version";

/// Why there are no objects.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// The template is no YAML.
    #[error(transparent)]
    Template(#[from] serde_saphyr::Error),
    /// A configuration has no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The pair for `gateway`, as manifests. Another image makes a pair of other names: each half of a pair that is changed in
/// place would be without the other for a while.
///
/// # Errors
/// By a mistake in the template alone.
pub fn wasm_plugins(
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Vec<Value>, Unwritable> {
    let template: Vec<Value> = serde_saphyr::from_multiple(TEMPLATE)?;
    let parts = template.into_iter().zip([Role::Route, Role::Gate]);
    parts
        .map(|(plugin, role)| {
            let config = serde_json::to_value(for_role(config, role))?;
            Ok(filled_in(plugin, gateway, image, config))
        })
        .collect()
}

fn filled_in(mut plugin: Value, gateway: &ObjectName, image: &Image, config: Value) -> Value {
    let name = plugin.pointer("/metadata/name").and_then(Value::as_str);
    let name = format!(
        "{}-{}-{}",
        name.unwrap_or_default(),
        gateway.name,
        image.short_digest()
    );
    for (place, value) in [
        ("/metadata/name", name.into()),
        ("/metadata/namespace", gateway.namespace.clone().into()),
        (INSTANCE, gateway.name.clone().into()),
        (VERSION, image.short_digest().into()),
        ("/spec/targetRefs/0/name", gateway.name.clone().into()),
        ("/spec/url", image.to_string().into()),
        ("/spec/pluginConfig", config),
    ] {
        if let Some(empty) = plugin.pointer_mut(place) {
            *empty = value;
        }
    }
    plugin
}

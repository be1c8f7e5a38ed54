//! The pair of WasmPlugins by which a gateway of Istio runs the filter.

use mcp_filter_config::{PluginConfig, Role};
use serde_json::Value;

use super::for_role;
use crate::image::Image;
use crate::labels::{INSTANCE, MANAGED_BY, PROGRAM, VERSION};
use crate::object::ObjectName;

/// What both have in common with each other, and with those of any other gateway: `route`, then `gate`.
const TEMPLATE: &str = include_str!("../../../wasmplugin/pair/plugins.yaml");

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

/// The same, for control itself to apply, replace and delete: labelled as its own.
///
/// # Errors
/// As [`wasm_plugins`].
pub fn managed_wasm_plugins(
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Vec<Value>, Unwritable> {
    let mut plugins = wasm_plugins(gateway, image, config)?;
    for plugin in &mut plugins {
        label(plugin, MANAGED_BY, PROGRAM);
    }
    Ok(plugins)
}

/// How the names of both end, which no other gateway's and no other image's do.
pub fn name_suffix(gateway: &ObjectName, image: &Image) -> String {
    format!("-{}-{}", gateway.name, image.short_digest())
}

fn filled_in(mut plugin: Value, gateway: &ObjectName, image: &Image, config: Value) -> Value {
    let name = plugin.pointer("/metadata/name").and_then(Value::as_str);
    let name = format!(
        "{}{}",
        name.unwrap_or_default(),
        name_suffix(gateway, image)
    );
    for (place, value) in [
        ("/metadata/name", name.into()),
        ("/metadata/namespace", gateway.namespace.clone().into()),
        ("/spec/targetRefs/0/name", gateway.name.clone().into()),
        ("/spec/url", image.to_string().into()),
        ("/spec/pluginConfig", config),
    ] {
        if let Some(empty) = plugin.pointer_mut(place) {
            *empty = value;
        }
    }
    label(&mut plugin, INSTANCE, &gateway.name);
    label(&mut plugin, VERSION, image.short_digest());
    plugin
}

fn label(plugin: &mut Value, label: &str, value: &str) {
    let labels = plugin.pointer_mut("/metadata/labels");
    if let Some(labels) = labels.and_then(Value::as_object_mut) {
        labels.insert(label.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use mcp_filter_config::PluginConfig;
    use serde_json::Value;

    use super::{Unwritable, managed_wasm_plugins, wasm_plugins};
    use crate::image::Image;
    use crate::labels::{COMPONENT, MANAGED_BY, PROGRAM};
    use crate::object::ObjectName;

    type Make = fn(&ObjectName, &Image, &PluginConfig) -> Result<Vec<Value>, Unwritable>;

    fn pair(make: Make) -> Vec<Value> {
        let gateway = ObjectName {
            namespace: "gateways".to_owned(),
            name: "public".to_owned(),
        };
        let image = format!("oci://r/n@sha256:{}", "0a".repeat(32));
        let config = serde_json::from_str(r#"{"version": 1, "role": "hold"}"#).unwrap();
        make(&gateway, &image.parse().unwrap(), &config).unwrap()
    }

    #[test]
    fn only_what_control_manages_is_labelled_so() {
        let own = pair(managed_wasm_plugins);
        for (mut own, users) in own.into_iter().zip(pair(wasm_plugins)) {
            let labels = own["metadata"]["labels"].as_object_mut().unwrap();
            let label = labels.remove(MANAGED_BY);
            assert_eq!(label, Some(PROGRAM.into()));
            assert_eq!(own, users);
        }
    }

    #[test]
    fn the_parts_are_told_by_their_labels() {
        let pair = pair(wasm_plugins);
        let label = |plugin: &Value| plugin["metadata"]["labels"][COMPONENT].clone();
        assert_eq!(
            pair.iter().map(label).collect::<Vec<_>>(),
            ["route", "gate"]
        );
    }
}

//! The objects by which a gateway of Istio runs the filter, as manifests.

mod envoy_filter;
mod wasm_plugins;

use mcp_filter_config::PluginConfig;
use serde_json::Value;

use crate::attach::Attach;
use crate::image::Image;
use crate::labels::{INSTANCE, MANAGED_BY, PROGRAM, VERSION};
use crate::object::ObjectName;

pub use envoy_filter::envoy_filter_name;
pub use wasm_plugins::name_suffix;

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

/// The objects for `gateway`, for a user to apply.
///
/// # Errors
/// By a mistake in a template alone.
pub fn attachment(
    attach: Attach,
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Vec<Value>, Unwritable> {
    match attach {
        Attach::WasmPlugin => wasm_plugins::wasm_plugins(gateway, image, config),
        Attach::EnvoyFilter => Ok(vec![envoy_filter::envoy_filter(gateway, image, config)?]),
    }
}

/// The same, for control itself to apply, replace and delete: labelled as its own.
///
/// # Errors
/// As [`attachment`].
pub fn managed_attachment(
    attach: Attach,
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Vec<Value>, Unwritable> {
    let mut objects = attachment(attach, gateway, image, config)?;
    for object in &mut objects {
        set_label(object, MANAGED_BY, PROGRAM);
    }
    Ok(objects)
}

/// A template with what there is of this gateway and image alone: its name ends with `suffix`.
fn filled_in(
    object: Value,
    (gateway, suffix): (&ObjectName, &str),
    image: &Image,
    values: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut object = placed(object, gateway, suffix);
    for (place, value) in values {
        set(&mut object, place, value);
    }
    set_label(&mut object, VERSION, image.short_digest());
    object
}

/// A template of what a gateway has one of, as that of this gateway.
pub(super) fn named_for(gateway: &ObjectName, object: Value) -> Value {
    placed(object, gateway, &format!("-{}", gateway.name))
}

fn placed(mut object: Value, gateway: &ObjectName, suffix: &str) -> Value {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let name = format!("{}{suffix}", name.unwrap_or_default());
    set(&mut object, "/metadata/name", name.into());
    let namespace = gateway.namespace.clone().into();
    set(&mut object, "/metadata/namespace", namespace);
    let target = gateway.name.clone().into();
    set(&mut object, "/spec/targetRefs/0/name", target);
    set_label(&mut object, INSTANCE, &gateway.name);
    object
}

pub(super) fn set(object: &mut Value, place: &str, value: Value) {
    if let Some(empty) = object.pointer_mut(place) {
        *empty = value;
    }
}

pub(super) fn set_label(object: &mut Value, label: &str, value: &str) {
    let labels = object.pointer_mut("/metadata/labels");
    if let Some(labels) = labels.and_then(Value::as_object_mut) {
        labels.insert(label.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests;

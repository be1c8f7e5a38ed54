//! The pair of WasmPlugins.

use mcp_filter_config::{PluginConfig, Role};
use serde_json::Value;

use super::{Unwritable, filled_in};
use crate::attach::Attach;
use crate::image::Image;
use crate::object::ObjectName;
use crate::render::for_role;

/// What both have in common with each other, and with those of any other gateway: `route`, then `gate`.
const TEMPLATE: &str = include_str!("../../../../wasmplugin/pair/plugins.yaml");

/// The pair for `gateway`. Another image makes a pair of other names: each half of a pair that is changed in place would be
/// without the other for a while.
///
/// # Errors
/// By a mistake in the template alone.
pub(super) fn wasm_plugins(
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Vec<Value>, Unwritable> {
    let template: Vec<Value> = serde_saphyr::from_multiple(TEMPLATE)?;
    let parts = template.into_iter().zip([Role::Route, Role::Gate]);
    let suffix = name_suffix(gateway, image);
    parts
        .map(|(plugin, role)| {
            let attach = Attach::WasmPlugin;
            let config = serde_json::to_value(for_role(config, role))?;
            let values = [
                (attach.url_place(), image.to_string().into()),
                (attach.config_place(), config),
            ];
            Ok(filled_in(plugin, (gateway, &suffix), image, values))
        })
        .collect()
}

/// How the names of both end, which no other gateway's and no other image's do.
pub fn name_suffix(gateway: &ObjectName, image: &Image) -> String {
    format!("-{}-{}", gateway.name, image.short_digest())
}

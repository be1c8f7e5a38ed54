//! The EnvoyFilter.

use mcp_filter_config::{PluginConfig, Role};
use serde_json::Value;

use super::{Unwritable, filled_in};
use crate::attach::Attach;
use crate::image::Image;
use crate::object::ObjectName;
use crate::render::for_role;

/// What it has in common with that of any other gateway.
const TEMPLATE: &str = include_str!("../../../../wasmplugin/envoyfilter/filter.yaml");

/// How its name begins.
const NAME: &str = "mcp-hold";

/// By which Istio's agent knows that it has pulled what was meant.
const SHA256: &str =
    "/spec/configPatches/0/patch/value/typed_config/config/vm_config/code/remote/sha256";

/// The one for `gateway`. Another image changes it in place: one instance has no other half to be without.
///
/// # Errors
/// By a mistake in the template alone.
pub(super) fn envoy_filter(
    gateway: &ObjectName,
    image: &Image,
    config: &PluginConfig,
) -> Result<Value, Unwritable> {
    let attach = Attach::EnvoyFilter;
    let config = serde_json::to_value(for_role(config, Role::Hold))?;
    let values = [
        (attach.url_place(), image.to_string().into()),
        (SHA256, image.digest().into()),
        (attach.config_place(), attach.written(config)),
    ];
    let template = serde_saphyr::from_str(TEMPLATE)?;
    let suffix = format!("-{}", gateway.name);
    Ok(filled_in(template, (gateway, &suffix), image, values))
}

/// Its name, which no other gateway's of the namespace has.
pub fn envoy_filter_name(gateway: &ObjectName) -> String {
    format!("{NAME}-{}", gateway.name)
}

//! What has a gateway of Istio verify tokens.

use std::collections::BTreeSet;

use mcp_filter_config::PluginConfig;
use serde_json::{Value, json};

use super::attachment::{Unwritable, named_for, set_label};
use crate::labels::{MANAGED_BY, PROGRAM};
use crate::object::ObjectName;

/// What it has in common with that of any other gateway.
const TEMPLATE: &str =
    include_str!("../../../wasmplugin/authentication/request-authentication.yaml");

/// Its name.
pub fn request_authentication_name(gateway: &ObjectName) -> ObjectName {
    ObjectName {
        namespace: gateway.namespace.clone(),
        name: format!("mcp-authentication-{}", gateway.name),
    }
}

/// Longest `jwksUri` that Istio's definition allows, in characters.
const LONGEST_URI: usize = 2048;

/// The RequestAuthentication of `gateway`, for control itself to apply and delete; `None` where no endpoint of `config`
/// wants tokens.
///
/// `keys` gives where an issuer's are. Istiod, or Envoy where it is told to, fetches them from there. An issuer of which
/// that is not known is asked by istiod, which keeps no keys that it has found so: where the issuer is down when they are
/// fetched anew, all its tokens are refused.
///
/// Audiences are the filter's to check: an endpoint of the same gateway may take others. The token goes on behind it,
/// since another application of the gateway may read it; to servers the filter sends none.
///
/// # Errors
/// By a mistake in the template alone.
pub fn request_authentication(
    gateway: &ObjectName,
    config: &PluginConfig,
    keys: impl Fn(&str) -> Option<String>,
) -> Result<Option<Value>, Unwritable> {
    let issuers: BTreeSet<_> = issuers(config).collect();
    if issuers.is_empty() {
        return Ok(None);
    }
    let rules = issuers.iter().map(|issuer| {
        let keys = keys(issuer).filter(|keys| keys.len() <= LONGEST_URI);
        rule(issuer, keys)
    });
    let mut object = named_for(gateway, serde_saphyr::from_str(TEMPLATE)?);
    if let Some(place) = object.pointer_mut("/spec/jwtRules") {
        *place = rules.collect();
    }
    set_label(&mut object, MANAGED_BY, PROGRAM);
    Ok(Some(object))
}

fn rule(issuer: &str, keys: Option<String>) -> Value {
    // Unless it is told where tokens are, Envoy takes them from the URL, too.
    let places = json!([{"name": "Authorization", "prefix": "Bearer "}]);
    match keys {
        Some(keys) => json!({
            "issuer": issuer,
            "jwksUri": keys,
            "forwardOriginalToken": true,
            "fromHeaders": places,
        }),
        None => json!({"issuer": issuer, "forwardOriginalToken": true, "fromHeaders": places}),
    }
}

/// Whether an endpoint of `config` takes tokens, so that its gateway has to verify them.
pub fn wants_tokens(config: &PluginConfig) -> bool {
    issuers(config).next().is_some()
}

fn issuers(config: &PluginConfig) -> impl Iterator<Item = &str> {
    let endpoints = config.endpoints.iter();
    let authentications = endpoints.filter_map(|endpoint| endpoint.authentication.as_ref());
    let issuers = authentications.flat_map(|authentication| &authentication.issuers);
    issuers.map(|issuer| issuer.issuer.as_str())
}

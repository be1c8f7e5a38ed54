//! Whether the filter takes what a user has written. What it would refuse would take all the rest down.

use mcp_filter_config::{
    AUTHENTICATION, Authentication, Endpoint, PluginConfig, Policy, ProtectedResource, Role,
};
use mcp_filter_core::table::Table;

use crate::configuration::empty;

/// # Errors
/// Says what the filter does not take of it.
pub(super) fn expect_enforceable(policy: Policy) -> Result<Policy, String> {
    let alone = PluginConfig {
        policies: vec![policy.clone()],
        ..empty(Role::Hold)
    };
    expect_taken(&alone, "policies[0].")?;
    Ok(policy)
}

/// # Errors
/// Likewise.
pub(super) fn expect_verifiable(authentication: Authentication) -> Result<Authentication, String> {
    let endpoint = Endpoint {
        authentication: Some(authentication.clone()),
        ..endpoint()
    };
    let alone = PluginConfig {
        requires: vec![AUTHENTICATION.to_owned()],
        endpoints: vec![endpoint],
        ..empty(Role::Hold)
    };
    expect_taken(&alone, "endpoints[0].authentication.")?;
    Ok(authentication)
}

/// # Errors
/// Likewise.
pub(in crate::index) fn expect_tellable(
    resource: ProtectedResource,
) -> Result<ProtectedResource, String> {
    let endpoint = Endpoint {
        protected_resource: Some(resource.clone()),
        ..endpoint()
    };
    let alone = PluginConfig {
        endpoints: vec![endpoint],
        ..empty(Role::Hold)
    };
    expect_taken(&alone, "endpoints[0].protectedResource.")?;
    Ok(resource)
}

fn endpoint() -> Endpoint {
    Endpoint {
        hosts: vec!["localhost".to_owned()],
        path: "/".to_owned(),
        origins: Vec::new(),
        authentication: None,
        protected_resource: None,
    }
}

fn expect_taken(config: &PluginConfig, prefix: &str) -> Result<(), String> {
    let Err(error) = Table::compile(config) else {
        return Ok(());
    };
    let member = error.path.trim_start_matches(prefix);
    Err(format!("the filter refuses it: {member} {}", error.reason))
}

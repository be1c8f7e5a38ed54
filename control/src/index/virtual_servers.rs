//! Virtual servers: what clients can ask for in the place of everything.

use mcp_filter_core::catalog::Selected;

use super::store::Store;

/// All of them. Each is served by every gateway, with what that lists of it: it takes away, and opens nothing.
pub(super) fn selections(store: &Store<'_>) -> Vec<Selected> {
    let all = store.virtual_servers.iter();
    all.map(|(name, server)| Selected {
        name: name.to_string(),
        tools: server.spec.tools.clone(),
        prompts: server.spec.prompts.clone(),
    })
    .collect()
}

//! What the names in the specification of an MCPVirtualServer come to.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::api::McpVirtualServerSpec;
use crate::render::Listed;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    /// How many tools there are; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<usize>,
    /// Names of tools, then of prompts, that no gateway lists, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unmatched: Vec<String>,
}

impl Selection {
    /// By what the gateways list.
    pub(crate) fn of(spec: &McpVirtualServerSpec, listed: &[&Listed]) -> Self {
        let is_tool = |name: &String| listed.iter().any(|listed| listed.has_tool(name));
        let is_prompt = |name: &String| listed.iter().any(|listed| listed.has_prompt(name));
        let tools: BTreeSet<_> = spec.tools.iter().collect();
        let unmatched_tools = spec.tools.iter().filter(|name| !is_tool(name));
        let prompts = spec.prompts.iter().flatten();
        let unmatched_prompts = prompts.filter(|name| !is_prompt(name));
        let mut seen = BTreeSet::new();
        let unmatched = unmatched_tools.chain(unmatched_prompts);
        Self {
            tools: Some(tools.into_iter().filter(|name| is_tool(name)).count()),
            unmatched: unmatched
                .filter(|name| seen.insert(*name))
                .cloned()
                .collect(),
        }
    }
}

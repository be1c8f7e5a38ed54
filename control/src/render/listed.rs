//! The federated names in the lists of a configuration.

use std::collections::BTreeSet;

use mcp_filter_core::catalog::{Definition, ListKind};

/// See the module. Tools and prompts alone: what else is listed has no federated name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    tools: BTreeSet<String>,
    prompts: BTreeSet<String>,
}

impl Listed {
    pub(super) fn new<'a>(definitions: impl Iterator<Item = (u32, &'a Definition)>) -> Self {
        let mut listed = Self::default();
        for (_, definition) in definitions {
            let names = match definition.kind() {
                ListKind::Tools => &mut listed.tools,
                ListKind::Prompts => &mut listed.prompts,
                ListKind::Resources | ListKind::ResourceTemplates => continue,
            };
            names.insert(definition.key().to_owned());
        }
        listed
    }

    /// Whether there is a tool of this name.
    pub fn has_tool(&self, name: &str) -> bool {
        self.tools.contains(name)
    }

    /// Whether there is a prompt of this name.
    pub fn has_prompt(&self, name: &str) -> bool {
        self.prompts.contains(name)
    }
}

//! The federated names in the lists of a configuration.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_core::catalog::{Definition, ListKind, Selected};

/// See the module. Tools and prompts alone: what else is listed has no federated name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    tools: BTreeSet<String>,
    prompts: BTreeSet<String>,
    virtual_servers: BTreeMap<String, Shown>,
}

/// What of the lists a virtual server shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Federated names.
    pub tools: BTreeSet<String>,
    /// The same; all where absent.
    pub prompts: Option<BTreeSet<String>>,
}

impl Shown {
    /// Whether it shows a tool, or a prompt that it has chosen.
    pub fn has_any(&self) -> bool {
        let prompts = self.prompts.iter().flatten();
        !self.tools.is_empty() || prompts.count() > 0
    }
}

impl Listed {
    pub(super) fn new<'a>(
        definitions: impl Iterator<Item = (u32, &'a Definition)>,
        virtual_servers: &[Selected],
    ) -> Self {
        let mut listed = Self::default();
        for (_, definition) in definitions {
            let names = match definition.kind() {
                ListKind::Tools => &mut listed.tools,
                ListKind::Prompts => &mut listed.prompts,
                ListKind::Resources | ListKind::ResourceTemplates => continue,
            };
            names.insert(definition.key().to_owned());
        }
        let virtual_servers = virtual_servers.iter();
        listed.virtual_servers = virtual_servers
            .map(|selected| (selected.name.clone(), listed.shown_by(selected)))
            .collect();
        listed
    }

    /// What a virtual server shows that selects this.
    pub fn shown_by(&self, selected: &Selected) -> Shown {
        let of = |names: &[String], listed: &BTreeSet<String>| {
            let names = names.iter().filter(|name| listed.contains(*name));
            names.cloned().collect()
        };
        let prompts = selected.prompts.as_deref();
        Shown {
            tools: of(&selected.tools, &self.tools),
            prompts: prompts.map(|names| of(names, &self.prompts)),
        }
    }

    /// What each virtual server shows, by `namespace/name`.
    pub fn virtual_servers(&self) -> &BTreeMap<String, Shown> {
        &self.virtual_servers
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

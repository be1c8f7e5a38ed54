//! A selection of the catalog's definitions.

use super::ListKind;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualServer {
    name: Box<str>,
    /// Places in the list, in order.
    tools: Vec<u32>,
    /// The same; all where absent.
    prompts: Option<Vec<u32>>,
}

impl VirtualServer {
    /// `tools` and `prompts` are places in the lists, in any order; without `prompts`, it has all of them.
    pub(super) fn new(name: &str, tools: Vec<u32>, prompts: Option<Vec<u32>>) -> Self {
        let sorted = |mut places: Vec<u32>| {
            places.sort_unstable();
            places.dedup();
            places
        };
        Self {
            name: name.into(),
            tools: sorted(tools),
            prompts: prompts.map(sorted),
        }
    }

    /// `namespace/name` of the object that it was made from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has the definition at this place of the list.
    pub fn has(&self, kind: ListKind, place: u32) -> bool {
        self.places(kind)
            .is_none_or(|places| places.binary_search(&place).is_ok())
    }

    /// Those that it has of a list, in order; `None`: all.
    pub(super) fn places(&self, kind: ListKind) -> Option<&[u32]> {
        match kind {
            ListKind::Tools => Some(&self.tools),
            ListKind::Prompts => self.prompts.as_deref(),
            ListKind::Resources | ListKind::ResourceTemplates => None,
        }
    }
}

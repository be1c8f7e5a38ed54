//! The views that a server's tools name, and by which URIs clients read them (MCP Apps 2026-01-26, Resource Discovery).

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_core::catalog::{Definition, ListKind, UiResource};

use crate::object::ObjectName;

/// What a server's tools name.
#[derive(Clone, Debug, Default)]
pub(super) struct Views {
    /// Own URIs, and others where older servers have those.
    by_own_uri: BTreeMap<String, Option<String>>,
}

impl Views {
    /// Of the server that is registered as `name`. Another server's view would be shown with the tools' results where
    /// an older one has a URI, so there the tools name another, which leads back to the server's own.
    pub(super) fn of<'a>(
        definitions: impl Iterator<Item = &'a Definition> + Clone,
        name: &ObjectName,
        is_taken: impl Fn(&str) -> bool,
    ) -> Self {
        let uris: BTreeSet<String> = definitions.clone().flat_map(Definition::ui_uris).collect();
        let is_free = |uri: &String| {
            let mut definitions = definitions.clone();
            let is_own = uris.contains(uri) || definitions.any(|own| own.key() == uri);
            !is_own && !is_taken(uri)
        };
        let other = |uri: &str| {
            let rest = uri.strip_prefix("ui://").unwrap_or(uri);
            let mut others = (0..).map(|again| {
                let more = "/again".repeat(again);
                format!("ui://{}.{}{more}/{rest}", name.namespace, name.name)
            });
            others.find(is_free)
        };
        let by_own_uri = uris.iter().map(|uri| {
            let other = is_taken(uri).then(|| other(uri)).flatten();
            (uri.clone(), other)
        });
        Self {
            by_own_uri: by_own_uri.collect(),
        }
    }

    /// The definition as clients see it.
    pub(super) fn shown(&self, definition: Definition) -> Definition {
        if self.by_own_uri.values().all(Option::is_none) {
            return definition;
        }
        definition.with_ui_uris(|uri| self.by_own_uri.get(uri)?.clone())
    }

    /// Those that no list of the server's has.
    pub(super) fn unlisted(self, listed: &BTreeSet<(ListKind, String)>) -> Vec<UiResource> {
        let views = self.by_own_uri.into_iter();
        let views = views.map(|(own_uri, other)| match other {
            Some(uri) => UiResource {
                uri,
                own_uri: Some(own_uri),
            },
            None => UiResource {
                uri: own_uri,
                own_uri: None,
            },
        });
        views
            .filter(|view| !listed.contains(&(ListKind::Resources, view.uri.clone())))
            .collect()
    }
}

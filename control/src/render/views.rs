//! The views that a server's tools name, and by which URIs clients read them (MCP Apps 2026-01-26, Resource Discovery).

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_core::catalog::{Definition, ListKind, UiResource};

use crate::object::ObjectName;

/// What a server's tools name.
#[derive(Clone, Debug, Default)]
pub(super) struct Views {
    /// Own URIs, and others where other servers have those.
    by_own_uri: BTreeMap<String, Option<String>>,
}

impl Views {
    /// Of the server that is registered as `name`. Another server's view would be shown with the tools' results where
    /// that one has a URI, so there the tools name another, which leads back to the server's own.
    pub(super) fn of<'a>(
        definitions: impl Iterator<Item = &'a Definition> + Clone,
        name: &ObjectName,
        is_taken: impl Fn(&str) -> bool,
    ) -> Self {
        let uris: BTreeSet<String> = definitions.clone().flat_map(Definition::ui_uris).collect();
        let mut given = BTreeSet::new();
        let mut by_own_uri = BTreeMap::new();
        for uri in &uris {
            let is_free = |other: &String| {
                let mut definitions = definitions.clone();
                let is_own = uris.contains(other) || definitions.any(|own| own.key() == other);
                !is_own && !given.contains(other) && !is_taken(other)
            };
            let other = is_taken(uri).then(|| other(uri, name).find(is_free));
            let other = other.flatten();
            given.extend(other.clone());
            by_own_uri.insert(uri.clone(), other);
        }
        Self { by_own_uri }
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

/// What a URI may become, without end.
fn other(uri: &str, name: &ObjectName) -> impl Iterator<Item = String> {
    let rest = uri.strip_prefix("ui://").unwrap_or(uri);
    (0..).map(move |again| {
        let more = "/again".repeat(again);
        format!("ui://{}.{}{more}/{rest}", name.namespace, name.name)
    })
}

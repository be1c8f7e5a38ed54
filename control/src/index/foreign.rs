//! Hosts of the gateways that are no registration's.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::Settings;
use super::attachment::hosts;
use super::candidate::NamedRoute;
use super::store::Store;
use crate::object::ObjectName;

/// What accepted routes have which no registration names. A host is theirs who had it first: else whoever may write a
/// registration could close to its clients what others serve on the same gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct ForeignHosts(Vec<ForeignHost>);

#[derive(Clone, Debug)]
struct ForeignHost {
    /// May be a wildcard.
    host: String,
    since: Timestamp,
    route: ObjectName,
}

impl ForeignHosts {
    /// All but those of the routes that are `named`. Manifests of a folder have no age, so they have none either.
    pub(super) fn new(
        store: &Store<'_>,
        settings: &Settings,
        named: &BTreeMap<ObjectName, NamedRoute<'_>>,
    ) -> Self {
        let others = store.routes.iter();
        let others = others.filter(|(name, _)| !named.contains_key(*name));
        let hosts = others.flat_map(|(name, route)| {
            let since = route.metadata.creation_timestamp.as_ref().map(|t| t.0);
            let one = move |since| {
                let hosts = hosts(name, route, store, settings).into_iter();
                hosts.map(move |host| ForeignHost {
                    host,
                    since,
                    route: name.clone(),
                })
            };
            since.map(one).into_iter().flatten()
        });
        Self(hosts.collect())
    }

    /// The route that has had a host, or one that it stands for, since before `since`.
    pub(super) fn holder(&self, host: &str, since: Option<Timestamp>) -> Option<&ObjectName> {
        let stands_for = |one: &str| {
            let suffix = host.strip_prefix('*');
            host == one || suffix.is_some_and(|suffix| one.ends_with(suffix))
        };
        let mut older = self.0.iter();
        let held = older
            .find(|held| since.is_some_and(|since| held.since < since) && stands_for(&held.host))?;
        Some(&held.route)
    }
}

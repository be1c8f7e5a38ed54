//! Hosts of the gateways that are no registration's.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::Settings;
use super::attachment::hosts;
use super::candidate::NamedRoute;
use super::store::Store;
use crate::object::ObjectName;

/// What accepted routes have which no registration names. Such a host stays open to them where a registration that came
/// later only leads there: else whoever may write one could close what others serve on the same gateway. The hostnames of
/// a registration's own route are no matter of this: there clients would reach its server around the policies.
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

    /// The route that has had a host since before `since`.
    pub(super) fn holder(&self, host: &str, since: Option<Timestamp>) -> Option<&ObjectName> {
        let since = since?;
        let mut older = self.0.iter().filter(|held| held.since < since);
        Some(&older.find(|held| held.host == host)?.route)
    }
}

//! A registration, where its route is attached, and how its server is reached.

use std::collections::{BTreeMap, BTreeSet};

use gateway_api::httproutes::HttpRoute;
use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::Upstream;

use super::attachment::{Attached, asked, attach};
use super::gateways::Extensions;
use super::grant::{self, GroupKind};
use super::hostname::is_precise;
use super::registration::{Draft, Generation, drafts};
use super::route::{Rule, rule};
use super::store::Store;
use super::{Carrier, Settings, backend, istiod};
use crate::manifests::Kind;
use crate::network::{Cluster, PathMatch, Route};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const ROUTE: GroupKind = GroupKind("gateway.networking.k8s.io", "HTTPRoute");

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) draft: Draft<'a>,
    /// The HTTPRoute that it names.
    pub(super) route: ObjectName,
    /// Those that count of the gateways that the route is attached to, whatever else is wrong.
    pub(super) gateways: Vec<ObjectName>,
    /// The listeners there that take it.
    pub(super) listeners: BTreeSet<(ObjectName, String)>,
    pub(super) reach: Result<Reach, Fault>,
}

/// Where a registration's server is, whether or not it is served.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) host: String,
    pub(super) upstream: Upstream,
    pub(super) cluster: Cluster,
    pub(super) routes: Vec<Route>,
    pub(super) unsupported: Vec<String>,
}

/// All registrations, oldest first. Where one gateway counts alone, those whose routes are attached to it.
pub(super) fn candidates<'a>(
    extensions: &Extensions,
    store: &Store<'a>,
    settings: &Settings,
) -> Vec<Candidate<'a>> {
    let all = drafts(store).into_iter();
    let all = all.map(|draft| Candidate::new(draft, extensions, store, settings));
    let counts = |c: &Candidate<'_>| settings.gateway.is_none() || !c.gateways.is_empty();
    all.filter(counts).collect()
}

/// A route that a registration names.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedRoute<'a> {
    pub(super) route: &'a HttpRoute,
    /// When both were there. Manifests of a folder have no age.
    pub(super) since: Option<Timestamp>,
}

/// The routes that registrations name and that ask for a gateway that counts, whatever else is wrong with either. A
/// route of another namespace that grants nothing to the registration's is none of it.
pub(super) fn routes_named<'a>(
    store: &Store<'a>,
    settings: &Settings,
) -> BTreeMap<ObjectName, NamedRoute<'a>> {
    let counts = |name: &ObjectName, route: &HttpRoute| {
        let only = settings.gateway.as_ref();
        only.is_none_or(|gateway| asked(name, route, store).any(|asked| asked == *gateway))
    };
    let mut named = BTreeMap::new();
    for draft in drafts(store) {
        let name = route_name(&draft);
        let Some(&route) = store.routes.get(&name) else {
            continue;
        };
        if is_granted(&draft, &name, store) && counts(&name, route) {
            let made = route.metadata.creation_timestamp.as_ref().map(|t| t.0);
            let since = made.max(draft.created);
            // Of several registrations the oldest comes first.
            named.entry(name).or_insert(NamedRoute { route, since });
        }
    }
    named
}

impl<'a> Candidate<'a> {
    fn new(
        draft: Draft<'a>,
        extensions: &Extensions,
        store: &Store<'a>,
        settings: &Settings,
    ) -> Self {
        let route = route_name(&draft);
        let object = route_of(&draft, &route, store);
        let attachment = object
            .clone()
            .and_then(|object| attach((&route, object), extensions, store, settings));
        let gateways = attachment.iter().flat_map(|a| a.gateways.iter().cloned());
        let gateways = gateways.collect();
        let listeners = attachment.iter().flat_map(|a| a.listeners.iter().cloned());
        let listeners = listeners.collect();
        let reach = object
            .and_then(|object| reach(&draft, (&route, object), attachment, (store, settings)));
        let reach = draft.timeouts.clone().and(reach);
        Self {
            draft,
            route,
            gateways,
            listeners,
            reach,
        }
    }

    /// Whether its gateways serve for its sake, as they did in the older generation.
    pub(super) fn is_older(&self) -> bool {
        self.draft.generation == Generation::Older
    }
}

fn route_name(draft: &Draft<'_>) -> ObjectName {
    let namespace = draft
        .route
        .namespace
        .as_ref()
        .unwrap_or(&draft.name.namespace);
    ObjectName {
        namespace: namespace.clone(),
        name: draft.route.name.clone(),
    }
}

fn route_of<'a>(
    draft: &Draft<'_>,
    name: &ObjectName,
    store: &Store<'a>,
) -> Result<&'a HttpRoute, Fault> {
    let route = draft.route;
    if (route.group.as_str(), route.kind.as_str()) != (ROUTE.0, ROUTE.1) {
        let message = match route.kind.as_str() {
            "HTTPRoute" => format!(
                "spec.targetRef must be an HTTPRoute of group {}, not of {}",
                ROUTE.0, route.group
            ),
            kind => format!("spec.targetRef must be an HTTPRoute, not {kind}"),
        };
        return Err(Fault::new(Reason::TargetUnsupported, message));
    }
    if !is_granted(draft, name, store) {
        let reason = Reason::TargetNotFound;
        return Err(grant::missing(reason, referrer(draft), (ROUTE, name)));
    }
    store.routes.get(name).copied().ok_or_else(|| {
        let lack = store.lack(Kind::HttpRoute, name);
        let message = format!("HTTPRoute {name} {lack}, or correct spec.targetRef");
        Fault::new(Reason::TargetNotFound, message)
    })
}

fn is_granted(draft: &Draft<'_>, route: &ObjectName, store: &Store<'_>) -> bool {
    grant::is_granted(store, referrer(draft), (ROUTE, route))
}

fn referrer<'d>(draft: &'d Draft<'_>) -> (GroupKind, &'d str) {
    let kind = GroupKind(draft.generation.group(), draft.generation.kind());
    (kind, &draft.name.namespace)
}

/// From the registration's route to its cluster.
fn reach(
    draft: &Draft<'_>,
    (name, route): (&ObjectName, &HttpRoute),
    attachment: Result<Attached, Fault>,
    (store, settings): (&Store<'_>, &Settings),
) -> Result<Reach, Fault> {
    let rule = rule(name, route)?;
    let attachment = attachment?;
    let cluster = match settings.carrier {
        Carrier::Own => {
            let gateways = attachment.gateways.iter();
            let gateways: Vec<_> = gateways.map(|g| g.namespace.as_str()).collect();
            backend::cluster(name, rule.backend, &gateways, store)?
        }
        Carrier::Istio => istiod::cluster(name, rule.backend, store)?,
    };
    let unsupported = |message: String| Fault::new(Reason::TargetUnsupported, message);
    let Some(host) = attachment.hostnames.iter().find(|h| is_precise(h)) else {
        return Err(unsupported(format!(
            "HTTPRoute {name} has only hostnames with *: add one without"
        )));
    };
    let Some(path) = rule.upstream_path(draft.path) else {
        return Err(unsupported(format!(
            "no match of HTTPRoute {name} takes path {}",
            draft.path
        )));
    };
    Ok(Reach {
        routes: routes(&rule, &attachment.hostnames, &cluster.name),
        upstream: Upstream {
            cluster: cluster.name.clone(),
            authority: rule.authority.clone().unwrap_or_else(|| host.clone()),
            path,
        },
        host: host.clone(),
        cluster,
        unsupported: match settings.carrier {
            Carrier::Own => rule.unsupported,
            Carrier::Istio => Vec::new(),
        },
    })
}

fn routes(rule: &Rule<'_>, hostnames: &[String], cluster: &str) -> Vec<Route> {
    let one = |hostname: &String, path: &PathMatch| Route {
        host: hostname.clone(),
        path: path.clone(),
        authority_rewrite: rule.authority.clone(),
        path_rewrite: rule.path.clone(),
        cluster: cluster.to_owned(),
    };
    // No request can carry a wildcard.
    let hosts = hostnames.iter().filter(|h| is_precise(h));
    hosts
        .flat_map(|h| rule.matches.iter().map(move |m| one(h, m)))
        .collect()
}

//! Puts the parts together.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_config::{Endpoint, Upstream};

use super::attachment::{Attachment, attach};
use super::gateways::{self, Extensions};
use super::grant::{self, GroupKind};
use super::hostname::{is_hostname, is_precise};
use super::policies::Policies;
use super::registration::{Draft, Generation, drafts};
use super::route::{Rule, rule};
use super::store::Store;
use super::{Index, Registration, Resolved, Settings, backend, secret};
use crate::manifests::Kind;
use crate::network::{Cluster, Network, Route};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const ROUTE: GroupKind = GroupKind("gateway.networking.k8s.io", "HTTPRoute");
/// Where MCP clients connect, below the public hosts.
const ENDPOINT_PATH: &str = "/mcp";

/// Where a registration's server is, whether or not it is served.
#[derive(Clone, Debug)]
struct Reach {
    gateways: Vec<ObjectName>,
    host: String,
    upstream: Upstream,
    cluster: Cluster,
    routes: Vec<Route>,
    unsupported: Vec<String>,
}

pub(super) struct Builder<'a> {
    store: Store<'a>,
    settings: &'a Settings,
    extensions: Extensions,
}

impl<'a> Builder<'a> {
    pub(super) fn new(store: Store<'a>, settings: &'a Settings) -> Self {
        let extensions = gateways::extensions(&store, settings);
        Self {
            store,
            settings,
            extensions,
        }
    }

    pub(super) fn build(self) -> Index {
        let drafts = drafts(&self.store);
        let mut reaches: Vec<_> = drafts.iter().map(|draft| self.reach(draft)).collect();
        let hosts = self.public_hosts(&drafts, &reaches);
        let network = network(&drafts, &mut reaches, &hosts);
        let served = drafts.iter().zip(&reaches).filter_map(|(draft, reach)| {
            let gateways = reach.as_ref().ok()?.gateways.iter().cloned();
            (draft.generation == Generation::Older).then_some(gateways)
        });
        let served = self
            .extensions
            .hosts
            .keys()
            .cloned()
            .chain(served.flatten())
            .collect();
        let used = drafts.iter().map(route_name).collect();
        let policies = Policies::new(&self.store, &used, &served);
        let mut network = network;
        let mut registrations: Vec<Registration> = Vec::new();
        let mut holders = Holders::default();
        let mut trusting = BTreeSet::new();
        for (draft, reach) in drafts.iter().zip(reaches) {
            let mut unsupported = draft.unsupported.clone();
            unsupported.extend(reach.iter().flat_map(|reach| reach.unsupported.clone()));
            let certificates = secret::certificates(draft, &self.store, self.settings);
            if let (Ok(pem), Ok(reach), true) = (&certificates, &reach, draft.is_enabled) {
                let decided = !trusting.insert(reach.cluster.name.clone());
                unsupported.extend(trust(&mut network, reach, pem.as_deref(), decided));
            }
            let outcome = self
                .resolve(draft, reach, &policies, &mut holders)
                .and_then(|resolved| certificates.map(|_| resolved));
            registrations.push(registration(draft, outcome, unsupported));
        }
        let mut notices = self.extensions.notices.clone();
        notices.extend(policies.notices);
        Index {
            gateways: served,
            internal_hosts: self.internal_hosts(&drafts, &hosts),
            endpoints: endpoints(hosts),
            registrations,
            policies: policies.compiled,
            notices,
            network,
        }
    }

    /// From the registration's route to its cluster.
    fn reach(&self, draft: &Draft<'_>) -> Result<Reach, Fault> {
        draft.timeouts.clone()?;
        let name = route_name(draft);
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
        let from = GroupKind(draft.generation.group(), draft.generation.kind());
        let (from, to) = ((from, draft.name.namespace.as_str()), (ROUTE, &name));
        if !grant::is_granted(&self.store, from, to) {
            return Err(Fault::new(Reason::TargetNotFound, grant::missing(from, to)));
        }
        let Some(object) = self.store.routes.get(&name) else {
            let lack = self.store.lack(Kind::HttpRoute, &name);
            let message = format!("HTTPRoute {name} {lack}, or correct spec.targetRef");
            return Err(Fault::new(Reason::TargetNotFound, message));
        };
        let rule = rule(&name, object)?;
        let attachment = attach(&name, object, &self.store)?;
        let gateways: Vec<_> = attachment
            .gateways
            .iter()
            .map(|g| g.namespace.as_str())
            .collect();
        let cluster = backend::cluster(&name, rule.backend, &gateways, &self.store)?;
        reach(draft, &rule, attachment, cluster)
    }

    /// The public hosts, each once: those of the listen address, of the extensions, and of gateways that older
    /// registrations make serve.
    fn public_hosts(&self, drafts: &[Draft<'_>], reaches: &[Result<Reach, Fault>]) -> Vec<String> {
        let mut hosts = self.settings.listen_hosts.clone();
        hosts.extend(self.extensions.hosts.values().flatten().cloned());
        for (draft, reach) in drafts.iter().zip(reaches) {
            let gateways = reach.iter().flat_map(|reach| &reach.gateways);
            let bare = gateways.filter(|gateway| !self.extensions.hosts.contains_key(gateway));
            if draft.generation == Generation::Older {
                let own = |g| gateways::hosts_without_extension(g, &self.store, self.settings);
                hosts.extend(bare.flat_map(own));
            }
        }
        if hosts.len() == self.settings.listen_hosts.len() {
            hosts.extend(self.settings.default_hosts.iter().cloned());
        }
        let mut seen = BTreeSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        hosts
    }

    /// Hosts of all registrations' routes, what they are rewritten to, and where they lead, served or not.
    fn internal_hosts(&self, drafts: &[Draft<'_>], public: &[String]) -> Vec<String> {
        let mut hosts = BTreeSet::new();
        for name in drafts.iter().map(route_name) {
            let Some(route) = self.store.routes.get(&name) else {
                continue;
            };
            hosts.extend(route.spec.hostnames.iter().flatten().cloned());
            for rule in route.spec.rules.iter().flatten() {
                let filters = rule.filters.iter().flatten();
                let rewrites = filters.filter_map(|f| f.url_rewrite.as_ref()?.hostname.clone());
                hosts.extend(rewrites);
                let backends = rule.backend_refs.iter().flatten();
                hosts.extend(backends.flat_map(|b| backend::hosts(&name, b, &self.store)));
            }
        }
        hosts.retain(|host| is_hostname(host) && !public.contains(host));
        hosts.into_iter().collect()
    }

    fn resolve(
        &self,
        draft: &Draft<'_>,
        reach: Result<Reach, Fault>,
        policies: &Policies,
        holders: &mut Holders,
    ) -> Result<Resolved, Fault> {
        let timeouts = draft.timeouts.clone()?;
        if !draft.is_enabled {
            return Err(Fault::new(
                Reason::Disabled,
                "spec.state is Disabled; set it to Enabled to serve the server",
            ));
        }
        let reach = reach?;
        let serves = |gateway: &&ObjectName| {
            draft.generation == Generation::Older || self.extensions.hosts.contains_key(gateway)
        };
        let gateways: Vec<_> = reach.gateways.iter().filter(serves).cloned().collect();
        if gateways.is_empty() {
            return Err(gateways::missing(&reach.gateways, &self.store));
        }
        holders.take(draft, &gateways)?;
        let holding = policies.holding(&route_name(draft), &gateways);
        Ok(Resolved {
            host: reach.host,
            path: draft.path.to_owned(),
            upstream: reach.upstream,
            authorization: secret::credential(draft, &self.store, self.settings)?,
            timeouts,
            policies: holding.places,
            denied: holding.denied,
        })
    }
}

/// Who has which prefix on which gateway, and which name.
#[derive(Debug, Default)]
struct Holders {
    prefixes: BTreeMap<(ObjectName, String), ObjectName>,
    names: BTreeSet<ObjectName>,
}

impl Holders {
    /// The oldest keeps. One that cannot be served for another reason keeps, too, or its names would go to another
    /// server while it is repaired.
    fn take(&mut self, draft: &Draft<'_>, gateways: &[ObjectName]) -> Result<(), Fault> {
        if !self.names.insert(draft.name.clone()) {
            let message = format!(
                "a registration of the other kind is named {}, too: rename one of them",
                draft.name
            );
            return Err(Fault::new(Reason::PrefixConflict, message));
        }
        let Some(prefix) = draft.prefix.filter(|prefix| !prefix.is_empty()) else {
            return Ok(());
        };
        for gateway in gateways {
            if let Some(older) = self.prefixes.get(&(gateway.clone(), prefix.to_owned())) {
                let message = format!(
                    "{older} has prefix {prefix} on Gateway {gateway}, and is older: choose another prefix"
                );
                return Err(Fault::new(Reason::PrefixConflict, message));
            }
        }
        for gateway in gateways {
            self.prefixes
                .insert((gateway.clone(), prefix.to_owned()), draft.name.clone());
        }
        Ok(())
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

fn reach(
    draft: &Draft<'_>,
    rule: &Rule<'_>,
    attachment: Attachment,
    cluster: Cluster,
) -> Result<Reach, Fault> {
    let route = route_name(draft);
    let unsupported = |message: String| Fault::new(Reason::TargetUnsupported, message);
    let Some(host) = attachment.hostnames.iter().find(|h| is_precise(h)) else {
        return Err(unsupported(format!(
            "HTTPRoute {route} has only hostnames with *: add one without"
        )));
    };
    let Some(path) = rule.upstream_path(draft.path) else {
        return Err(unsupported(format!(
            "no match of HTTPRoute {route} takes path {}",
            draft.path
        )));
    };
    let authority = rule.authority.clone().unwrap_or_else(|| host.clone());
    let one = |hostname: &String, path: &crate::network::PathMatch| Route {
        host: hostname.clone(),
        path: path.clone(),
        authority_rewrite: rule.authority.clone(),
        path_rewrite: rule.path.clone(),
        cluster: cluster.name.clone(),
    };
    // No request can carry a wildcard.
    let hosts = attachment.hostnames.iter().filter(|h| is_precise(h));
    let routes = hosts.flat_map(|h| rule.matches.iter().map(move |m| one(h, m)));
    Ok(Reach {
        routes: routes.collect(),
        gateways: attachment.gateways,
        upstream: Upstream {
            cluster: cluster.name.clone(),
            authority,
            path,
        },
        host: host.clone(),
        cluster,
        unsupported: rule.unsupported.clone(),
    })
}

/// The network of all registrations whose servers can be reached. One whose route would be a public host, or takes
/// what another's route takes, is refused here.
fn network(
    drafts: &[Draft<'_>],
    reaches: &mut [Result<Reach, Fault>],
    public: &[String],
) -> Network {
    let mut clusters = BTreeMap::new();
    let mut routes: BTreeMap<(String, String), (Route, ObjectName)> = BTreeMap::new();
    for (draft, slot) in drafts.iter().zip(reaches) {
        let Ok(reach) = slot.as_ref() else { continue };
        if let Err(message) = add_routes(draft, reach, public, &mut routes) {
            *slot = Err(Fault::new(Reason::TargetUnsupported, message));
            continue;
        }
        clusters
            .entry(reach.cluster.name.clone())
            .or_insert_with(|| reach.cluster.clone());
    }
    Network {
        clusters: clusters.into_values().collect(),
        routes: routes.into_values().map(|(route, _)| route).collect(),
    }
}

fn add_routes(
    draft: &Draft<'_>,
    reach: &Reach,
    public: &[String],
    routes: &mut BTreeMap<(String, String), (Route, ObjectName)>,
) -> Result<(), String> {
    let name = route_name(draft);
    let key = |route: &Route| (route.host.clone(), format!("{:?}", route.path));
    for route in &reach.routes {
        if public.contains(&route.host) {
            return Err(format!(
                "HTTPRoute {name} has hostname {}, where clients connect: give it one of its own, such as name.mcp.local",
                route.host
            ));
        }
        if let Some((other, owner)) = routes.get(&key(route)).filter(|(other, _)| other != route) {
            return Err(format!(
                "HTTPRoute {owner} takes {} already, for an older registration: \
                 give HTTPRoute {name} another hostname or path",
                other.host
            ));
        }
    }
    for route in &reach.routes {
        routes
            .entry(key(route))
            .or_insert_with(|| (route.clone(), name.clone()));
    }
    Ok(())
}

/// Lets a cluster trust a registration's own authorities, where no older registration of the cluster has decided
/// whom it trusts. Gives back what has no effect.
fn trust(network: &mut Network, reach: &Reach, pem: Option<&str>, decided: bool) -> Option<String> {
    let pem = pem?;
    let mut clusters = network.clusters.iter_mut();
    let cluster = clusters.find(|cluster| cluster.name == reach.cluster.name)?;
    match &mut cluster.tls {
        None => Some("spec.caCertSecretRef (no TLS is spoken with the server)".to_owned()),
        Some(tls) if !decided => {
            tls.ca_pem = Some(pem.to_owned());
            None
        }
        Some(tls) if tls.ca_pem.as_deref() == Some(pem) => None,
        Some(_) => Some(
            "spec.caCertSecretRef (an older registration of the same host trusts others)"
                .to_owned(),
        ),
    }
}

fn registration(
    draft: &Draft<'_>,
    outcome: Result<Resolved, Fault>,
    unsupported: Vec<String>,
) -> Registration {
    Registration {
        name: draft.name.clone(),
        kind: draft.generation.kind(),
        prefix: draft.prefix.map(str::to_owned),
        target: draft.route.name.clone(),
        path: draft.path.to_owned(),
        credential: draft.credential.map(|reference| reference.name.clone()),
        created: draft.created,
        outcome,
        unsupported,
    }
}

fn endpoints(hosts: Vec<String>) -> Vec<Endpoint> {
    if hosts.is_empty() {
        return Vec::new();
    }
    vec![Endpoint {
        hosts,
        path: ENDPOINT_PATH.to_owned(),
        origins: Vec::new(),
    }]
}

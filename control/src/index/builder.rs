//! Puts the parts together.

use std::collections::{BTreeMap, BTreeSet};

use super::address::address;
use super::candidate::{Candidate, NamedRoute, Reach, candidates, routes_named};
use super::endpoints::Entrances;
use super::foreign::ForeignHosts;
use super::gateways::{self, Extensions, PublicListener};
use super::holders::Holders;
use super::hostname::is_hostname;
use super::policies::{Policies, Targets};
use super::registration::Draft;
use super::routing::{network, trust};
use super::store::Store;
use super::streams;
use super::{
    Carrier, Credential, GatewayAddress, Index, PolicyVerdict, Registration, Resolved, Settings,
    backend, secret, virtual_servers,
};
use crate::network::Network;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// Why certificates of a registration have no effect in a cluster.
const TRUST_OF_ISTIO: &str = "spec.caCertSecretRef (in a cluster the DestinationRule for the server's host says whom to \
                              trust: give its trafficPolicy.tls caCertificates or credentialName)";

pub(super) struct Builder<'a> {
    store: Store<'a>,
    settings: &'a Settings,
    extensions: Extensions,
    named: BTreeMap<ObjectName, NamedRoute<'a>>,
    foreign: ForeignHosts,
}

impl<'a> Builder<'a> {
    pub(super) fn new(store: Store<'a>, settings: &'a Settings) -> Self {
        let extensions = gateways::extensions(&store, settings);
        let named = routes_named(&store, settings);
        let foreign = ForeignHosts::new(&store, settings, &named);
        Self {
            store,
            settings,
            extensions,
            named,
            foreign,
        }
    }

    pub(super) fn build(self) -> Index {
        let mut candidates = candidates(&self.extensions, &self.store, self.settings);
        let hosts = self.public_hosts(&candidates);
        let mut network = network(&mut candidates, &hosts);
        let gateways = self.gateways(&candidates);
        let listeners = self.public_listeners(&candidates);
        let policies = Policies::new(&self.targets(&candidates, &gateways, &listeners));
        let streams_route = streams::route(&self.extensions, &self.store, self.settings);
        let streams = match &streams_route {
            Some(route) => streams::streams(route, &self.store, self.settings),
            None => self.settings.streams.clone(),
        };
        let of_streams = [
            streams.as_ref().map(|streams| &streams.host),
            streams_route.as_ref().map(|route| &route.host),
        ];
        let internal_hosts = self.internal_hosts(&hosts, of_streams.into_iter().flatten());
        let registrations = self.registrations(candidates, &policies, &mut network);
        let entrances = Entrances {
            listeners: &listeners,
            guards: &policies.guards,
            store: &self.store,
            settings: self.settings,
        };
        let mut verdicts = policies.verdicts.clone();
        entrances.tell_conflicts(&hosts, &mut verdicts);
        let mut notices: Vec<_> = self.extensions.notices().collect();
        notices.extend(verdicts.iter().flat_map(PolicyVerdict::notices));
        Index {
            addresses: self.addresses(&gateways),
            gateways,
            internal_hosts,
            issuers: entrances.issuers(),
            endpoints: entrances.endpoints(hosts),
            registrations,
            policies: policies.compiled,
            policy_verdicts: verdicts,
            virtual_servers: virtual_servers::selections(&self.store),
            telemetry: self.settings.telemetry,
            streams,
            streams_route,
            extensions: self.extensions.verdicts,
            notices,
            network,
        }
    }

    /// Where clients connect: the listeners of extensions, and those of gateways that older registrations make serve.
    fn public_listeners(&self, candidates: &[Candidate<'_>]) -> Vec<PublicListener> {
        let bare = self.gateways_without_extension(candidates);
        let own = |g| gateways::listener_without_extension(g, &self.store, self.settings);
        let served = self.extensions.served.iter().cloned();
        served.chain(bare.into_iter().map(own)).collect()
    }

    fn gateways_without_extension<'c>(
        &self,
        candidates: &'c [Candidate<'_>],
    ) -> BTreeSet<&'c ObjectName> {
        let older = candidates.iter().filter(|c| c.is_older());
        older
            .flat_map(|c| &c.gateways)
            .filter(|gateway| !self.extensions.hosts.contains_key(gateway))
            .collect()
    }

    fn targets<'b>(
        &'b self,
        candidates: &[Candidate<'_>],
        gateways: &'b BTreeSet<ObjectName>,
        listeners: &'b [PublicListener],
    ) -> Targets<'b> {
        let mut routes = BTreeMap::<_, BTreeSet<_>>::new();
        for candidate in candidates {
            let attached = routes.entry(candidate.route.clone()).or_default();
            attached.extend(candidate.gateways.iter().cloned());
        }
        let inner = candidates.iter().flat_map(|c| c.listeners.iter().cloned());
        Targets {
            store: &self.store,
            routes,
            gateways,
            listeners,
            inner: inner.collect(),
        }
    }

    /// Those that extensions make serve, and those that registrations of the older generation do.
    fn gateways(&self, candidates: &[Candidate<'_>]) -> BTreeSet<ObjectName> {
        let older = candidates.iter().filter(|c| c.is_older());
        let older = older.flat_map(|c| c.gateways.iter().cloned());
        let extended = self.extensions.hosts.keys().cloned();
        extended.chain(older).collect()
    }

    fn addresses(
        &self,
        gateways: &BTreeSet<ObjectName>,
    ) -> BTreeMap<ObjectName, Result<GatewayAddress, Fault>> {
        if self.settings.carrier == Carrier::Own {
            return BTreeMap::new();
        }
        let one = |name: &ObjectName| address(name, &self.extensions, &self.store, self.settings);
        gateways.iter().map(|g| (g.clone(), one(g))).collect()
    }

    fn registrations(
        &self,
        candidates: Vec<Candidate<'_>>,
        policies: &Policies,
        network: &mut Network,
    ) -> Vec<Registration> {
        let mut holders = Holders::default();
        let mut trusting = BTreeSet::new();
        let resolved = candidates.into_iter().map(|candidate| {
            let draft = &candidate.draft;
            let mut unsupported = draft.unsupported.clone();
            let reach = candidate.reach.as_ref();
            unsupported.extend(reach.iter().flat_map(|reach| reach.unsupported.clone()));
            let certificates = secret::certificates(draft, &self.store, self.settings);
            if let (Ok(pem), Ok(reach), true) = (&certificates, reach, draft.is_enabled) {
                let decided = !trusting.insert(reach.cluster.name.clone());
                let told = match self.settings.carrier {
                    Carrier::Own => trust(network, reach, pem.as_deref(), decided),
                    Carrier::Istio => pem.as_ref().map(|_| TRUST_OF_ISTIO.to_owned()),
                };
                unsupported.extend(told);
            }
            let outcome = self.resolve(&candidate, policies, &mut holders);
            let outcome = outcome.and_then(|resolved| self.trusting(resolved, certificates));
            registration(candidate, outcome, unsupported)
        });
        resolved.collect()
    }

    /// The public hosts, each once: those of the listen address, of the extensions, and of gateways that older
    /// registrations make serve.
    fn public_hosts(&self, candidates: &[Candidate<'_>]) -> Vec<String> {
        let mut hosts = self.settings.listen_hosts.clone();
        hosts.extend(self.extensions.hosts.values().flatten().cloned());
        let bare = self.gateways_without_extension(candidates).into_iter();
        let own = |g| gateways::hosts_without_extension(g, &self.store, self.settings);
        hosts.extend(bare.flat_map(own));
        if hosts.len() == self.settings.listen_hosts.len() {
            hosts.extend(self.settings.default_hosts.iter().cloned());
        }
        let mut seen = BTreeSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        hosts
    }

    /// Hosts of all registrations' routes, what they are rewritten to, and where they lead, served or not: a gateway
    /// may have a route while its status says otherwise, and clients must never find that open. Of what is beyond the
    /// route itself, not what another route has had before.
    fn internal_hosts<'h>(
        &self,
        public: &[String],
        more: impl Iterator<Item = &'h String>,
    ) -> Vec<String> {
        let mut closed: BTreeSet<_> = more.cloned().collect();
        for (name, NamedRoute { route, since }) in &self.named {
            closed.extend(route.spec.hostnames.iter().flatten().cloned());
            for rule in route.spec.rules.iter().flatten() {
                let filters = rule.filters.iter().flatten();
                let rewrites = filters.filter_map(|f| f.url_rewrite.as_ref()?.hostname.clone());
                let backends = rule.backend_refs.iter().flatten();
                let backends = backends.flat_map(|b| backend::hosts(name, b, &self.store));
                let beyond = rewrites.chain(backends);
                closed.extend(beyond.filter(|host| self.foreign.holder(host, *since).is_none()));
            }
        }
        closed.retain(|host| is_hostname(host) && !public.contains(host));
        closed.into_iter().collect()
    }

    /// The filter closes the host under which a server that is served knows itself.
    fn expect_not_foreign(&self, route: &ObjectName, reach: &Reach) -> Result<(), Fault> {
        let host = &reach.upstream.authority;
        let since = self.named.get(route).and_then(|named| named.since);
        let Some(holder) = self.foreign.holder(host, since) else {
            return Ok(());
        };
        if *host == reach.host {
            return Ok(());
        }
        let message = format!(
            "HTTPRoute {route}: its URLRewrite is to {host}, which HTTPRoute {holder} has had before and which no \
             registration names: the gateway would close it to that route's clients. Leave the hostname of the \
             URLRewrite out, or attach the route to another gateway"
        );
        Err(Fault::new(Reason::TargetUnsupported, message))
    }

    fn resolve(
        &self,
        candidate: &Candidate<'_>,
        policies: &Policies,
        holders: &mut Holders,
    ) -> Result<Resolved, Fault> {
        let draft = &candidate.draft;
        let timeouts = draft.timeouts.clone()?;
        if !draft.is_enabled {
            return Err(Fault::new(
                Reason::Disabled,
                "spec.state is Disabled; set it to Enabled to serve the server",
            ));
        }
        let gateways = candidate.gateways.iter();
        let gateways = gateways.filter(|gateway| self.serves(candidate, gateway));
        let gateways: Vec<_> = gateways.cloned().collect();
        let held = holders.take(draft, &gateways);
        let reach = candidate.reach.clone()?;
        self.expect_not_foreign(&candidate.route, &reach)?;
        if gateways.is_empty() {
            let attached = &candidate.gateways;
            return Err(gateways::missing(attached, &self.store, self.settings));
        }
        held?;
        let holding = policies.holding(&candidate.route, &gateways);
        let (authorization, unasked) = self.authorization(draft)?;
        Ok(Resolved {
            host: reach.host,
            path: draft.path.to_owned(),
            upstream: reach.upstream,
            authorization,
            unasked,
            timeouts,
            policies: holding.places,
            denied: holding.denied,
        })
    }

    /// What discovery sends, and why it cannot where that is no reason to stop serving.
    fn authorization(
        &self,
        draft: &Draft<'_>,
    ) -> Result<(Option<Credential>, Option<Fault>), Fault> {
        match secret::credential(draft, &self.store, self.settings) {
            Ok(authorization) => Ok((authorization, None)),
            Err(fault) if self.settings.carrier == Carrier::Istio => Ok((None, Some(fault))),
            Err(fault) => Err(fault),
        }
    }

    /// Where Istio says whom to trust, certificates that cannot be used take nothing away that is served.
    fn trusting(
        &self,
        resolved: Resolved,
        certificates: Result<Option<String>, Fault>,
    ) -> Result<Resolved, Fault> {
        match (certificates, self.settings.carrier) {
            (Ok(_), _) => Ok(resolved),
            (Err(fault), Carrier::Own) => Err(fault),
            (Err(fault), Carrier::Istio) => Ok(Resolved {
                unasked: resolved.unasked.or(Some(fault)),
                ..resolved
            }),
        }
    }

    /// Whether clients reach the registration by this gateway.
    fn serves(&self, candidate: &Candidate<'_>, gateway: &ObjectName) -> bool {
        let hosts = || gateways::hosts_without_extension(gateway, &self.store, self.settings);
        self.extensions.hosts.contains_key(gateway)
            || candidate.is_older()
                && (self.settings.carrier == Carrier::Own || !hosts().is_empty())
    }
}

fn registration(
    candidate: Candidate<'_>,
    outcome: Result<Resolved, Fault>,
    unsupported: Vec<String>,
) -> Registration {
    let draft = candidate.draft;
    Registration {
        kind: draft.generation.kind(),
        prefix: draft.prefix.map(str::to_owned),
        target: draft.route.name.clone(),
        path: draft.path.to_owned(),
        credential: draft.credential.map(|reference| reference.name.clone()),
        created: draft.created,
        generation: draft.written,
        gateways: candidate.gateways,
        name: draft.name,
        outcome,
        unsupported,
    }
}

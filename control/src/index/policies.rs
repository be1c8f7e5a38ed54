//! Which policies hold for which routes and listeners.

mod enforceable;
mod gateways;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{Authentication, Issuer, Policy};

use super::gateways::PublicListener;
use super::store::Store;
use super::{Denied, PolicyVerdict};
use crate::api::AuthPolicy;
use crate::authpolicy::{self, Target};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};
pub(super) use enforceable::expect_tellable;
use enforceable::{expect_enforceable, expect_verifiable};

/// All policies, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    pub(super) compiled: Vec<Policy>,
    /// Who may use [`Targets::listeners`], in their order; everybody where absent.
    pub(super) guards: Vec<Option<Guard>>,
    /// In the order of their names.
    pub(super) verdicts: Vec<PolicyVerdict>,
    /// The policy that holds for each route.
    route_holders: BTreeMap<ObjectName, ObjectName>,
    by_route: BTreeMap<ObjectName, Vec<Entry>>,
    by_gateway: BTreeMap<ObjectName, Vec<Entry>>,
    /// Of those that do not say in a readable way for what they are: it is something of their namespace. Of one whose
    /// namespace is not known either, under the empty one: it may be anything.
    by_namespace: BTreeMap<String, Vec<Entry>>,
}

/// Who may use a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// The policy that says so.
    pub(super) policy: ObjectName,
    /// Nobody, where it is absent: the policy cannot be enforced.
    pub(super) authentication: Option<Authentication>,
}

impl Guard {
    /// Whether it lets in the same callers, in the same words, whatever resource their tokens are for.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let plain = |guard: &Self| {
            let mut authentication = guard.authentication.clone()?;
            authentication.policy.clear();
            for issuer in &mut authentication.issuers {
                issuer.audiences.clear();
            }
            Some(authentication)
        };
        plain(self) == plain(other)
    }

    /// Whether tokens must be for a resource.
    pub(super) fn names_audience(&self) -> bool {
        let mut issuers = self.issuers().iter();
        issuers.any(|issuer| !issuer.audiences.is_empty())
    }

    /// Whose tokens are taken.
    pub(super) fn issuers(&self) -> &[Issuer] {
        let authentication = self.authentication.as_ref();
        authentication.map_or(&[], |authentication| &authentication.issuers)
    }
}

/// What there is for policies to be for.
#[derive(Clone, Debug)]
pub(super) struct Targets<'a> {
    pub(super) store: &'a Store<'a>,
    /// The routes that registrations lead to, each with the gateways that it is attached to.
    pub(super) routes: BTreeMap<ObjectName, BTreeSet<ObjectName>>,
    /// The gateways that serve MCP.
    pub(super) gateways: &'a BTreeSet<ObjectName>,
    /// Their listeners at which clients connect.
    pub(super) listeners: &'a [PublicListener],
    /// Listeners that take those routes.
    pub(super) inner: BTreeSet<(ObjectName, String)>,
}

/// A policy and its name.
type Named<'a> = (&'a ObjectName, &'a AuthPolicy);

/// Of those that are of one age, or of none as manifests are, the first by its name counts as the oldest.
fn age<'a>((name, policy): Named<'a>) -> (Option<Timestamp>, &'a ObjectName) {
    let created = policy.metadata.creation_timestamp.as_ref();
    (created.map(|created| created.0), name)
}

#[derive(Clone, Debug)]
struct Entry {
    place: u32,
    /// Set where the policy denies because it cannot be enforced.
    fault: Option<Fault>,
}

/// What holds for one registration.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding {
    /// Places in [`Policies::compiled`], in order of evaluation.
    pub(super) places: Vec<u32>,
    /// Set where everything is denied.
    pub(super) denied: Option<Denied>,
}

impl Policies {
    /// Compiles all policies.
    pub(super) fn new(targets: &Targets<'_>) -> Self {
        let mut policies = Self::default();
        policies.of_gateways(targets);
        let all = targets.store.policies.iter();
        let mut oldest_first: Vec<Named<'_>> =
            all.map(|(name, policy)| (name, &**policy)).collect();
        oldest_first.sort_by_key(|policy| age(*policy));
        for named in oldest_first {
            let (name, policy) = named;
            let beside = |other: &str| ObjectName {
                namespace: name.namespace.clone(),
                name: other.to_owned(),
            };
            match authpolicy::target(policy) {
                Target::Route(route) => policies.route(named, beside(&route), targets),
                Target::Gateway { .. } => {}
                Target::Other { kind, name: other } => {
                    let message = format!(
                        "it is for {kind} {other}; a policy is for an HTTPRoute or a Gateway: correct spec.targetRef.kind"
                    );
                    policies.other(named, (beside(&other), message), targets);
                }
                Target::Unreadable => policies.lost(named),
            }
        }
        policies.verdicts.sort_by(|a, b| a.name.cmp(&b.name));
        policies
    }

    /// The policies for a route on these gateways.
    pub(super) fn holding(&self, route: &ObjectName, gateways: &[ObjectName]) -> Holding {
        let of_namespace = |namespace: &str| self.by_namespace.get(namespace).into_iter().flatten();
        let namespaces = gateways.iter().map(|g| g.namespace.as_str());
        let namespaces: BTreeSet<_> = namespaces.chain([""]).collect();
        let outer = gateways
            .iter()
            .filter_map(|gateway| self.by_gateway.get(gateway))
            .flatten();
        let outer: Vec<_> = namespaces
            .iter()
            .flat_map(|namespace| of_namespace(namespace))
            .chain(outer)
            .collect();
        let its_own = self.by_route.get(route).into_iter().flatten();
        let inner: Vec<_> = of_namespace(&route.namespace)
            .filter(|_| !namespaces.contains(route.namespace.as_str()))
            .chain(its_own)
            .collect();
        let hides = outer.iter().find_map(|entry| entry.fault.clone());
        let denies = inner.iter().find_map(|entry| entry.fault.clone());
        let denied = match (hides, denies) {
            (Some(fault), _) => Some(Denied {
                fault,
                hidden: true,
            }),
            (None, Some(fault)) => Some(Denied {
                fault,
                hidden: false,
            }),
            (None, None) => None,
        };
        Holding {
            places: outer
                .iter()
                .chain(&inner)
                .map(|entry| entry.place)
                .collect(),
            denied,
        }
    }

    fn route(&mut self, policy: Named<'_>, route: ObjectName, targets: &Targets<'_>) {
        if !targets.store.routes.contains_key(&route) {
            let message = format!(
                "HTTPRoute {route}, for which it is, does not exist: a policy stands in its route's namespace"
            );
            return self.refuse(policy, Fault::new(Reason::TargetNotFound, message));
        }
        let Some(gateways) = targets.routes.get(&route) else {
            let message =
                format!("no registration leads to HTTPRoute {route}, so it has no effect here");
            return self.idle(policy, Fault::new(Reason::Unsupported, message));
        };
        let holder = self.route_holders.get(&route);
        // One that is there twice is told elsewhere, and both hold: nobody knows which was meant.
        if let Some(holder) = holder.filter(|holder| *holder != policy.0).cloned() {
            // What clients send for it is no more for servers than it was when it held.
            self.add(authpolicy::deny_all(policy.0, policy.1), None);
            return self.conflict(policy, &holder, &format!("HTTPRoute {route}"));
        }
        let (name, object) = policy;
        self.route_holders.insert(route.clone(), name.clone());
        let compiled = authpolicy::compile(name, object);
        let entry = match compiled.and_then(expect_enforceable) {
            Ok(compiled) => {
                self.enforce(policy, self.claims_of_nobody(&compiled, gateways, targets));
                self.add(compiled, None)
            }
            Err(message) => {
                let message = format!(
                    "{message}. All requests to HTTPRoute {route} are denied until the policy is changed"
                );
                self.denying(policy, Fault::new(Reason::PolicyUnsupported, message))
            }
        };
        self.by_route.entry(route).or_default().push(entry);
    }

    /// Nobody has claims where no token is verified. Where all is denied anyway, that is told already.
    fn claims_of_nobody(
        &self,
        policy: &Policy,
        gateways: &BTreeSet<ObjectName>,
        targets: &Targets<'_>,
    ) -> Vec<Fault> {
        let verifies = |gateway: &ObjectName| {
            let mut listeners = targets.listeners.iter().zip(&self.guards);
            self.by_gateway.contains_key(gateway)
                || listeners
                    .any(|(listener, guard)| listener.gateway == *gateway && guard.is_some())
        };
        if !authpolicy::reads_claims(policy) || gateways.iter().any(verifies) {
            return Vec::new();
        }
        let gateways: Vec<_> = gateways.iter().map(|g| format!("Gateway {g}")).collect();
        let message = format!(
            "it reads claims of the caller's token (auth.identity), and no caller has any: add an AuthPolicy for {} that \
             says whose tokens are taken",
            gateways.join(" or ")
        );
        vec![Fault::new(Reason::TokensNotVerified, message)]
    }

    /// A kind that no policy can be for may be a misspelt one, so what has the name is denied.
    fn other(
        &mut self,
        policy: Named<'_>,
        (target, message): (ObjectName, String),
        targets: &Targets<'_>,
    ) {
        let is_route = targets.routes.contains_key(&target);
        let is_gateway = targets.gateways.contains(&target);
        if !is_route && !is_gateway {
            return self.refuse(policy, Fault::new(Reason::TargetUnsupported, message));
        }
        let message =
            format!("{message}. All requests to what is named {target} are denied until then");
        let entry = self.denying(policy, Fault::new(Reason::PolicyUnsupported, message));
        if is_route {
            let entries = self.by_route.entry(target.clone()).or_default();
            entries.push(entry.clone());
        }
        if is_gateway {
            self.by_gateway.entry(target).or_default().push(entry);
        }
    }

    /// A policy that does not say what it is for.
    fn lost(&mut self, policy: Named<'_>) {
        let namespace = &policy.0.namespace;
        let target = match namespace.as_str() {
            "" => "everything".to_owned(),
            _ => format!("all of the HTTPRoutes and Gateways of namespace {namespace}"),
        };
        let message = format!("it cannot be read, so {target} is denied until it can: correct it");
        let entry = self.denying(policy, Fault::new(Reason::PolicyUnsupported, message));
        let entries = self.by_namespace.entry(namespace.clone());
        entries.or_default().push(entry);
    }

    /// Of several policies for one target the oldest holds (GEP-713).
    fn conflict(&mut self, policy: Named<'_>, holder: &ObjectName, target: &str) {
        let message = format!(
            "AuthPolicy {holder} is for {target}, too, and is older, so it alone holds: take one of them out"
        );
        self.refuse(policy, Fault::new(Reason::Conflicted, message));
    }

    /// Refuses a policy, and denies in its place.
    fn denying(&mut self, policy: Named<'_>, fault: Fault) -> Entry {
        self.refuse(policy, fault.clone());
        let (name, object) = policy;
        let compiled = authpolicy::deny_all(name, object);
        let message = format!("AuthPolicy {name}: {}", fault.message);
        self.add(compiled, Some(Fault { message, ..fault }))
    }

    fn add(&mut self, compiled: Policy, fault: Option<Fault>) -> Entry {
        let place = u32::try_from(self.compiled.len()).unwrap_or(u32::MAX);
        self.compiled.push(compiled);
        Entry { place, fault }
    }

    /// It holds; `told` is what its author should know all the same.
    fn enforce(&mut self, policy: Named<'_>, told: Vec<Fault>) {
        self.verdict(policy, (true, true), told);
    }

    /// Nothing is wrong with it, and it has no effect.
    fn idle(&mut self, policy: Named<'_>, fault: Fault) {
        self.verdict(policy, (true, false), vec![fault]);
    }

    fn refuse(&mut self, policy: Named<'_>, fault: Fault) {
        self.verdict(policy, (false, false), vec![fault]);
    }

    fn verdict(
        &mut self,
        (name, policy): Named<'_>,
        (accepted, enforced): (bool, bool),
        told: Vec<Fault>,
    ) {
        self.verdicts.push(PolicyVerdict {
            name: name.clone(),
            generation: policy.metadata.generation,
            accepted,
            enforced,
            told,
        });
    }
}

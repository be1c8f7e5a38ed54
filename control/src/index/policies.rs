//! Which policies hold for which routes.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_config::Policy;

use super::store::Store;
use super::{Denied, Notice};
use crate::api::AuthPolicy;
use crate::authpolicy::{self, Target};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// All policies, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    pub(super) compiled: Vec<Policy>,
    pub(super) notices: Vec<Notice>,
    by_route: BTreeMap<ObjectName, Vec<Entry>>,
    by_gateway: BTreeMap<ObjectName, Vec<Entry>>,
    everywhere: Vec<Entry>,
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
    /// Compiles all policies. `used` are the routes that registrations lead to, `served` the gateways that serve MCP.
    pub(super) fn new(
        store: &Store<'_>,
        used: &BTreeSet<ObjectName>,
        served: &BTreeSet<ObjectName>,
    ) -> Self {
        let mut policies = Self::default();
        for (name, policy) in &store.policies {
            let beside = |other: &str| ObjectName {
                namespace: name.namespace.clone(),
                name: other.to_owned(),
            };
            match authpolicy::target(policy) {
                Target::Route(route) => policies.route(name, policy, beside(&route), (store, used)),
                Target::Gateway(gateway) => {
                    policies.gateway(name, policy, beside(&gateway), served)
                }
                Target::Other(target) => {
                    let message =
                        format!("it is for {target}; only an HTTPRoute can have a policy here");
                    policies.notice(name, false, Fault::new(Reason::TargetUnsupported, message));
                }
                Target::Unreadable => {
                    let message =
                        "it cannot be read, so everything is denied until it can: correct it";
                    let fault = Fault::new(Reason::PolicyUnsupported, message);
                    policies.notice(name, false, fault.clone());
                    let entry = policies.denying(name, policy, fault);
                    policies.everywhere.push(entry);
                }
            }
        }
        policies
    }

    /// The policies for a route on these gateways.
    pub(super) fn holding(&self, route: &ObjectName, gateways: &[ObjectName]) -> Holding {
        let outer = gateways
            .iter()
            .filter_map(|gateway| self.by_gateway.get(gateway))
            .flatten();
        let outer: Vec<_> = self.everywhere.iter().chain(outer).collect();
        let inner: Vec<_> = self.by_route.get(route).into_iter().flatten().collect();
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

    fn route(
        &mut self,
        name: &ObjectName,
        policy: &AuthPolicy,
        route: ObjectName,
        (store, used): (&Store<'_>, &BTreeSet<ObjectName>),
    ) {
        if !store.routes.contains_key(&route) {
            let message = format!("HTTPRoute {route}, for which it is, does not exist");
            return self.notice(name, false, Fault::new(Reason::TargetNotFound, message));
        }
        if !used.contains(&route) {
            let message =
                format!("no registration leads to HTTPRoute {route}, so it has no effect here");
            return self.notice(name, true, Fault::new(Reason::Unsupported, message));
        }
        let entry = match authpolicy::compile(name, policy) {
            Ok(compiled) => self.add(compiled, None),
            Err(message) => {
                let message = format!(
                    "{message}. All requests to HTTPRoute {route} are denied until the policy is changed"
                );
                let fault = Fault::new(Reason::PolicyUnsupported, message);
                self.notice(name, false, fault.clone());
                self.denying(name, policy, fault)
            }
        };
        self.by_route.entry(route).or_default().push(entry);
    }

    /// Policies of gateways are not enforced yet, so they deny.
    fn gateway(
        &mut self,
        name: &ObjectName,
        policy: &AuthPolicy,
        gateway: ObjectName,
        served: &BTreeSet<ObjectName>,
    ) {
        if !served.contains(&gateway) {
            let message = format!("Gateway {gateway} serves no MCP, so it has no effect here");
            return self.notice(name, true, Fault::new(Reason::Unsupported, message));
        }
        let message = format!(
            "policies of a Gateway are not supported. Nothing of Gateway {gateway} is listed and all its calls are \
             denied until the policy is taken out"
        );
        let fault = Fault::new(Reason::PolicyUnsupported, message);
        self.notice(name, false, fault.clone());
        let entry = self.denying(name, policy, fault);
        self.by_gateway.entry(gateway).or_default().push(entry);
    }

    fn denying(&mut self, name: &ObjectName, policy: &AuthPolicy, fault: Fault) -> Entry {
        let compiled = authpolicy::deny_all(name, policy);
        let message = format!("AuthPolicy {name}: {}", fault.message);
        self.add(compiled, Some(Fault { message, ..fault }))
    }

    fn add(&mut self, compiled: Policy, fault: Option<Fault>) -> Entry {
        let place = u32::try_from(self.compiled.len()).unwrap_or(u32::MAX);
        self.compiled.push(compiled);
        Entry { place, fault }
    }

    fn notice(&mut self, name: &ObjectName, accepted: bool, fault: Fault) {
        self.notices.push(Notice {
            kind: "AuthPolicy",
            name: name.clone(),
            accepted,
            fault,
        });
    }
}

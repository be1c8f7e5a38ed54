//! Which policies hold for which routes.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_config::{
    ControlKeys, Limits, PluginConfig, Policy, Role, Sessions, Telemetry, VERSION,
};
use mcp_filter_core::table::Table;

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
    /// Of those that do not say in a readable way for what they are: it is something of their namespace. Of one whose
    /// namespace is not known either, under the empty one: it may be anything.
    by_namespace: BTreeMap<String, Vec<Entry>>,
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
                Target::Other { kind, name: other } => {
                    let message = format!(
                        "it is for {kind} {other}; a policy is for an HTTPRoute or a Gateway: correct spec.targetRef.kind"
                    );
                    policies.other(name, policy, (beside(&other), message), (used, served));
                }
                Target::Unreadable => {
                    let namespace = &name.namespace;
                    let target = match namespace.as_str() {
                        "" => "everything".to_owned(),
                        _ => format!("all of the HTTPRoutes and Gateways of namespace {namespace}"),
                    };
                    let message = format!(
                        "it cannot be read, so {target} is denied until it can: correct it"
                    );
                    let fault = Fault::new(Reason::PolicyUnsupported, message);
                    policies.notice(name, false, fault.clone());
                    let entry = policies.denying(name, policy, fault);
                    let entries = policies.by_namespace.entry(namespace.clone());
                    entries.or_default().push(entry);
                }
            }
        }
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

    fn route(
        &mut self,
        name: &ObjectName,
        policy: &AuthPolicy,
        route: ObjectName,
        (store, used): (&Store<'_>, &BTreeSet<ObjectName>),
    ) {
        if !store.routes.contains_key(&route) {
            let message = format!(
                "HTTPRoute {route}, for which it is, does not exist: a policy stands in its route's namespace"
            );
            return self.notice(name, false, Fault::new(Reason::TargetNotFound, message));
        }
        if !used.contains(&route) {
            let message =
                format!("no registration leads to HTTPRoute {route}, so it has no effect here");
            return self.notice(name, true, Fault::new(Reason::Unsupported, message));
        }
        let compiled = authpolicy::compile(name, policy);
        let entry = match compiled.and_then(expect_enforceable) {
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

    /// A kind that no policy can be for may be a misspelt one, so what has the name is denied.
    fn other(
        &mut self,
        name: &ObjectName,
        policy: &AuthPolicy,
        (target, message): (ObjectName, String),
        (used, served): (&BTreeSet<ObjectName>, &BTreeSet<ObjectName>),
    ) {
        let (is_route, is_gateway) = (used.contains(&target), served.contains(&target));
        if !is_route && !is_gateway {
            return self.notice(name, false, Fault::new(Reason::TargetUnsupported, message));
        }
        let message =
            format!("{message}. All requests to what is named {target} are denied until then");
        let fault = Fault::new(Reason::PolicyUnsupported, message);
        self.notice(name, false, fault.clone());
        let entry = self.denying(name, policy, fault);
        if is_route {
            let entries = self.by_route.entry(target.clone()).or_default();
            entries.push(entry.clone());
        }
        if is_gateway {
            self.by_gateway.entry(target).or_default().push(entry);
        }
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

/// Whether the filter takes the policy. One that it would refuse would take all others down.
fn expect_enforceable(policy: Policy) -> Result<Policy, String> {
    let alone = PluginConfig {
        version: VERSION,
        requires: Vec::new(),
        role: Role::Hold,
        generation: String::new(),
        endpoints: Vec::new(),
        internal_hosts: Vec::new(),
        servers: Vec::new(),
        catalog: None,
        policies: vec![policy],
        sessions: Sessions::default(),
        control: ControlKeys::default(),
        limits: Limits::default(),
        telemetry: Telemetry::default(),
    };
    match Table::compile(&alone) {
        Ok(_) => alone.policies.into_iter().next().ok_or_else(String::new),
        Err(error) => {
            let member = error.path.trim_start_matches("policies[0].");
            Err(format!("the filter refuses it: {member} {}", error.reason))
        }
    }
}

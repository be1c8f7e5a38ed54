//! Policies of Gateways: who may use which listener.

use std::collections::BTreeMap;

use gateway_api::gateways::GatewayListeners;
use mcp_filter_config::Authentication;

use super::{Guard, Named, Policies, PublicListener, Targets, age, expect_verifiable};
use crate::authpolicy::{self, Target};
use crate::index::endpoints::expect_told;
use crate::index::hostname::intersects;
use crate::index::{ENDPOINT_PATH, gateways};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// A policy of a Gateway.
#[derive(Clone, Debug)]
struct GatewayPolicy<'a> {
    named: Named<'a>,
    gateway: ObjectName,
    /// The only listener that it is for.
    listener: Option<String>,
}

impl GatewayPolicy<'_> {
    /// What it is for, in words.
    fn target(&self) -> String {
        match &self.listener {
            Some(listener) => format!("listener {listener} of Gateway {}", self.gateway),
            None => format!("Gateway {}", self.gateway),
        }
    }
}

impl Policies {
    /// Of several policies for one target the oldest holds; one for a listener holds there in the place of one for its
    /// whole Gateway (GEP-713).
    pub(super) fn of_gateways(&mut self, targets: &Targets<'_>) {
        self.guards = vec![None; targets.listeners.len()];
        let mut holders = BTreeMap::new();
        for policy in gateway_policies(targets) {
            let is_served = targets.gateways.contains(&policy.gateway);
            if !is_served && !targets.store.gateways.contains_key(&policy.gateway) {
                let message = format!(
                    "Gateway {}, for which it is, does not exist: a policy stands in its Gateway's namespace",
                    policy.gateway
                );
                self.refuse(policy.named, Fault::new(Reason::TargetNotFound, message));
            } else if !is_served {
                let message = format!(
                    "Gateway {} serves no MCP, so it has no effect here",
                    policy.gateway
                );
                self.idle(policy.named, Fault::new(Reason::Unsupported, message));
            } else if self.is_for_clients(&policy, targets) {
                let key = (policy.gateway.clone(), policy.listener.clone());
                if let Some(GatewayPolicy { named: holder, .. }) = holders.get(&key) {
                    self.conflict(policy.named, holder.0, &policy.target());
                } else {
                    holders.insert(key, policy);
                }
            }
        }
        for policy in holders.values() {
            let governs = |listener: &PublicListener| {
                let own = (listener.gateway.clone(), listener.name.clone());
                let is_its_own = listener.name.is_some() && policy.listener == listener.name;
                let is_general = policy.listener.is_none()
                    && (listener.name.is_none() || !holders.contains_key(&own));
                listener.gateway == policy.gateway && (is_its_own || is_general)
            };
            let places = (0..).zip(targets.listeners);
            let places = places.filter(|(_, listener)| governs(listener));
            let places: Vec<usize> = places.map(|(place, _)| place).collect();
            self.hold(policy, &places, targets);
        }
    }

    /// Whether the policy is for listeners at which clients connect. Where not, its author is told why.
    fn is_for_clients(&mut self, policy: &GatewayPolicy<'_>, targets: &Targets<'_>) -> bool {
        let (gateway, Some(name)) = (&policy.gateway, &policy.listener) else {
            return true;
        };
        let mut listeners = targets.listeners.iter();
        if listeners.any(|known| known.gateway == *gateway && known.name.as_ref() == Some(name)) {
            return true;
        }
        let object = targets.store.gateways.get(gateway);
        let found = object.map(|object| gateways::listener(gateway, object, name));
        if let Some(Err(fault)) = &found {
            // It may have had another name when the policy was written.
            self.shut(policy, fault);
        } else if targets.inner.contains(&(gateway.clone(), name.clone())) {
            let reason = format!(
                "spec.targetRef.sectionName: listener {name} leads to servers; a policy is for a listener at which clients \
                 connect, or for an HTTPRoute"
            );
            self.shut(policy, &Fault::new(Reason::PolicyUnsupported, reason));
        } else if let Some(host) = found
            .and_then(Result::ok)
            .and_then(|l| shared(l, gateway, targets))
        {
            let reason = format!(
                "spec.targetRef.sectionName: listener {name} takes requests for {host}, too, where MCP is served, and has no \
                 MCPGatewayExtension: make one for it, or write the policy for the whole Gateway"
            );
            self.shut(policy, &Fault::new(Reason::PolicyUnsupported, reason));
        } else {
            let message = format!(
                "{} serves no MCP, so it has no effect here",
                policy.target()
            );
            self.idle(policy.named, Fault::new(Reason::Unsupported, message));
        }
        false
    }

    /// Lets the policy hold for the listeners at these places.
    fn hold(&mut self, policy: &GatewayPolicy<'_>, places: &[usize], targets: &Targets<'_>) {
        let (name, object) = policy.named;
        if places.is_empty() {
            let message = format!(
                "each listener of Gateway {} that serves MCP has an AuthPolicy of its own, so it has no effect here",
                policy.gateway
            );
            return self.idle(policy.named, Fault::new(Reason::Overridden, message));
        }
        let compiled = authpolicy::authentication(name, object, ENDPOINT_PATH);
        let authentication = match compiled.and_then(expect_verifiable) {
            Ok(authentication) => {
                let mut listeners = places
                    .iter()
                    .filter_map(|place| targets.listeners.get(*place));
                let is_named = listeners.all(|listener| audience(listener, targets).is_some());
                let is_checked = is_named || authpolicy::checks_audience(&authentication);
                let told = (!is_checked).then(unchecked);
                self.enforce(policy.named, told.into_iter().collect());
                Some(authentication)
            }
            Err(reason) => {
                let others = targets.listeners.iter().enumerate();
                let mut others = others.filter(|(place, _)| !places.contains(place));
                if others.any(|(_, listener)| listener.gateway == policy.gateway) {
                    let message = format!(
                        "{reason}. Nobody gets in at {} until the policy is changed",
                        policy.target()
                    );
                    let fault = Fault::new(Reason::PolicyUnsupported, message);
                    self.refuse(policy.named, fault);
                } else {
                    let fault = Fault::new(Reason::PolicyUnsupported, reason);
                    self.shut(policy, &fault);
                }
                None
            }
        };
        for place in places {
            let listener = targets.listeners.get(*place);
            let audience = listener.and_then(|listener| audience(listener, targets));
            if let Some(slot) = self.guards.get_mut(*place) {
                *slot = Some(Guard {
                    policy: name.clone(),
                    authentication: authentication.clone().map(|all| of_audience(all, audience)),
                });
            }
        }
    }

    /// Denies all of the Gateway's, in the place of a policy that cannot be enforced.
    fn shut(&mut self, policy: &GatewayPolicy<'_>, fault: &Fault) {
        let gateway = &policy.gateway;
        let message = format!(
            "{}. Nothing of Gateway {gateway} is listed and all its calls are denied until the policy is changed",
            fault.message
        );
        let fault = Fault::new(fault.reason, message);
        let entry = self.denying(policy.named, fault);
        let entries = self.by_gateway.entry(gateway.clone());
        entries.or_default().push(entry);
    }
}

/// A host of an endpoint for which a listener takes requests, too: the filter does not see by which listener one came.
fn shared<'a>(
    listener: &GatewayListeners,
    gateway: &ObjectName,
    targets: &Targets<'a>,
) -> Option<&'a str> {
    let hostname = listener.hostname.as_deref();
    let others = targets.listeners.iter();
    let mut hosts = others
        .filter(|other| other.gateway == *gateway)
        .flat_map(|other| &other.hosts);
    let host = hosts.find(|host| intersects(hostname, host))?;
    Some(host)
}

/// All policies of Gateways, oldest first.
fn gateway_policies<'a>(targets: &Targets<'a>) -> Vec<GatewayPolicy<'a>> {
    let policies = targets.store.policies.iter();
    let of_gateways = policies.filter_map(|(name, policy)| match authpolicy::target(policy) {
        Target::Gateway {
            name: gateway,
            listener,
        } => Some(GatewayPolicy {
            named: (name, policy),
            gateway: ObjectName {
                namespace: name.namespace.clone(),
                name: gateway,
            },
            listener,
        }),
        _ => None,
    });
    let mut of_gateways: Vec<_> = of_gateways.collect();
    of_gateways.sort_by_key(|policy| age(policy.named));
    of_gateways
}

/// For whom tokens must have been issued at a listener (RFC 8707, section 2; MCP 2025-11-25, basic/authorization): the
/// resource that its extension names.
fn audience<'a>(listener: &PublicListener, targets: &Targets<'a>) -> Option<&'a str> {
    let extension = targets.store.extensions.get(listener.extension.as_ref()?)?;
    let given = extension.spec.oauth_protected_resource.as_ref()?;
    // One that cannot be told to clients is told to its author.
    expect_told(given).ok()?;
    given.resource.as_deref()
}

fn of_audience(mut authentication: Authentication, audience: Option<&str>) -> Authentication {
    for issuer in &mut authentication.issuers {
        issuer.audiences.extend(audience.map(str::to_owned));
    }
    authentication
}

/// AuthPolicy has no field for it.
fn unchecked() -> Fault {
    let message = "tokens are taken whomever they were issued for: name oauthProtectedResource.resource in the \
                   MCPGatewayExtension, or add a pattern to rules.authorization, such as 'auth.identity.aud == \"mcp\" || \
                   \"mcp\" in auth.identity.aud'";
    Fault::new(Reason::AudienceNotChecked, message)
}

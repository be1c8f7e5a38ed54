//! Where MCP clients connect, who may, and what is told of that.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_config::{Authentication, Endpoint, ProtectedResource};
use serde::Serialize;

use super::gateways::PublicListener;
use super::policies::{Guard, expect_tellable};
use super::store::Store;
use super::{Carrier, ENDPOINT_PATH, PolicyVerdict, Settings, TokenIssuer, secret};
use crate::api::OauthProtectedResource;
use crate::authpolicy;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const SHARED: &str =
    "where listeners with different policies are reached: give each listener a host of its own";
const APART: &str = "for without Istio one filter serves all Gateways, each with all servers: give all Gateways the same \
                     policy, or serve each from a folder of its own";

/// Who may use a host, and what is told of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Access {
    authentication: Option<Authentication>,
    protected_resource: Option<ProtectedResource>,
}

/// The listeners at which clients connect, and who may use each.
pub(super) struct Entrances<'a> {
    pub(super) listeners: &'a [PublicListener],
    /// In the same order.
    pub(super) guards: &'a [Option<Guard>],
    pub(super) store: &'a Store<'a>,
    pub(super) settings: &'a Settings,
}

impl Entrances<'_> {
    /// The endpoints at these hosts, those of one kind together.
    pub(super) fn endpoints(&self, hosts: Vec<String>) -> Vec<Endpoint> {
        let mut kinds: Vec<(Access, Vec<String>)> = Vec::new();
        for host in hosts {
            let access = self.access(&host);
            match kinds.iter_mut().find(|(known, _)| *known == access) {
                Some((_, hosts)) => hosts.push(host),
                None => kinds.push((access, vec![host])),
            }
        }
        let endpoint = |(access, hosts): (Access, Vec<String>)| Endpoint {
            hosts,
            path: ENDPOINT_PATH.to_owned(),
            origins: Vec::new(),
            authentication: access.authentication,
            protected_resource: access.protected_resource,
        };
        kinds.into_iter().map(endpoint).collect()
    }

    /// Tells the authors of policies for which nobody gets in at a host.
    pub(super) fn tell_conflicts(&self, hosts: &[String], verdicts: &mut [PolicyVerdict]) {
        let mut closed: BTreeMap<(&ObjectName, &str), Vec<&str>> = BTreeMap::new();
        for host in hosts {
            let differ = |guards: &Vec<&Guard>| !are_alike(guards);
            let shared = self.guards_together(host).into_iter().filter(differ);
            let shared = shared.flatten().map(|guard| (guard, SHARED));
            let apart = self.guards_apart(host).into_iter();
            for (guard, why) in shared.chain(apart.map(|guard| (guard, APART))) {
                let hosts = closed.entry((&guard.policy, why)).or_default();
                if !hosts.contains(&host.as_str()) {
                    hosts.push(host);
                }
            }
        }
        for verdict in verdicts {
            for ((_, why), hosts) in closed
                .iter()
                .filter(|((name, _), _)| **name == verdict.name)
            {
                let message = format!("nobody gets in at {}, {why}", hosts.join(", "));
                verdict.told.push(Fault::new(Reason::Conflicted, message));
            }
        }
    }

    /// The filter does not see by which listener a request came, so a policy for one holds for all of the host's. Where
    /// they differ, nobody gets in.
    fn access(&self, host: &str) -> Access {
        let guards = self.guards_at(host);
        let is_agreed = self.guards_apart(host).is_empty() && are_alike(&guards);
        let first = guards
            .first()
            .copied()
            .or_else(|| self.guards_elsewhere(host).next());
        let authentication = first.map(|guard| {
            let only = guard.authentication.clone().filter(|_| is_agreed);
            let only = only.map(|only| for_all_resources(only, &guards));
            only.unwrap_or_else(|| authpolicy::closed(guard.policy.to_string()))
        });
        let mut resources = self
            .at(host)
            .filter_map(|(listener, guard)| self.protected_resource(listener, guard.as_ref()));
        Access {
            authentication,
            protected_resource: resources.next(),
        }
    }

    /// Who guards a host, those together between whose listeners one filter would have to tell: in a cluster each Gateway
    /// has a filter of its own.
    fn guards_together(&self, host: &str) -> Vec<Vec<&Guard>> {
        let mut together = BTreeMap::<_, Vec<_>>::new();
        for (listener, guard) in self.at(host) {
            let gateway = (self.settings.carrier == Carrier::Istio).then_some(&listener.gateway);
            together.entry(gateway).or_default().extend(guard);
        }
        together.into_values().collect()
    }

    /// All of which some let in others than the Gateway of a host does, where one filter stands before all Gateways:
    /// whoever gets in at one host reaches all servers.
    fn guards_apart(&self, host: &str) -> Vec<&Guard> {
        let here = self.guards_at(host);
        // Who asks for tokens of its own must not be reached with those of anybody.
        let is_as_strict = |own: &Guard, other: &Guard| {
            own.is_like(other) && (own.names_audience() || !other.names_audience())
        };
        let differs = |other: &Guard| !here.iter().any(|own| is_as_strict(own, other));
        if !self.guards_elsewhere(host).any(differs) {
            return Vec::new();
        }
        here.iter()
            .copied()
            .chain(self.guards_elsewhere(host))
            .collect()
    }

    /// Those of the Gateways that are not reached by a host and have the same filter.
    fn guards_elsewhere(&self, host: &str) -> impl Iterator<Item = &Guard> {
        let here: Vec<_> = self
            .at(host)
            .map(|(listener, _)| &listener.gateway)
            .collect();
        let has_all = self.settings.carrier == Carrier::Own;
        let all = self.listeners.iter().zip(self.guards);
        let elsewhere =
            all.filter(move |(listener, _)| has_all && !here.contains(&&listener.gateway));
        elsewhere.filter_map(|(_, guard)| guard.as_ref())
    }

    fn guards_at(&self, host: &str) -> Vec<&Guard> {
        self.at(host)
            .filter_map(|(_, guard)| guard.as_ref())
            .collect()
    }

    /// Whose tokens are taken anywhere, in the order of their URLs.
    pub(super) fn issuers(&self) -> Vec<TokenIssuer> {
        let mut issuers = BTreeMap::<_, TokenIssuer>::new();
        for (listener, guard) in self.listeners.iter().zip(self.guards) {
            let Some(guard) = guard else {
                continue;
            };
            for issuer in guard.issuers() {
                let known = issuers.entry(&issuer.issuer);
                let known = known.or_insert_with(|| TokenIssuer {
                    url: issuer.issuer.clone(),
                    authorities: Ok(None),
                    policies: Vec::new(),
                });
                if !known.policies.contains(&guard.policy) {
                    known.policies.push(guard.policy.clone());
                }
                let before = std::mem::replace(&mut known.authorities, Ok(None));
                known.authorities = agreed(before, self.authorities(listener), &issuer.issuer);
            }
        }
        issuers.into_values().collect()
    }

    fn authorities(&self, listener: &PublicListener) -> Result<Option<String>, Fault> {
        if self.settings.carrier == Carrier::Istio {
            // Istiod, which fetches the keys, does not go by it either.
            return Ok(None);
        }
        let named = listener.extension.as_ref();
        let named = named.and_then(|name| Some((name, *self.store.extensions.get(name)?)));
        named.map_or(Ok(None), |(name, extension)| {
            secret::bundle(name, extension, self.store, self.settings)
        })
    }

    /// The listeners that are reached by a host. Hosts that nobody has named are those of all.
    fn at(&self, host: &str) -> impl Iterator<Item = (&PublicListener, &Option<Guard>)> {
        let is_everybodys = !self.listeners.iter().any(|listener| has(listener, host));
        let all = self.listeners.iter().zip(self.guards);
        all.filter(move |(listener, _)| is_everybodys || has(listener, host))
    }

    fn protected_resource(
        &self,
        listener: &PublicListener,
        guard: Option<&Guard>,
    ) -> Option<ProtectedResource> {
        let extension = listener.extension.as_ref();
        let extension = extension.and_then(|name| self.store.extensions.get(name));
        let given = extension.and_then(|e| e.spec.oauth_protected_resource.as_ref());
        let given = given.filter(|given| expect_told(given).is_ok());
        let issuers = guard.map_or(&[][..], Guard::issuers);
        if given.is_none() && issuers.is_empty() {
            return None;
        }
        let given = given.cloned().unwrap_or_default();
        let issuers = issuers.iter().map(|issuer| issuer.issuer.clone());
        expect_tellable(protected_resource(given, issuers.collect())).ok()
    }
}

fn are_alike(guards: &[&Guard]) -> bool {
    let mut pairs = guards.windows(2);
    pairs.all(|pair| matches!(pair, [one, other] if one.is_like(other)))
}

/// Takes tokens for the resource of any of the listeners of a host, of which nobody sees by which a request came.
fn for_all_resources(mut authentication: Authentication, guards: &[&Guard]) -> Authentication {
    let issuers = guards.iter().flat_map(|guard| guard.issuers());
    let named: BTreeSet<_> = issuers.flat_map(|issuer| &issuer.audiences).collect();
    for issuer in &mut authentication.issuers {
        issuer.audiences = named.iter().map(|audience| (*audience).clone()).collect();
    }
    authentication
}

/// # Errors
/// What the filter does not take of it.
pub(super) fn expect_told(given: &OauthProtectedResource) -> Result<(), String> {
    expect_tellable(protected_resource(given.clone(), Vec::new())).map(|_| ())
}

/// The authorities by which an issuer is asked that has these for one listener and those for another.
fn agreed(
    one: Result<Option<String>, Fault>,
    other: Result<Option<String>, Fault>,
    issuer: &str,
) -> Result<Option<String>, Fault> {
    match (one?, other?) {
        (Some(one), Some(other)) if one != other => {
            let message = format!(
                "spec.caCertBundleRef of several MCPGatewayExtensions names different certificates for issuer {issuer}: \
                 name the same in all"
            );
            Err(Fault::new(Reason::CertificateInvalid, message))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn has(listener: &PublicListener, host: &str) -> bool {
    listener.hosts.iter().any(|own| own == host)
}

/// What the extension leaves out, the policy says.
fn protected_resource(given: OauthProtectedResource, issuers: Vec<String>) -> ProtectedResource {
    let is_verified = !issuers.is_empty();
    let or = |given: Vec<String>, derived: Vec<String>| match given.is_empty() {
        true => derived,
        false => given,
    };
    let methods = is_verified.then(|| "header".to_owned());
    let members = Members {
        authorization_servers: or(given.authorization_servers, issuers),
        bearer_methods_supported: or(
            given.bearer_methods_supported,
            methods.into_iter().collect(),
        ),
        scopes_supported: given.scopes_supported,
        resource_name: given.resource_name,
    };
    ProtectedResource {
        resource: given.resource,
        // Strings and lists alone: cannot fail.
        members: serde_json::to_string(&members).unwrap_or_default(),
    }
}

/// RFC 9728, section 2, but for `resource`.
#[derive(Serialize)]
struct Members {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bearer_methods_supported: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
}

//! What the network has for all registrations together.

use std::collections::BTreeMap;

use super::candidate::{Candidate, Reach};
use crate::network::{Network, Route};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// The network of all registrations whose servers can be reached. One whose route would be a public host, or takes
/// what another's route takes, is refused here.
pub(super) fn network(candidates: &mut [Candidate<'_>], public: &[String]) -> Network {
    let mut clusters = BTreeMap::new();
    let mut routes: BTreeMap<(String, String), (Route, ObjectName)> = BTreeMap::new();
    for candidate in candidates {
        let Ok(reach) = &candidate.reach else {
            continue;
        };
        if let Err(message) = add_routes(&candidate.route, reach, public, &mut routes) {
            candidate.reach = Err(Fault::new(Reason::TargetUnsupported, message));
            continue;
        }
        clusters
            .entry(reach.cluster.name.clone())
            .or_insert_with(|| reach.cluster.clone());
    }
    Network {
        clusters: clusters.into_values().collect(),
        routes: routes.into_values().map(|(route, _)| route).collect(),
        issuers: Vec::new(),
    }
}

fn add_routes(
    name: &ObjectName,
    reach: &Reach,
    public: &[String],
    routes: &mut BTreeMap<(String, String), (Route, ObjectName)>,
) -> Result<(), String> {
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
pub(super) fn trust(
    network: &mut Network,
    reach: &Reach,
    pem: Option<&str>,
    decided: bool,
) -> Option<String> {
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

//! How connections to a host are made: DestinationRules.

use std::cmp::Reverse;

use super::backend::{CLUSTER_DOMAIN, Destination, cluster_name};
use super::store::Store;
use crate::api::{ConnectionPool, DestinationRule, H2UpgradePolicy, TlsMode, TlsSettings};
use crate::network::{Cluster, Tls};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// Where Istio looks for rules that hold for all namespaces.
const ROOT_NAMESPACE: &str = "istio-system";

/// The cluster for a destination. Rules count from the gateways' namespaces, then from the destination's, then from
/// Istio's root, as in Istio; within one namespace the most exact host.
pub(super) fn connect(
    destination: Destination,
    gateways: &[&str],
    store: &Store<'_>,
) -> Result<Cluster, Fault> {
    let mut cluster = Cluster {
        name: cluster_name(destination.port, &destination.host),
        addresses: destination.addresses,
        socket: None,
        dns: destination.dns,
        tls: None,
        max_connections: None,
        max_pending_requests: None,
        max_requests: None,
        connect_timeout_ms: None,
        http2: destination.http2,
    };
    let (host, port) = (&destination.host, destination.port);
    let found = rule(host, gateways, &destination.namespace, store);
    if let Some((name, rule)) = found {
        apply(rule, host, port, &mut cluster).map_err(|message| {
            Fault::new(
                Reason::TargetUnsupported,
                format!("DestinationRule {name}: {message}"),
            )
        })?;
    }
    if destination.secure && cluster.tls.is_none() {
        let message = format!(
            "port {port} of {host} speaks TLS, but no DestinationRule for that host in namespace {} asks for it: \
             add one with trafficPolicy.tls.mode SIMPLE",
            destination.namespace
        );
        return Err(Fault::new(Reason::TargetUnsupported, message));
    }
    Ok(cluster)
}

fn rule<'a>(
    host: &str,
    gateways: &[&str],
    namespace: &str,
    store: &Store<'a>,
) -> Option<(ObjectName, &'a DestinationRule)> {
    let places = gateways.iter().copied().chain([namespace, ROOT_NAMESPACE]);
    let candidates = places.enumerate().flat_map(|(rank, place)| {
        let rules = store
            .destination_rules
            .iter()
            .filter(move |(n, _)| n.namespace == place);
        rules.filter_map(move |(name, rule)| {
            let exactness = covers(name, rule, host)?;
            Some(((rank, Reverse(exactness)), name, *rule))
        })
    });
    let best = candidates.min_by_key(|(order, ..)| *order);
    best.map(|(_, name, rule)| (name.clone(), rule))
}

/// How exactly the rule's host covers this one, if it does.
fn covers(name: &ObjectName, rule: &DestinationRule, host: &str) -> Option<usize> {
    let own = rule.spec.host.as_str();
    let full = match own.contains(['.', '*']) {
        true => own.to_owned(),
        false => format!("{own}.{}.{CLUSTER_DOMAIN}", name.namespace),
    };
    if full == host || own == host {
        return Some(usize::MAX);
    }
    let suffix = full.strip_prefix('*')?;
    host.ends_with(suffix).then_some(suffix.len())
}

fn apply(
    rule: &DestinationRule,
    host: &str,
    port: u16,
    cluster: &mut Cluster,
) -> Result<(), String> {
    let Some(policy) = &rule.spec.traffic_policy else {
        return Ok(());
    };
    let level = policy
        .port_level_settings
        .iter()
        .find(|level| level.port.number == port);
    // Settings of a port replace those of all ports as a whole.
    let (tls, pool) = match level {
        Some(level) => (&level.tls, &level.connection_pool),
        None => (&policy.tls, &policy.connection_pool),
    };
    if let Some(tls) = tls {
        cluster.tls = originate(tls, host)?;
    }
    if let Some(pool) = pool {
        bound(pool, cluster)?;
    }
    Ok(())
}

fn originate(tls: &TlsSettings, host: &str) -> Result<Option<Tls>, String> {
    match tls.mode {
        TlsMode::Disable => return Ok(None),
        TlsMode::Simple => {}
        TlsMode::Mutual | TlsMode::IstioMutual => {
            return Err(
                "tls.mode MUTUAL and ISTIO_MUTUAL are not supported: use SIMPLE".to_owned(),
            );
        }
    }
    let others = [
        ("credentialName", tls.credential_name.is_some()),
        ("subjectAltNames", !tls.subject_alt_names.is_empty()),
    ];
    if let Some((field, _)) = others.iter().find(|(_, is_set)| *is_set) {
        return Err(format!(
            "tls.{field} is not supported: take it out, or use caCertificates with a file"
        ));
    }
    let sni = tls.sni.as_deref().filter(|sni| !sni.is_empty());
    if sni.is_some_and(|sni| sni.len() > 255) {
        return Err("tls.sni has more than 255 characters".to_owned());
    }
    Ok(Some(Tls {
        sni: sni.unwrap_or(host).to_owned(),
        ca_certificates: tls.ca_certificates.clone(),
        ca_pem: None,
        insecure_skip_verify: tls.insecure_skip_verify.unwrap_or(false),
    }))
}

fn bound(pool: &ConnectionPool, cluster: &mut Cluster) -> Result<(), String> {
    if let Some(tcp) = &pool.tcp {
        cluster.max_connections = tcp.max_connections;
        if let Some(timeout) = &tcp.connect_timeout {
            let parsed: Result<gateway_api::Duration, _> = timeout.parse();
            let millis = parsed.ok().and_then(|d| u64::try_from(d.as_millis()).ok());
            cluster.connect_timeout_ms = Some(millis.filter(|ms| *ms > 0).ok_or_else(|| {
                format!("connectionPool.tcp.connectTimeout {timeout} is not a duration such as 500ms or 5s")
            })?);
        }
    }
    if let Some(http) = &pool.http {
        cluster.max_pending_requests = http.http1_max_pending_requests;
        cluster.max_requests = http.http2_max_requests;
        match http.h2_upgrade_policy {
            Some(H2UpgradePolicy::Upgrade) => cluster.http2 = true,
            Some(H2UpgradePolicy::DoNotUpgrade | H2UpgradePolicy::Default) | None => {}
        }
    }
    Ok(())
}

//! From a backendRef to an Envoy cluster, named as istiod names it.

use std::net::IpAddr;

use gateway_api::httproutes::HttpRouteRulesBackendRefs;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::connection;
use super::grant::{self, GroupKind};
use super::hostname::is_precise;
use super::store::Store;
use crate::api::{Resolution, ServiceEntry, ServicePort as EntryPort};
use crate::manifests::Kind;
use crate::network::{Address, Cluster};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const ROUTE: GroupKind = GroupKind("gateway.networking.k8s.io", "HTTPRoute");
const SERVICE: GroupKind = GroupKind("", "Service");
/// The domain of Services' full names.
pub(super) const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// Where a route leads, before a DestinationRule says how.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// The host that DestinationRules name.
    pub(super) host: String,
    /// The port that routes name.
    pub(super) port: u16,
    /// Namespace of the Service or ServiceEntry.
    pub(super) namespace: String,
    /// Where connections go.
    pub(super) addresses: Vec<Address>,
    /// Whether the addresses are names.
    pub(super) dns: bool,
    /// Whether the port says that TLS is spoken there.
    pub(super) secure: bool,
    /// Whether the port says that HTTP/2 is spoken there.
    pub(super) http2: bool,
}

/// What a backendRef names.
#[derive(Clone, Debug)]
pub(super) enum Referent<'a> {
    /// A Service that exists and that the route may refer to.
    Service(ObjectName, &'a Service),
    /// A host of Istio's registry.
    Host(&'a str),
}

/// The cluster that a route's backendRef leads to. `gateways` are the namespaces of the route's gateways.
pub(super) fn cluster(
    route: &ObjectName,
    backend: &HttpRouteRulesBackendRefs,
    gateways: &[&str],
    store: &Store<'_>,
) -> Result<Cluster, Fault> {
    let (referent, port) = referent(route, backend, store)?;
    let destination = match referent {
        Referent::Service(name, service) => self::service(name, service, port, store)?,
        Referent::Host(host) => entry(host, port, store)?,
    };
    connection::connect(destination, gateways, store)
}

/// As istiod names the cluster of a host and port.
pub(super) fn cluster_name(port: u16, host: &str) -> String {
    format!("outbound|{port}||{host}")
}

/// What a backendRef names, and its port.
pub(super) fn referent<'a>(
    route: &ObjectName,
    backend: &'a HttpRouteRulesBackendRefs,
    store: &Store<'a>,
) -> Result<(Referent<'a>, u16), Fault> {
    let number = backend
        .port
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0);
    let Some(port) = number else {
        let message = format!(
            "HTTPRoute {route}: backendRef {} needs a port",
            backend.name
        );
        return Err(Fault::new(Reason::TargetUnsupported, message));
    };
    let group = backend.group.as_deref().unwrap_or("");
    let kind = backend.kind.as_deref().unwrap_or("Service");
    match (group, kind) {
        ("", "Service") => {
            let name = service_name(route, backend);
            let service = service_of(route, &name, store)?;
            Ok((Referent::Service(name, service), port))
        }
        ("networking.istio.io", "Hostname") => Ok((Referent::Host(&backend.name), port)),
        _ => {
            let message = format!(
                "HTTPRoute {route}: backendRef {} is of kind {kind} (group {group:?}): \
                 use a Service, or Hostname of group networking.istio.io",
                backend.name
            );
            Err(Fault::new(Reason::TargetUnsupported, message))
        }
    }
}

/// The names of what a backendRef leads to, as far as it says.
pub(super) fn hosts(
    route: &ObjectName,
    backend: &HttpRouteRulesBackendRefs,
    store: &Store<'_>,
) -> Vec<String> {
    if backend.kind.as_deref() == Some("Hostname") {
        return vec![backend.name.clone()];
    }
    let name = service_name(route, backend);
    let spec = store.services.get(&name).and_then(|s| s.spec.as_ref());
    let alias = spec.and_then(|spec| spec.external_name.clone());
    alias.into_iter().chain([full_name(&name)]).collect()
}

fn service_name(route: &ObjectName, backend: &HttpRouteRulesBackendRefs) -> ObjectName {
    let namespace = backend.namespace.as_ref().unwrap_or(&route.namespace);
    ObjectName {
        namespace: namespace.clone(),
        name: backend.name.clone(),
    }
}

pub(super) fn full_name(service: &ObjectName) -> String {
    format!("{}.{}.{CLUSTER_DOMAIN}", service.name, service.namespace)
}

fn service_of<'a>(
    route: &ObjectName,
    name: &ObjectName,
    store: &Store<'a>,
) -> Result<&'a Service, Fault> {
    let (from, to) = ((ROUTE, route.namespace.as_str()), (SERVICE, name));
    if !grant::is_granted(store, from, to) {
        return Err(grant::missing(Reason::TargetUnsupported, from, to));
    }
    store.services.get(name).copied().ok_or_else(|| {
        let lack = store.lack(Kind::Service, name);
        let message = format!(
            "Service {name}, to which HTTPRoute {route} leads, {lack}, or correct the backendRef"
        );
        Fault::new(Reason::TargetNotFound, message)
    })
}

fn service(
    name: ObjectName,
    service: &Service,
    port: u16,
    store: &Store<'_>,
) -> Result<Destination, Fault> {
    let spec = service.spec.clone().unwrap_or_default();
    if spec.type_.as_deref() == Some("ExternalName") {
        return external(
            &name,
            spec.external_name.as_deref().unwrap_or_default(),
            port,
            store,
        );
    }
    let ports = spec.ports.as_deref().unwrap_or_default();
    let service_port = numbered(&name, ports, port)?;
    let addresses = endpoints(&name, service_port, store);
    if addresses.is_empty() {
        let message = format!(
            "Service {name} has no ready endpoint for port {port}: add an EndpointSlice in namespace {} with label \
             kubernetes.io/service-name: {} and a port named {:?}",
            name.namespace,
            name.name,
            service_port.name.as_deref().unwrap_or_default()
        );
        return Err(Fault::new(Reason::TargetNotFound, message));
    }
    let protocol = service_port
        .app_protocol
        .as_deref()
        .or(service_port.name.as_deref());
    Ok(Destination {
        host: full_name(&name),
        port,
        namespace: name.namespace,
        dns: addresses
            .iter()
            .any(|address| address.host.parse::<IpAddr>().is_err()),
        addresses,
        secure: speaks(protocol, &["https", "tls"]),
        http2: speaks(protocol, &["http2", "grpc", "kubernetes.io/h2c"]),
    })
}

/// The port of a Service that routes name by this number.
pub(super) fn numbered<'a>(
    service: &ObjectName,
    ports: &'a [ServicePort],
    number: u16,
) -> Result<&'a ServicePort, Fault> {
    let found = ports.iter().find(|port| port.port == i32::from(number));
    found.ok_or_else(|| {
        let known: Vec<_> = ports.iter().map(|port| port.port.to_string()).collect();
        let known = known.join(", ");
        let message = format!("Service {service} has no port {number}; it has {known}");
        Fault::new(Reason::TargetNotFound, message)
    })
}

/// An ExternalName Service is an alias (Istio since 1.21): what it names decides, where that is known. A name that
/// nobody else describes is asked of DNS.
fn external(
    service: &ObjectName,
    external_name: &str,
    port: u16,
    store: &Store<'_>,
) -> Result<Destination, Fault> {
    expect_external_name(service, external_name)?;
    if store
        .service_entries
        .values()
        .any(|entry| entry.spec.hosts.iter().any(|h| h == external_name))
    {
        return entry(external_name, port, store);
    }
    let spec = store.services.get(service).and_then(|s| s.spec.as_ref());
    let ports = spec
        .and_then(|spec| spec.ports.as_deref())
        .unwrap_or_default();
    let service_port = ports.iter().find(|p| p.port == i32::from(port));
    let protocol = service_port.and_then(|p| p.app_protocol.as_deref().or(p.name.as_deref()));
    let at = match service_port.and_then(|p| p.target_port.as_ref()) {
        Some(IntOrString::Int(number)) => u16::try_from(*number).unwrap_or(port),
        _ => port,
    };
    Ok(Destination {
        host: external_name.to_owned(),
        port,
        namespace: service.namespace.clone(),
        addresses: vec![Address {
            host: external_name.to_owned(),
            port: at,
        }],
        dns: external_name.parse::<IpAddr>().is_err(),
        secure: speaks(protocol, &["https", "tls"]),
        http2: speaks(protocol, &["http2", "grpc", "kubernetes.io/h2c"]),
    })
}

/// # Errors
/// Where `spec.externalName` is no host.
pub(super) fn expect_external_name(service: &ObjectName, name: &str) -> Result<(), Fault> {
    if is_precise(name) || name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let message = format!(
        "Service {service}: spec.externalName {name:?} must be a host name in lower case, without port"
    );
    Err(Fault::new(Reason::TargetUnsupported, message))
}

/// Whether a Service has a ready endpoint for its first port.
pub(super) fn has_ready_endpoint(name: &ObjectName, store: &Store<'_>) -> bool {
    let service = store.services.get(name);
    let spec = service.and_then(|service| service.spec.as_ref());
    let port = spec.and_then(|spec| spec.ports.as_ref()?.first());
    port.is_some_and(|port| !endpoints(name, port, store).is_empty())
}

/// The ready endpoints of a Service for one of its ports, in order.
fn endpoints(name: &ObjectName, port: &ServicePort, store: &Store<'_>) -> Vec<Address> {
    let belongs = |slice: &EndpointSlice| {
        let labels = slice.metadata.labels.as_ref();
        labels.and_then(|l| l.get("kubernetes.io/service-name")) == Some(&name.name)
    };
    let slices = store
        .endpoint_slices
        .iter()
        .filter(|(slice, object)| slice.namespace == name.namespace && belongs(object));
    let mut addresses = Vec::new();
    for (_, slice) in slices {
        let port_name = |name: &Option<String>| name.clone().unwrap_or_default();
        let ports = slice.ports.iter().flatten();
        let number = ports
            .filter(|p| port_name(&p.name) == port_name(&port.name))
            .find_map(|p| p.port);
        let Some(number) = number.and_then(|number| u16::try_from(number).ok()) else {
            continue;
        };
        let is_ready = |ready: Option<bool>| ready.unwrap_or(true);
        for endpoint in &slice.endpoints {
            if is_ready(
                endpoint
                    .conditions
                    .as_ref()
                    .and_then(|conditions| conditions.ready),
            ) {
                let hosts = endpoint.addresses.iter();
                addresses.extend(hosts.map(|host| Address {
                    host: host.clone(),
                    port: number,
                }));
            }
        }
    }
    addresses.sort_by(|a, b| (&a.host, a.port).cmp(&(&b.host, b.port)));
    addresses.dedup();
    addresses
}

/// The ServiceEntry of a host, and its port. Where several have the host, the first by name that has the port counts.
pub(super) fn entry_port<'a>(
    host: &str,
    port: u16,
    store: &Store<'a>,
) -> Result<(ObjectName, &'a ServiceEntry, &'a EntryPort), Fault> {
    let not_found = |message: String| Fault::new(Reason::TargetNotFound, message);
    let entries = store.service_entries.iter();
    let mut entries = entries.filter(|(_, e)| e.spec.hosts.iter().any(|h| h == host));
    let Some((name, first)) = entries.clone().next() else {
        return Err(not_found(format!(
            "no ServiceEntry has host {host}: add one"
        )));
    };
    let found = entries.find_map(|(name, entry)| {
        let entry: &'a ServiceEntry = entry;
        let mut ports = entry.spec.ports.iter();
        let port = ports.find(|p| p.number == port)?;
        Some((name.clone(), entry, port))
    });
    found.ok_or_else(|| {
        let ports = first.spec.ports.iter();
        let known: Vec<_> = ports.map(|p| p.number.to_string()).collect();
        let known = known.join(", ");
        not_found(format!(
            "ServiceEntry {name} has no port {port}; it has {known}"
        ))
    })
}

fn entry(host: &str, port: u16, store: &Store<'_>) -> Result<Destination, Fault> {
    let (name, entry, entry_port) = entry_port(host, port, store)?;
    let (addresses, dns) = entry_addresses(host, entry, entry_port).map_err(|message| {
        Fault::new(
            Reason::TargetUnsupported,
            format!("ServiceEntry {name}: {message}"),
        )
    })?;
    let protocol = entry_port.protocol.as_deref();
    Ok(Destination {
        host: host.to_owned(),
        port,
        namespace: name.namespace,
        addresses,
        dns,
        secure: speaks(protocol, &["https", "tls"]),
        http2: speaks(protocol, &["http2", "grpc"]),
    })
}

fn entry_addresses(
    host: &str,
    entry: &ServiceEntry,
    port: &EntryPort,
) -> Result<(Vec<Address>, bool), String> {
    let spec = &entry.spec;
    let dns = match spec.resolution {
        Resolution::Static => false,
        Resolution::Dns | Resolution::DnsRoundRobin => true,
        Resolution::None => {
            return Err(
                "resolution NONE leads nowhere for a route: use STATIC with endpoints, or DNS"
                    .to_owned(),
            );
        }
    };
    let usual = port.target_port.unwrap_or(port.number);
    if spec.endpoints.is_empty() {
        if !dns {
            return Err("resolution STATIC needs endpoints".to_owned());
        }
        if !is_precise(host) {
            return Err(format!(
                "DNS cannot be asked for host {host:?}: give endpoints"
            ));
        }
        let host = host.to_owned();
        return Ok((vec![Address { host, port: usual }], true));
    }
    let mut addresses = Vec::new();
    for endpoint in &spec.endpoints {
        let address = &endpoint.address;
        let is_address = address.parse::<IpAddr>().is_ok();
        if !(is_address || dns && is_precise(address)) {
            return Err(match dns {
                true => format!("endpoint {address:?} is neither an IP address nor a host name"),
                false => format!(
                    "endpoint {address:?} is not an IP address (for names, use resolution DNS)"
                ),
            });
        }
        let port = endpoint.ports.get(&port.name).copied().unwrap_or(usual);
        addresses.push(Address {
            host: endpoint.address.clone(),
            port,
        });
    }
    let dns = addresses
        .iter()
        .any(|address| address.host.parse::<IpAddr>().is_err());
    Ok((addresses, dns))
}

/// Whether a port's protocol, or name as `<protocol>-<anything>`, is one of these.
fn speaks(protocol: Option<&str>, any: &[&str]) -> bool {
    let protocol = protocol.unwrap_or_default().to_ascii_lowercase();
    let first = protocol.split('-').next().unwrap_or_default();
    any.iter()
        .any(|known| *known == protocol || *known == first)
}

//! The cluster that istiod makes of a backendRef. Its endpoints, and how connections are made, are istiod's work.

use gateway_api::httproutes::HttpRouteRulesBackendRefs;
use k8s_openapi::api::core::v1::Service;

use super::backend::{
    CLUSTER_DOMAIN, Referent, cluster_name, entry_port, expect_external_name, full_name, numbered,
    referent,
};
use super::store::Store;
use crate::network::Cluster;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// The cluster that a route's backendRef leads to. It has nothing but its name.
pub(super) fn cluster(
    route: &ObjectName,
    backend: &HttpRouteRulesBackendRefs,
    store: &Store<'_>,
) -> Result<Cluster, Fault> {
    let (referent, port) = referent(route, backend, store)?;
    let host = match referent {
        Referent::Host(host) => {
            expect_known(host, port, store)?;
            host.to_owned()
        }
        Referent::Service(name, service) => match external_name(service) {
            Some(host) => aliased(&name, host, port, store)?,
            None => {
                expect_port(&name, service, port)?;
                full_name(&name)
            }
        },
    };
    Ok(Cluster {
        name: cluster_name(port, &host),
        addresses: Vec::new(),
        socket: None,
        dns: false,
        tls: None,
        max_connections: None,
        max_pending_requests: None,
        max_requests: None,
        connect_timeout_ms: None,
        http2: false,
    })
}

/// An ExternalName Service is an alias (Istio since 1.21): it leads on only to a host that is known otherwise.
fn aliased(
    service: &ObjectName,
    host: &str,
    port: u16,
    store: &Store<'_>,
) -> Result<String, Fault> {
    expect_external_name(service, host)?;
    match expect_known(host, port, store) {
        Ok(()) => Ok(host.to_owned()),
        Err(_) => {
            let message = format!(
                "Service {service} is of type ExternalName, for Istio a mere alias of {host}, and nothing else has \
                 that host with port {port}: add a ServiceEntry that does"
            );
            Err(Fault::new(Reason::TargetUnsupported, message))
        }
    }
}

/// # Errors
/// Where neither a ServiceEntry nor a Service has host and port.
fn expect_known(host: &str, port: u16, store: &Store<'_>) -> Result<(), Fault> {
    let own = |service: &&Service| external_name(service).is_none();
    let named = named(host).and_then(|name| {
        let service = store.services.get(&name).copied().filter(own)?;
        Some((service, name))
    });
    match named {
        Some((service, name)) => expect_port(&name, service, port),
        None => entry_port(host, port, store).map(|_| ()),
    }
}

fn expect_port(name: &ObjectName, service: &Service, port: u16) -> Result<(), Fault> {
    let spec = service.spec.as_ref();
    let ports = spec.and_then(|spec| spec.ports.as_deref());
    numbered(name, ports.unwrap_or_default(), port).map(|_| ())
}

/// What a Service of type ExternalName names.
fn external_name(service: &Service) -> Option<&str> {
    let spec = service.spec.as_ref()?;
    let is_external = spec.type_.as_deref() == Some("ExternalName");
    is_external.then(|| spec.external_name.as_deref().unwrap_or_default())
}

/// The Service whose full name this would be.
fn named(host: &str) -> Option<ObjectName> {
    let host = host.strip_suffix(CLUSTER_DOMAIN)?.strip_suffix('.')?;
    let (name, namespace) = host.split_once('.')?;
    Some(ObjectName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

//! `mcp-streams` of a gateway of Istio: where it is, what leads there, and whether it can be used.

use std::collections::BTreeMap;

use gateway_api::gateways::Gateway;
use gateway_api::httproutes::HttpRoute;
use k8s_openapi::api::core::v1::Service;
use mcp_filter_config::{Streams, Upstream};

use super::acceptance::expect_accepted;
use super::attachment;
use super::backend::{cluster_name, full_name, has_ready_endpoint};
use super::clients::Clients;
use super::gateways::Extensions;
use super::store::Store;
use super::{Carrier, Settings};
use crate::api::{HttpRouteManagement, McpGatewayExtension};
use crate::labels::{INSTANCE, MANAGED_BY, PROGRAM};
use crate::object::ObjectName;
use crate::printable::printable;

/// The label of a Service of `mcp-streams`, `true`, which Kubernetes gives its EndpointSlices, too.
pub const STREAMS_LABEL: &str = "mcp.kuadrant.io/streams";

/// What the filter makes `:path`.
const PATH: &str = "/mcp-streams";

/// The first label of the host that leads to it.
const HOST: &str = "mcp-streams";

/// What is behind that where a listener takes any host; nobody's (ICANN, `.internal`).
const SUFFIX: &str = "internal";

/// What control can do about its way there only where it may.
const RIGHTS: &str = "control sees to it where the Role mcp-control-streams of its namespace lets it, which \
                      kubectl apply -k wasmplugin/streams makes";

/// What leads a gateway's requests to its `mcp-streams`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamsRoute {
    /// The hostname.
    pub host: String,
    /// The path.
    pub path: &'static str,
    /// A Service in the Gateway's namespace.
    pub service: String,
    /// Its port.
    pub port: u16,
}

impl StreamsRoute {
    /// What the filter has to know.
    fn streams(&self, gateway: &ObjectName) -> Streams {
        let service = full_name(&ObjectName {
            namespace: gateway.namespace.clone(),
            name: self.service.clone(),
        });
        Streams {
            host: self.host.clone(),
            path: self.path.to_owned(),
            upstream: Upstream {
                cluster: cluster_name(self.port, &service),
                authority: self.host.clone(),
                path: self.path.to_owned(),
            },
        }
    }
}

/// The name of the HTTPRoute that control makes for it.
pub fn streams_route_name(gateway: &ObjectName) -> ObjectName {
    ObjectName {
        namespace: gateway.namespace.clone(),
        name: format!("mcp-streams-{}", gateway.name),
    }
}

/// Whether an extension wants its gateway's streams served.
pub(super) fn is_wanted(extension: &McpGatewayExtension) -> bool {
    extension.spec.http_route_management == Some(HttpRouteManagement::Enabled)
}

/// What shall lead the only gateway that counts to its `mcp-streams`, where one of its extensions wants that.
pub(super) fn route(
    extensions: &Extensions,
    store: &Store<'_>,
    settings: &Settings,
) -> Option<StreamsRoute> {
    let gateway = settings.gateway.as_ref()?;
    let mut accepted = extensions.verdicts.iter().filter(|v| v.outcome.is_ok());
    let is_wanted = accepted.any(|v| store.extensions.get(&v.name).is_some_and(|e| is_wanted(e)));
    is_wanted.then_some(())?;
    way(gateway, extensions, (store, settings)).ok()
}

/// Why an extension's wish has no effect.
pub(super) fn lack(
    gateway: &ObjectName,
    extensions: &Extensions,
    (store, settings): (&Store<'_>, &Settings),
) -> Option<String> {
    if settings.carrier == Carrier::Own {
        return Some("here `mcp-control local --streams` does it".to_owned());
    }
    match way(gateway, extensions, (store, settings)) {
        Ok(route) => gap(&route, gateway, store),
        Err(lack) => Some(lack),
    }
}

/// What the filter has to know, once requests that it sends there arrive: somebody is there, and the gateway's controller
/// has taken the route.
pub(super) fn streams(
    route: &StreamsRoute,
    store: &Store<'_>,
    settings: &Settings,
) -> Option<Streams> {
    let gateway = settings.gateway.as_ref()?;
    let is_usable = gap(route, gateway, store).is_none();
    is_usable.then(|| route.streams(gateway))
}

/// What shall lead a gateway's requests to its `mcp-streams`.
///
/// # Errors
/// What it takes that is not there.
fn way(
    gateway: &ObjectName,
    extensions: &Extensions,
    (store, settings): (&Store<'_>, &Settings),
) -> Result<StreamsRoute, String> {
    let (service, port) = service(gateway, store).ok_or_else(|| {
        format!(
            "no Service in namespace {} with a port has the labels {STREAMS_LABEL}=true and {INSTANCE}={}",
            gateway.namespace, gateway.name
        )
    })?;
    let host = host(gateway, extensions, store, settings).ok_or_else(|| {
        format!(
            "no listener of Gateway {gateway} to whose routes clients are led takes another host: add one with a hostname \
             such as *.mcp.local at the same port"
        )
    })?;
    Ok(StreamsRoute {
        host,
        path: PATH,
        service,
        port,
    })
}

/// Why requests do not arrive that the filter would send this way.
fn gap(route: &StreamsRoute, gateway: &ObjectName, store: &Store<'_>) -> Option<String> {
    if let Some(name) = taken_by(gateway, &route.host, store) {
        return Some(format!(
            "HTTPRoute {name} has the host of mcp-streams, and could take what clients send there: give it another one"
        ));
    }
    let name = streams_route_name(gateway);
    let Some(there) = store.routes.get(&name) else {
        return Some(format!("there is no HTTPRoute {name} yet: {RIGHTS}"));
    };
    if let Err(lack) = expect_leading(there, &name, route) {
        return Some(lack);
    }
    let service = ObjectName {
        namespace: gateway.namespace.clone(),
        name: route.service.clone(),
    };
    let is_there = has_ready_endpoint(&service, store);
    (!is_there).then(|| {
        format!("no endpoint of Service {service} is ready, or control cannot see them: {RIGHTS}")
    })
}

/// # Errors
/// Why an HTTPRoute is not accepted as one from the host to the Service. Whatever else it says, control mends.
fn expect_leading(
    there: &HttpRoute,
    name: &ObjectName,
    route: &StreamsRoute,
) -> Result<(), String> {
    let hostnames = there.spec.hostnames.iter().flatten();
    let backends = there.spec.rules.iter().flatten();
    let mut backends = backends.flat_map(|rule| rule.backend_refs.iter().flatten());
    if !hostnames.eq([&route.host]) || !backends.any(|backend| backend.name == route.service) {
        let labels = there.metadata.labels.as_ref();
        return Err(match labels.and_then(|labels| labels.get(MANAGED_BY)) {
            Some(program) if program == PROGRAM => {
                format!("HTTPRoute {name} leads elsewhere: {RIGHTS}")
            }
            _ => format!(
                "HTTPRoute {name} is not control's own, whose name it has: give it another one"
            ),
        });
    }
    let parents = there.spec.parent_refs.iter().flatten();
    let mut refusals = Vec::new();
    for parent in parents {
        match expect_accepted(name, there, parent) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusals.push(printable(&refusal)),
        }
    }
    Err(format!("HTTPRoute {name}: {}", refusals.join("; ")))
}

/// Another HTTPRoute of the gateway with this host. What it matches closer would get what clients show to all servers.
fn taken_by(gateway: &ObjectName, host: &str, store: &Store<'_>) -> Option<ObjectName> {
    let own = streams_route_name(gateway);
    let object: &Gateway = store.gateways.get(gateway)?;
    let is_of = |name: &ObjectName, route: &HttpRoute| {
        let mut listeners = object.spec.listeners.iter();
        if !listeners.any(|listener| attachment::allows(listener, gateway, name, store)) {
            return false;
        }
        let mut parents = route.spec.parent_refs.iter().flatten();
        parents.any(|parent| {
            let namespace = parent.namespace.as_ref().unwrap_or(&name.namespace);
            parent.name == gateway.name && *namespace == gateway.namespace
        })
    };
    let has_host = |route: &HttpRoute| {
        let mut hostnames = route.spec.hostnames.iter().flatten();
        hostnames.any(|hostname| hostname.eq_ignore_ascii_case(host))
    };
    let mut routes = store.routes.iter();
    let taken = routes.find(|(name, route)| **name != own && has_host(route) && is_of(name, route));
    taken.map(|(name, _)| name.clone())
}

/// The Service of a gateway's `mcp-streams` and its first port; of several the first by name.
fn service(gateway: &ObjectName, store: &Store<'_>) -> Option<(String, u16)> {
    let near = store.services.iter();
    let mut near = near
        .filter(|(name, service)| name.namespace == gateway.namespace && is_of(service, gateway));
    near.find_map(|(name, service)| {
        let port = service.spec.as_ref()?.ports.as_ref()?.first()?.port;
        Some((name.name.clone(), u16::try_from(port).ok()?))
    })
}

fn is_of(service: &Service, gateway: &ObjectName) -> bool {
    let labels = service.metadata.labels.as_ref();
    let has = |labels: &BTreeMap<String, String>, label: &str, value: &str| {
        labels.get(label).is_some_and(|own| own == value)
    };
    labels.is_some_and(|labels| {
        has(labels, STREAMS_LABEL, "true") && has(labels, INSTANCE, &gateway.name)
    })
}

/// A host that none of the gateway's clients is to ask for, and that a listener takes to whose routes they are led.
fn host(
    gateway: &ObjectName,
    extensions: &Extensions,
    store: &Store<'_>,
    settings: &Settings,
) -> Option<String> {
    let object: &Gateway = store.gateways.get(gateway)?;
    let clients = Clients::of(gateway, extensions, (store, settings));
    let own = streams_route_name(gateway);
    let listeners = object.spec.listeners.iter().filter(|listener| {
        clients.expect_led_to(listener).is_ok()
            && attachment::allows(listener, gateway, &own, store)
    });
    let hostnames = listeners.map(|listener| listener.hostname.as_deref().unwrap_or_default());
    let mut suffixes = hostnames.filter_map(|hostname| match hostname {
        "" => Some(SUFFIX),
        hostname => hostname.strip_prefix("*."),
    });
    let public = extensions.hosts.get(gateway);
    let is_public = |host: &String| public.is_some_and(|public| public.contains(host));
    suffixes.find_map(|suffix| Some(format!("{HOST}.{suffix}")).filter(|host| !is_public(host)))
}

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
use crate::labels::INSTANCE;
use crate::object::ObjectName;

/// The label of a Service of `mcp-streams`, `true`, which Kubernetes gives its EndpointSlices, too.
pub const STREAMS_LABEL: &str = "mcp.kuadrant.io/streams";

/// What the filter makes `:path`.
const PATH: &str = "/mcp-streams";

/// The first label of the host that leads to it.
const HOST: &str = "mcp-streams";

/// What is behind that where a listener takes any host; nobody's (ICANN, `.internal`).
const SUFFIX: &str = "internal";

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
    let (service, port) = service(gateway, store)?;
    Some(StreamsRoute {
        host: host(gateway, extensions, store, settings)?,
        path: PATH,
        service,
        port,
    })
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
    if service(gateway, store).is_none() {
        return Some(format!(
            "no Service in namespace {} with a port has the labels {STREAMS_LABEL}=true and {INSTANCE}={}",
            gateway.namespace, gateway.name
        ));
    }
    let host = host(gateway, extensions, store, settings);
    if let Some(name) = host.and_then(|host| taken_by(gateway, &host, store)) {
        return Some(format!(
            "HTTPRoute {name} has the host of mcp-streams, and could take what clients send there: give it another one"
        ));
    }
    let is_led = self::host(gateway, extensions, store, settings).is_some();
    (!is_led).then(|| {
        format!(
            "no listener of Gateway {gateway} to whose routes clients are led takes another host: add one with a hostname \
             such as *.mcp.local at the same port"
        )
    })
}

/// What the filter has to know, once requests that it sends there arrive: somebody is there, and the gateway's controller
/// has taken the route.
pub(super) fn streams(
    route: &StreamsRoute,
    store: &Store<'_>,
    settings: &Settings,
) -> Option<Streams> {
    let gateway = settings.gateway.as_ref()?;
    let service = ObjectName {
        namespace: gateway.namespace.clone(),
        name: route.service.clone(),
    };
    let name = streams_route_name(gateway);
    let there = *store.routes.get(&name)?;
    let is_usable = leads(there, &name, route)
        && taken_by(gateway, &route.host, store).is_none()
        && has_ready_endpoint(&service, store);
    is_usable.then(|| route.streams(gateway))
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

/// Whether an HTTPRoute is accepted as one from the host to the Service. Whatever else it says, control mends.
fn leads(there: &HttpRoute, name: &ObjectName, route: &StreamsRoute) -> bool {
    let hostnames = there.spec.hostnames.iter().flatten();
    let backends = there.spec.rules.iter().flatten();
    let mut backends = backends.flat_map(|rule| rule.backend_refs.iter().flatten());
    let mut parents = there.spec.parent_refs.iter().flatten();
    hostnames.eq([&route.host])
        && backends.any(|backend| backend.name == route.service)
        && parents.any(|parent| expect_accepted(name, there, parent).is_ok())
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

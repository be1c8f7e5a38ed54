//! To which gateways a route is attached, as the Gateway API decides it.

use std::collections::{BTreeMap, BTreeSet};

use gateway_api::gateways::{
    Gateway, GatewayListeners, GatewayListenersAllowedRoutesNamespacesFrom as From,
    GatewayListenersAllowedRoutesNamespacesSelector as Selector,
};
use gateway_api::httproutes::{HttpRoute, HttpRouteParentRefs};

use super::acceptance::expect_accepted;
use super::clients::Clients;
use super::gateways::Extensions;
use super::hostname::intersects;
use super::store::Store;
use super::{Carrier, Settings};
use crate::manifests::Kind;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const GROUP: &str = "gateway.networking.k8s.io";

/// Where a route is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attached {
    /// Its gateways, in the order of their names.
    pub(super) gateways: Vec<ObjectName>,
    /// The listeners there that take it.
    pub(super) listeners: BTreeSet<(ObjectName, String)>,
    /// Those of its hostnames that a listener takes, in the route's order.
    pub(super) hostnames: Vec<String>,
}

/// A hostname of a route that a listener takes.
#[derive(Debug)]
struct Taken {
    listener: String,
    hostname: String,
}

/// Finds the listeners that take the route, of gateways that count. Where `extensions` name listeners of one, those to
/// whose routes clients of these are led.
pub(super) fn attach(
    (name, route): (&ObjectName, &HttpRoute),
    extensions: &Extensions,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<Attached, Fault> {
    let hostnames = route.spec.hostnames.as_deref().unwrap_or_default();
    let parents = route.spec.parent_refs.as_deref().unwrap_or_default();
    let mut found = Attached::default();
    let mut reasons = Vec::new();
    for parent in parents {
        let gateway = gateway_of(name, parent);
        if !settings.counts(&gateway) {
            continue;
        }
        let clients = Clients::of(&gateway, extensions, (store, settings));
        let taken = attach_to((name, hostnames), (parent, &gateway), &clients, store);
        match taken.and_then(|taken| accepted(taken, (name, route), parent, settings)) {
            Ok(taken) => {
                for Taken { listener, hostname } in taken {
                    found.listeners.insert((gateway.clone(), listener));
                    found.hostnames.push(hostname);
                }
                found.gateways.push(gateway);
            }
            Err(reason) => reasons.push(reason),
        }
    }
    if found.gateways.is_empty() {
        if parents.is_empty() {
            reasons.push("it has no parentRefs: name a Gateway there".to_owned());
        }
        let message = format!(
            "HTTPRoute {name} is attached to no gateway: {}",
            reasons.join("; ")
        );
        return Err(Fault::new(Reason::NotAttached, message));
    }
    found.gateways.sort();
    found.gateways.dedup();
    let taken = std::mem::take(&mut found.hostnames);
    found.hostnames = hostnames
        .iter()
        .filter(|h| taken.contains(h))
        .cloned()
        .collect();
    Ok(found)
}

/// The gateways that a route asks for, one of whose listeners is open to the route's namespace, whatever keeps it from
/// being attached.
pub(super) fn asked(
    name: &ObjectName,
    route: &HttpRoute,
    store: &Store<'_>,
) -> impl Iterator<Item = ObjectName> {
    let parents = route.spec.parent_refs.iter().flatten();
    let gateways = parents.filter(|parent| is_gateway(parent));
    let gateways = gateways.map(|parent| gateway_of(name, parent));
    gateways.filter(|gateway| {
        let is_open = |object: &&Gateway| {
            let mut listeners = object.spec.listeners.iter();
            listeners.any(|listener| allows(listener, gateway, name, store))
        };
        // What cannot be read may be open.
        store.gateways.get(gateway).is_none_or(is_open)
    })
}

/// The hosts under which gateways that count send clients to an accepted route: its hostnames, or those of listeners that
/// are more precise. None for a listener without hostname of a route without, which takes what is left.
pub(super) fn hosts(
    name: &ObjectName,
    route: &HttpRoute,
    store: &Store<'_>,
    settings: &Settings,
) -> Vec<String> {
    let parents = route.spec.parent_refs.iter().flatten();
    let parents = parents.filter(|parent| is_gateway(parent));
    let listeners = parents.flat_map(|parent| {
        let gateway = gateway_of(name, parent);
        let is_accepted = accepted(Vec::new(), (name, route), parent, settings).is_ok();
        let object = store.gateways.get(&gateway);
        let object = object.filter(|_| is_accepted && settings.counts(&gateway));
        let listeners = object
            .into_iter()
            .flat_map(|object| asked_for(object, parent));
        listeners.filter(move |listener| allows(listener, &gateway, name, store))
    });
    let hostnames = route.spec.hostnames.as_deref().unwrap_or_default();
    listeners
        .flat_map(|listener| common(listener.hostname.as_deref(), hostnames))
        .collect()
}

fn common(listener: Option<&str>, hostnames: &[String]) -> Vec<String> {
    let listener = listener.filter(|listener| !listener.is_empty());
    if hostnames.is_empty() {
        return listener.map(str::to_owned).into_iter().collect();
    }
    let taken = hostnames.iter().filter(|h| intersects(listener, h));
    let narrower = taken.map(|hostname| match listener {
        Some(listener) if listener.len() > hostname.len() => listener.to_owned(),
        _ => hostname.clone(),
    });
    narrower.collect()
}

/// Of Istio's gateways it is istiod that says what is attached.
fn accepted(
    taken: Vec<Taken>,
    (name, route): (&ObjectName, &HttpRoute),
    parent: &HttpRouteParentRefs,
    settings: &Settings,
) -> Result<Vec<Taken>, String> {
    if settings.carrier == Carrier::Istio {
        let gateway = gateway_of(name, parent);
        expect_accepted(name, route, parent)
            .map_err(|reason| format!("Gateway {gateway}: {reason}"))?;
    }
    Ok(taken)
}

fn gateway_of(route: &ObjectName, parent: &HttpRouteParentRefs) -> ObjectName {
    let namespace = parent.namespace.as_ref().unwrap_or(&route.namespace);
    ObjectName {
        namespace: namespace.clone(),
        name: parent.name.clone(),
    }
}

fn is_gateway(parent: &HttpRouteParentRefs) -> bool {
    let group = parent.group.as_deref().unwrap_or(GROUP);
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    (group, kind) == (GROUP, "Gateway")
}

fn attach_to(
    (route, hostnames): (&ObjectName, &[String]),
    (parent, name): (&HttpRouteParentRefs, &ObjectName),
    clients: &Clients<'_>,
    store: &Store<'_>,
) -> Result<Vec<Taken>, String> {
    if !is_gateway(parent) {
        let kind = parent.kind.as_deref().unwrap_or("Gateway");
        return Err(format!(
            "parentRef {} is a {kind}, not a Gateway",
            parent.name
        ));
    }
    let gateway = store.gateways.get(name).ok_or_else(|| {
        let lack = store.lack(Kind::Gateway, name);
        format!("Gateway {name} {lack}, or correct the parentRef")
    })?;
    let mut taken = Vec::new();
    let mut reasons = Vec::new();
    for listener in asked_for(gateway, parent) {
        let hostnames = takes(listener, name, (route, hostnames), store);
        match hostnames.and_then(|taken| clients.expect_led_to(listener).map(|()| taken)) {
            Ok(hostnames) => taken.extend(hostnames.into_iter().map(|hostname| Taken {
                listener: listener.name.clone(),
                hostname,
            })),
            Err(reason) => reasons.push(format!("listener {}: {reason}", listener.name)),
        }
    }
    if taken.is_empty() {
        if reasons.is_empty() {
            let listeners = gateway.spec.listeners.iter();
            let known: Vec<_> = listeners.map(|listener| listener.name.as_str()).collect();
            let known = known.join(", ");
            reasons.push(format!(
                "it has no listener of the parentRef's sectionName and port: correct the parentRef; the listeners are \
                 {known}"
            ));
        }
        return Err(format!("Gateway {name}: {}", reasons.join(", ")));
    }
    Ok(taken)
}

fn asked_for<'a>(
    gateway: &'a Gateway,
    parent: &'a HttpRouteParentRefs,
) -> impl Iterator<Item = &'a GatewayListeners> {
    gateway.spec.listeners.iter().filter(|listener| {
        parent
            .section_name
            .as_ref()
            .is_none_or(|section| *section == listener.name)
            && parent.port.is_none_or(|port| port == listener.port)
    })
}

fn takes(
    listener: &GatewayListeners,
    gateway: &ObjectName,
    (route, hostnames): (&ObjectName, &[String]),
    store: &Store<'_>,
) -> Result<Vec<String>, String> {
    if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
        return Err(format!("its protocol is {}", listener.protocol));
    }
    let allowed = listener.allowed_routes.as_ref();
    let kinds = allowed
        .and_then(|allowed| allowed.kinds.as_deref())
        .unwrap_or_default();
    let is_route =
        |group: Option<&str>, kind: &str| group.unwrap_or(GROUP) == GROUP && kind == "HTTPRoute";
    if !kinds.is_empty() && !kinds.iter().any(|k| is_route(k.group.as_deref(), &k.kind)) {
        return Err("its allowedRoutes.kinds has no HTTPRoute".to_owned());
    }
    if !allows(listener, gateway, route, store) {
        let namespace = &route.namespace;
        return Err(format!(
            "its allowedRoutes.namespaces does not take namespace {namespace}"
        ));
    }
    let taken = hostnames
        .iter()
        .filter(|h| intersects(listener.hostname.as_deref(), h));
    let taken: Vec<_> = taken.cloned().collect();
    if taken.is_empty() {
        let own = listener.hostname.as_deref().unwrap_or("*");
        let theirs = hostnames.join(", ");
        return Err(format!(
            "its hostname {own} takes none of the route's ({theirs})"
        ));
    }
    Ok(taken)
}

/// Whether routes of the route's namespace may be attached.
pub(super) fn allows(
    listener: &GatewayListeners,
    gateway: &ObjectName,
    route: &ObjectName,
    store: &Store<'_>,
) -> bool {
    let allowed = listener.allowed_routes.as_ref();
    let namespaces = allowed.and_then(|allowed| allowed.namespaces.as_ref());
    let selector = namespaces.and_then(|namespaces| namespaces.selector.as_ref());
    match namespaces.and_then(|namespaces| namespaces.from.as_ref()) {
        Some(From::All) => true,
        Some(From::Selector) => {
            selector.is_some_and(|s| selects(s, &labels(store, &route.namespace)))
        }
        Some(From::Same) | None => route.namespace == gateway.namespace,
    }
}

/// A namespace's labels; its name is one, also where no manifest says so.
fn labels(store: &Store<'_>, namespace: &str) -> BTreeMap<String, String> {
    let key = ObjectName {
        namespace: String::new(),
        name: namespace.to_owned(),
    };
    let object = store.namespaces.get(&key);
    let mut labels = object
        .and_then(|o| o.metadata.labels.clone())
        .unwrap_or_default();
    labels.insert(
        "kubernetes.io/metadata.name".to_owned(),
        namespace.to_owned(),
    );
    labels
}

fn selects(selector: &Selector, labels: &BTreeMap<String, String>) -> bool {
    let wanted = selector.match_labels.iter().flatten();
    wanted
        .into_iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && selector
            .match_expressions
            .iter()
            .flatten()
            .all(|expression| {
                let value = labels.get(&expression.key);
                let listed =
                    value.is_some_and(|v| expression.values.iter().flatten().any(|w| w == v));
                match expression.operator.as_str() {
                    "In" => listed,
                    "NotIn" => !listed,
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
}

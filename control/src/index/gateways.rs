//! Which gateways serve MCP, and under which hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use gateway_api::gateways::{Gateway, GatewayListeners};

use super::address::expect_private_host;
use super::grant::{self, GroupKind};
use super::hostname::{is_hostname, is_precise};
use super::store::Store;
use super::{Carrier, ExtensionVerdict, Notice, Settings, endpoints, streams};
use crate::api::{McpGatewayExtension, McpGatewayExtensionSpec, UrlElicitation};
use crate::manifests::Kind;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const EXTENSION: GroupKind = GroupKind("mcp.kuadrant.io", "MCPGatewayExtension");
const GATEWAY: GroupKind = GroupKind("gateway.networking.k8s.io", "Gateway");

/// What MCPGatewayExtensions make of the gateways that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// Gateways that serve, each with its public hosts.
    pub(super) hosts: BTreeMap<ObjectName, Vec<String>>,
    /// The names of their listeners at which clients connect.
    pub(super) listeners: BTreeMap<ObjectName, BTreeSet<String>>,
    /// The same listeners, those of the oldest extensions first.
    pub(super) served: Vec<PublicListener>,
    /// Oldest first.
    pub(super) verdicts: Vec<ExtensionVerdict>,
}

/// A listener at which MCP clients connect.
#[derive(Clone, Debug)]
pub(super) struct PublicListener {
    pub(super) gateway: ObjectName,
    /// Its name; absent where the Gateway is not known.
    pub(super) name: Option<String>,
    /// The hosts that clients ask for.
    pub(super) hosts: Vec<String>,
    /// The MCPGatewayExtension that makes it serve. Registrations of the older generation need none.
    pub(super) extension: Option<ObjectName>,
}

impl Extensions {
    /// What people are told.
    pub(super) fn notices(&self) -> impl Iterator<Item = Notice> {
        self.verdicts.iter().filter_map(|verdict| {
            let fault = match &verdict.outcome {
                Err(fault) => fault.clone(),
                Ok(_) if verdict.unsupported.is_empty() => return None,
                Ok(_) => {
                    let message =
                        format!("without effect here: {}", verdict.unsupported.join(", "));
                    Fault::new(Reason::Unsupported, message)
                }
            };
            Some(Notice {
                kind: EXTENSION.1,
                name: verdict.name.clone(),
                accepted: verdict.outcome.is_ok(),
                fault,
            })
        })
    }
}

/// Reads the extensions. One per listener; the oldest counts.
pub(super) fn extensions(store: &Store<'_>, settings: &Settings) -> Extensions {
    let counting = store.extensions.iter();
    let counting = counting.filter(|(name, e)| settings.counts(&gateway_of(name, e)));
    let mut by_age: Vec<_> = counting.collect();
    by_age.sort_by_key(|(name, e)| (e.metadata.creation_timestamp.as_ref().map(|t| t.0), *name));
    let mut found = Extensions::default();
    let mut holders = BTreeMap::new();
    for (name, extension) in by_age {
        let served = serve(name, extension, store, settings).and_then(|hosts| {
            take(name, extension, &mut holders)?;
            Ok(hosts)
        });
        let gateway = gateway_of(name, extension);
        let outcome = served.map(|hosts| {
            let known = found.hosts.entry(gateway.clone()).or_default();
            known.extend(hosts.iter().cloned());
            let listener = &extension.spec.target_ref.section_name;
            let listeners = found.listeners.entry(gateway.clone()).or_default();
            listeners.insert(listener.clone());
            found.served.push(PublicListener {
                gateway: gateway.clone(),
                name: Some(listener.clone()),
                hosts,
                extension: Some(name.clone()),
            });
            gateway
        });
        found.verdicts.push(ExtensionVerdict {
            name: name.clone(),
            generation: extension.metadata.generation,
            outcome,
            unsupported: unsupported(&extension.spec, settings),
        });
    }
    tell_streams(&mut found, store, settings);
    found
}

/// Says of each extension that wants streams why there are none; once it is known where clients connect.
fn tell_streams(found: &mut Extensions, store: &Store<'_>, settings: &Settings) {
    let lacks = found.verdicts.iter().map(|verdict| {
        let extension = store.extensions.get(&verdict.name);
        extension.filter(|extension| streams::is_wanted(extension))?;
        let gateway = verdict.outcome.as_ref().ok()?;
        streams::lack(gateway, found, (store, settings))
    });
    let lacks: Vec<_> = lacks.collect();
    for (verdict, lack) in found.verdicts.iter_mut().zip(lacks) {
        let untold = lack.map(|lack| format!("spec.httpRouteManagement ({lack})"));
        verdict.unsupported.extend(untold);
    }
}

fn gateway_of(name: &ObjectName, extension: &McpGatewayExtension) -> ObjectName {
    let target = &extension.spec.target_ref;
    let namespace = target.namespace.as_ref().unwrap_or(&name.namespace);
    ObjectName {
        namespace: namespace.clone(),
        name: target.name.clone(),
    }
}

/// Each listener has one extension.
fn take(
    name: &ObjectName,
    extension: &McpGatewayExtension,
    holders: &mut BTreeMap<(ObjectName, String), ObjectName>,
) -> Result<(), Fault> {
    let section = &extension.spec.target_ref.section_name;
    let gateway = gateway_of(name, extension);
    let older = holders
        .entry((gateway.clone(), section.clone()))
        .or_insert_with(|| name.clone());
    if older == name {
        return Ok(());
    }
    let message = format!(
        "MCPGatewayExtension {older} has listener {section} of Gateway {gateway}, and is older: take one of them out"
    );
    Err(Fault::new(Reason::ListenerConflict, message))
}

fn serve(
    name: &ObjectName,
    extension: &McpGatewayExtension,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<Vec<String>, Fault> {
    let target = &extension.spec.target_ref;
    if (target.group.as_str(), target.kind.as_str()) != (GATEWAY.0, GATEWAY.1) {
        let message = format!("spec.targetRef must be a Gateway, not {}", target.kind);
        return Err(Fault::new(Reason::TargetUnsupported, message));
    }
    let gateway = gateway_of(name, extension);
    let (from, to) = ((EXTENSION, name.namespace.as_str()), (GATEWAY, &gateway));
    if !grant::is_granted(store, from, to) {
        return Err(grant::missing(Reason::TargetNotFound, from, to));
    }
    let Some(object) = store.gateways.get(&gateway) else {
        let lack = store.lack(Kind::Gateway, &gateway);
        let message = format!("Gateway {gateway} {lack}, or correct spec.targetRef");
        return Err(Fault::new(Reason::TargetNotFound, message));
    };
    let listener = listener(&gateway, object, &target.section_name)?;
    if let (Carrier::Istio, Some(host)) = (settings.carrier, &extension.spec.private_host) {
        expect_private_host(host)?;
    }
    if let Some(host) = &extension.spec.public_host {
        return Ok(vec![public_host(host)?]);
    }
    listener_hosts(listener, &gateway, settings)
}

/// The listener of this name.
pub(super) fn listener<'a>(
    name: &ObjectName,
    gateway: &'a Gateway,
    section: &str,
) -> Result<&'a GatewayListeners, Fault> {
    let mut listeners = gateway.spec.listeners.iter();
    listeners.find(|l| l.name == section).ok_or_else(|| {
        let listeners = gateway.spec.listeners.iter();
        let known: Vec<_> = listeners.map(|l| l.name.as_str()).collect();
        let known = known.join(", ");
        let message = format!("Gateway {name} has no listener {section}; it has {known}");
        Fault::new(Reason::TargetNotFound, message)
    })
}

/// Whether an extension of `namespace` may make `gateway` serve.
pub(super) fn may_extend(namespace: &str, gateway: &ObjectName, store: &Store<'_>) -> bool {
    grant::is_granted(store, (EXTENSION, namespace), (GATEWAY, gateway))
}

/// The hosts of a listener whose extension names none.
fn listener_hosts(
    listener: &GatewayListeners,
    gateway: &ObjectName,
    settings: &Settings,
) -> Result<Vec<String>, Fault> {
    let hostname = listener.hostname.as_deref();
    let hostname = hostname.filter(|hostname| !hostname.is_empty());
    let invalid = |message: String| Err(Fault::new(Reason::Invalid, message));
    match hostname {
        Some(hostname) if !is_hostname(hostname) => invalid(format!(
            "hostname {hostname:?} of listener {} of Gateway {gateway} is no host name in lower case: \
             correct it, or give spec.publicHost",
            listener.name
        )),
        None if settings.carrier == Carrier::Istio => invalid(format!(
            "listener {} of Gateway {gateway} has no hostname, so the host of the MCP endpoint is not known: \
             give spec.publicHost",
            listener.name
        )),
        _ => Ok(default_hosts(hostname, settings)),
    }
}

/// A name as it is, an address in its usual spelling.
fn public_host(host: &str) -> Result<String, Fault> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) if is_precise(host) => Ok(host.to_owned()),
        Err(_) => {
            let message = format!(
                "spec.publicHost {host:?} must be a host name in lower case, without scheme and port"
            );
            Err(Fault::new(Reason::Invalid, message))
        }
    }
}

/// Hosts of a listener for which nobody named one.
fn default_hosts(listener: Option<&str>, settings: &Settings) -> Vec<String> {
    let own = listener
        .filter(|hostname| is_hostname(hostname))
        .map(|hostname| {
            hostname
                .strip_prefix("*.")
                .map_or(hostname.to_owned(), |suffix| format!("mcp.{suffix}"))
        });
    own.into_iter()
        .chain(settings.default_hosts.iter().cloned())
        .collect()
}

/// The listener of a gateway for which no extension names one: `mcp`, or the first.
pub(super) fn usual_listener(gateway: &Gateway) -> Option<&GatewayListeners> {
    let listeners = &gateway.spec.listeners;
    let named = listeners.iter().find(|l| l.name == "mcp");
    named.or(listeners.first())
}

/// The listener at which clients of the older generation's registrations connect, which had no extensions.
pub(super) fn listener_without_extension(
    gateway: &ObjectName,
    store: &Store<'_>,
    settings: &Settings,
) -> PublicListener {
    let listener = store.gateways.get(gateway).and_then(|g| usual_listener(g));
    PublicListener {
        gateway: gateway.clone(),
        name: listener.map(|listener| listener.name.clone()),
        hosts: hosts_without_extension(gateway, store, settings),
        extension: None,
    }
}

/// Hosts of a gateway that is served for the older generation's sake.
pub(super) fn hosts_without_extension(
    gateway: &ObjectName,
    store: &Store<'_>,
    settings: &Settings,
) -> Vec<String> {
    let listener = store.gateways.get(gateway).and_then(|g| usual_listener(g));
    default_hosts(listener.and_then(|l| l.hostname.as_deref()), settings)
}

/// What to do where a registration's gateways have no extension.
pub(super) fn missing(gateways: &[ObjectName], store: &Store<'_>, settings: &Settings) -> Fault {
    let gateway = gateways.first().cloned();
    let gateway = gateway.unwrap_or(ObjectName {
        namespace: String::new(),
        name: String::new(),
    });
    let listener = store.gateways.get(&gateway).and_then(|g| usual_listener(g));
    let needs_host = settings.carrier == Carrier::Istio
        && listener.is_some_and(|listener| listener_hosts(listener, &gateway, settings).is_err());
    let listener = listener.map_or("mcp", |l| l.name.as_str());
    let apply = match needs_host {
        true => "apply this, with the host that clients ask for",
        false => "apply",
    };
    let sentence = format!(
        "no MCPGatewayExtension makes a listener of Gateway {gateway} an MCP endpoint. For listener {listener}, {apply}:"
    );
    let ObjectName { namespace, name } = &gateway;
    let mut manifest = vec![
        "apiVersion: mcp.kuadrant.io/v1".to_owned(),
        "kind: MCPGatewayExtension".to_owned(),
        "metadata:".to_owned(),
        format!("  name: {name}"),
        format!("  namespace: {namespace}"),
        "spec:".to_owned(),
        "  targetRef:".to_owned(),
        format!("    name: {name}"),
        format!("    sectionName: {listener}"),
    ];
    if needs_host {
        manifest.push("  publicHost: mcp.example.com".to_owned());
    }
    Fault::new(Reason::NoGatewayExtension, sentence).with_manifest(&manifest)
}

fn unsupported(spec: &McpGatewayExtensionSpec, settings: &Settings) -> Vec<String> {
    let is_own = settings.carrier == Carrier::Own;
    let fields = [
        ("spec.privateHost", is_own && spec.private_host.is_some()),
        (
            "spec.backendPingIntervalSeconds",
            spec.backend_ping_interval_seconds != 60,
        ),
        ("spec.trustedHeadersKey", spec.trusted_headers_key.is_some()),
        ("spec.logLevel", spec.log_level.is_some()),
        ("spec.sessionStore", spec.session_store.is_some()),
        (
            "spec.urlElicitation",
            spec.url_elicitation == Some(UrlElicitation::Enabled),
        ),
        (
            "spec.caCertBundleRef",
            !is_own && spec.ca_cert_bundle_ref.is_some(),
        ),
        (
            "spec.caCertBundleRef (for servers; issuers of tokens are checked by it)",
            is_own && spec.ca_cert_bundle_ref.is_some(),
        ),
        ("spec.maxBodyBytes", spec.max_body_bytes.is_some()),
    ];
    let told = spec.oauth_protected_resource.as_ref();
    let untold = told.and_then(|told| endpoints::expect_told(told).err());
    let untold = untold.map(|reason| format!("spec.oauthProtectedResource ({reason})"));
    let fields = fields.iter().filter(|(_, is_set)| *is_set);
    let fields = fields.map(|(field, _)| (*field).to_owned());
    fields.chain(untold).collect()
}

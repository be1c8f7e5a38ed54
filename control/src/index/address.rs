//! Where control reaches a gateway of Istio.

use std::iter;
use std::net::{IpAddr, SocketAddr};

use gateway_api::gateways::{Gateway, GatewayListeners};

use super::Settings;
use super::gateways::{Extensions, usual_listener};
use super::hostname::is_precise;
use super::store::Store;
use crate::manifests::Kind;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// What must stand where somebody says how a gateway is reached.
const EXPECTED: &str = "must be a host name in lower case or an IP address, alone or with :PORT, such as \
                        mcp-gateway-istio.gateway-system.svc.cluster.local:8080";

/// Where connections to a gateway go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAddress {
    /// `host:port`
    pub authority: String,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

/// The listener by which control comes, and what is said about where it is.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    listener: &'a GatewayListeners,
    private_host: Option<&'a str>,
}

/// Where a gateway is: where the settings say, else its extension, else its status, else at the Service that Istio
/// makes for it.
pub(super) fn address(
    name: &ObjectName,
    extensions: &Extensions,
    store: &Store<'_>,
    settings: &Settings,
) -> Result<GatewayAddress, Fault> {
    let unreachable = |message: String| Fault::new(Reason::GatewayUnreachable, message);
    let Some(gateway) = store.gateways.get(name) else {
        let lack = store.lack(Kind::Gateway, name);
        return Err(unreachable(format!("Gateway {name} {lack}")));
    };
    let way = way(name, gateway, extensions, store);
    let port = way.and_then(|way| u16::try_from(way.listener.port).ok());
    let (Some(way), Some(own_port)) = (way, port) else {
        let message = format!("Gateway {name} has no listener with a port: add one");
        return Err(unreachable(message));
    };
    let told = settings.gateway_addresses.get(name).map(String::as_str);
    let (host, port) = match told.or(way.private_host) {
        Some(text) => split(text).ok_or_else(|| {
            unreachable(format!(
                "the address {text:?} for Gateway {name} {EXPECTED}"
            ))
        })?,
        None => (own_host(name, gateway), None),
    };
    let port = port.unwrap_or(own_port);
    let mut listeners = iter::once(way.listener).chain(&gateway.spec.listeners);
    let listener = listeners.find(|listener| listener.port == i32::from(port));
    Ok(GatewayAddress {
        authority: format!("{host}:{port}"),
        tls: listener.is_some_and(|listener| listener.protocol == "HTTPS"),
    })
}

/// # Errors
/// Where it is no address of a gateway.
pub(super) fn expect_private_host(text: &str) -> Result<(), Fault> {
    match split(text) {
        Some(_) => Ok(()),
        None => {
            let message = format!("spec.privateHost {text:?} {EXPECTED}");
            Err(Fault::new(Reason::Invalid, message))
        }
    }
}

/// Of several extensions that which names a host, then that of a listener without TLS, then the oldest.
fn way<'a>(
    name: &ObjectName,
    gateway: &'a Gateway,
    extensions: &Extensions,
    store: &Store<'a>,
) -> Option<Way<'a>> {
    let accepted = extensions.verdicts.iter();
    let accepted = accepted.filter(|verdict| verdict.outcome.as_ref() == Ok(name));
    let ways = accepted.filter_map(|verdict| {
        let spec = &store.extensions.get(&verdict.name)?.spec;
        let mut listeners = gateway.spec.listeners.iter();
        Some(Way {
            listener: listeners.find(|l| l.name == spec.target_ref.section_name)?,
            private_host: spec.private_host.as_deref(),
        })
    });
    let extended = ways.min_by_key(|w| (w.private_host.is_none(), w.listener.protocol != "HTTP"));
    extended.or_else(|| {
        Some(Way {
            listener: usual_listener(gateway)?,
            private_host: None,
        })
    })
}

/// Host and port, the host as it stands in an authority (RFC 3986, 3.2.2).
fn split(text: &str) -> Option<(String, Option<u16>)> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
        return Some((bracketed(address), None));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return (socket.port() > 0).then(|| (bracketed(socket.ip()), Some(socket.port())));
    }
    let Some((host, port)) = text.split_once(':') else {
        return is_precise(text).then(|| (text.to_owned(), None));
    };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_number && *port > 0)?;
    is_precise(host).then(|| (host.to_owned(), Some(port)))
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn own_host(name: &ObjectName, gateway: &Gateway) -> String {
    let status = gateway.status.as_ref();
    let addresses = status.and_then(|status| status.addresses.as_ref());
    let first = addresses.and_then(|addresses| addresses.first());
    let first = first.filter(|address| !address.value.is_empty());
    first.map_or_else(
        || {
            let class = &gateway.spec.gateway_class_name;
            format!("{}-{class}.{}.svc.cluster.local", name.name, name.namespace)
        },
        |address| match address.value.parse() {
            Ok(ip) => bracketed(ip),
            Err(_) => address.value.clone(),
        },
    )
}

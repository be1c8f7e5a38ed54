//! Where clients connect to a gateway of Istio, and to the routes of which listeners they are led.

use gateway_api::gateways::GatewayListeners;

use super::gateways::Extensions;
use super::store::Store;
use super::{Carrier, Settings};
use crate::object::ObjectName;

/// The listeners at which clients connect; none where that is not known, or makes no difference.
#[derive(Clone, Debug)]
pub(super) struct Clients<'a> {
    at: Vec<&'a GatewayListeners>,
}

impl<'a> Clients<'a> {
    /// Those of a gateway.
    pub(super) fn of(
        gateway: &ObjectName,
        extensions: &Extensions,
        (store, settings): (&Store<'a>, &Settings),
    ) -> Self {
        let named = extensions.listeners.get(gateway);
        // A gateway of our own has one listener, whatever the Gateway has.
        let named = named.filter(|_| settings.carrier == Carrier::Istio);
        let object = store.gateways.get(gateway).copied();
        let listeners = object.into_iter().flat_map(|object| &object.spec.listeners);
        let at = listeners.filter(|listener| named.is_some_and(|n| n.contains(&listener.name)));
        Self { at: at.collect() }
    }

    /// Listeners of one port without TLS have their routes in common; one with TLS has its own alone, as istiod makes them.
    ///
    /// # Errors
    /// Where no client is led to what is attached to `listener`.
    pub(super) fn expect_led_to(&self, listener: &GatewayListeners) -> Result<(), String> {
        let is_led = |at: &&GatewayListeners| {
            let has_tls = [at, listener].iter().any(|l| l.protocol != "HTTP");
            at.name == listener.name || !has_tls && at.port == listener.port
        };
        if self.at.is_empty() || self.at.iter().any(is_led) {
            return Ok(());
        }
        let ways: Vec<_> = self.at.iter().map(|at| way(at)).collect();
        Err(format!("no client is led here: {}", ways.join("; ")))
    }
}

fn way(at: &GatewayListeners) -> String {
    let GatewayListeners { name, port, .. } = at;
    match at.protocol.as_str() {
        "HTTP" => format!(
            "those of listener {name} are led to routes of listeners without TLS at port {port}"
        ),
        _ => format!("those of listener {name} are led to routes of that one alone"),
    }
}

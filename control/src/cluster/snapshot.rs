//! What `/status` shows.

use serde::Serialize;

use super::model::Model;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    /// Whether this control pushes, asks and writes.
    pub(super) leads: bool,
    /// Kinds that were not seen as a whole yet.
    pub(super) unseen: Vec<String>,
    pub(super) gateways: Vec<GatewayStatus>,
    pub(super) registrations: Vec<RegistrationStatus>,
}

/// One gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GatewayStatus {
    name: String,
    /// Where control reaches it.
    address: Option<String>,
    /// What it shall serve.
    generation: String,
    servers: usize,
    is_live: bool,
    trouble: Option<String>,
}

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegistrationStatus {
    kind: &'static str,
    name: String,
    ready: String,
    reason: &'static str,
    message: String,
    tools: Option<usize>,
    conflicts: usize,
}

impl Snapshot {
    /// What a control knows that has seen nothing yet.
    pub(super) fn blank(unseen: Vec<String>) -> Self {
        Self {
            unseen,
            ..Self::default()
        }
    }

    /// What a leader knows.
    pub(super) fn of(model: &Model, leads: bool, unseen: Vec<String>) -> Self {
        let gateways = model.gateways.iter().map(|(name, gateway)| {
            let address = gateway.index.addresses.get(name);
            GatewayStatus {
                name: name.to_string(),
                address: address.and_then(|address| Some(address.as_ref().ok()?.authority.clone())),
                generation: gateway
                    .config()
                    .map(|config| config.generation.clone())
                    .unwrap_or_default(),
                servers: gateway.shall_serve().servers.len(),
                is_live: gateway.is_live,
                trouble: gateway
                    .trouble
                    .as_ref()
                    .map(|trouble| trouble.message.clone()),
            }
        });
        let standings = model.standings().into_iter();
        let registrations = standings.map(|standing| RegistrationStatus {
            kind: standing.verdict.kind,
            name: standing.verdict.name.to_string(),
            ready: standing.verdict.ready.to_string(),
            reason: standing.verdict.reason.as_str(),
            message: standing.verdict.message,
            tools: standing.verdict.tools,
            conflicts: standing.verdict.conflicts.len(),
        });
        Self {
            leads,
            unseen,
            gateways: gateways.collect(),
            registrations: registrations.collect(),
        }
    }
}

//! How the MCPGatewayExtensions stand.

use super::model::Model;
use super::objects::Objects;
use super::status::{Wish, unsupported};
use crate::index::ExtensionVerdict;
use crate::manifests::{Identity, Kind};
use crate::verdict::{Fault, Readiness, Reason};

/// The conditions of each.
pub(super) fn wishes(model: &Model, objects: &Objects) -> Vec<(Identity, Vec<Wish>)> {
    let identity = |name| Identity {
        kind: Kind::McpGatewayExtension,
        name,
    };
    let readable = model.whole.extensions.iter().map(|extension| {
        let mut wishes = match &extension.outcome {
            Err(fault) => refused(fault),
            Ok(_) => accepted(model, extension),
        };
        if !extension.unsupported.is_empty() {
            wishes.push(unsupported(&extension.unsupported));
        }
        (identity(extension.name.clone()), wishes)
    });
    let unreadable = objects.unreadable();
    let unreadable = unreadable
        .iter()
        .filter(|(identity, _)| identity.kind == Kind::McpGatewayExtension)
        .map(|(identity, reason)| (identity.clone(), refused(&Fault::unreadable(reason))));
    readable.chain(unreadable).collect()
}

fn refused(fault: &Fault) -> Vec<Wish> {
    ["Ready", "Accepted", "Programmed"]
        .map(|kind| Wish::new(kind, Readiness::False, fault.reason, fault.message.clone()))
        .to_vec()
}

fn accepted(model: &Model, extension: &ExtensionVerdict) -> Vec<Wish> {
    let gateway = extension.outcome.as_ref().ok();
    let gateway = gateway.and_then(|name| model.gateways.get(name));
    let (status, reason, message) = match gateway {
        Some(gateway) if gateway.is_live => match &gateway.kept_image {
            None => (Readiness::True, Reason::Ready, String::new()),
            Some(why) => (
                Readiness::True,
                Reason::ImageKept,
                format!("{why}. It goes on with the one that it has"),
            ),
        },
        Some(gateway) => match &gateway.trouble {
            Some(trouble) => (Readiness::Unknown, trouble.reason, trouble.told()),
            None => (
                Readiness::Unknown,
                Reason::Pending,
                "the gateway is not known to serve its configuration yet".to_owned(),
            ),
        },
        None => (
            Readiness::Unknown,
            Reason::Pending,
            "the gateway has no configuration yet".to_owned(),
        ),
    };
    let programmed = match (gateway.and_then(|gateway| gateway.behind.as_ref()), status) {
        (Some(behind), _) => Wish::new(
            "Programmed",
            Readiness::False,
            Reason::NotProgrammed,
            behind.clone(),
        ),
        (None, Readiness::True) => Wish::new("Programmed", status, Reason::Programmed, ""),
        (None, _) => Wish::new("Programmed", status, reason, message.clone()),
    };
    vec![
        Wish::new("Ready", status, reason, message),
        Wish::new("Accepted", Readiness::True, Reason::Accepted, ""),
        programmed,
    ]
}

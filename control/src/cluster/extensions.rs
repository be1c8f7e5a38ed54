//! How the MCPGatewayExtensions stand.

use super::model::{Gateway, Model};
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
    vec![
        Wish::new("Ready", status, reason, message.clone()),
        Wish::new("Accepted", Readiness::True, Reason::Accepted, ""),
        match gateway {
            Some(gateway) => programmed(gateway, (status, reason, message)),
            None => Wish::new("Programmed", status, reason, message),
        },
    ]
}

/// Which configuration the gateway was seen to serve. Where that is not known, what is told of `Ready`.
fn programmed(gateway: &Gateway, (status, reason, message): (Readiness, Reason, String)) -> Wish {
    let (status, reason, message) = match (&gateway.behind, status) {
        (Some(behind), _) => (Readiness::False, Reason::NotProgrammed, behind.clone()),
        (None, Readiness::True) => (
            status,
            Reason::Programmed,
            format!(
                "the gateway serves generation {}",
                gateway.served_generation()
            ),
        ),
        (None, _) => (status, reason, message),
    };
    Wish::new("Programmed", status, reason, message)
}

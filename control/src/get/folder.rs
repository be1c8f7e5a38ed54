//! What folders hold.

use super::extension::Extension;
use super::fault::Fault;
use super::listing::{Listing, Objects};
use super::registration::{Registration, found};
use super::standing::Standing;
use super::tool::{Tool, tools};
use super::virtual_server::{self, VirtualServer};
use crate::index::ExtensionVerdict;
use crate::local::Inspection;
use crate::manifests::{Identity, Kind, Object, Severity};
use crate::verdict::{Readiness, Reason};

/// See the module. What is no fault and may be a mistake is told.
pub(super) fn listing(inspection: Inspection) -> Listing {
    for folder in &inspection.empty_folders {
        tracing::warn!("{}: no manifests in it", folder.display());
    }
    let (errors, warnings): (Vec<_>, Vec<_>) = inspection
        .errors
        .iter()
        .partition(|error| error.severity == Severity::Error);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let mut faults: Vec<_> = errors
        .into_iter()
        .map(|error| Fault::bare(Some(error.place.to_string()), error.reason.clone()))
        .collect();
    let left_out = inspection.left_out.iter().cloned();
    faults.extend(left_out.map(|message| Fault::bare(None, message)));
    faults.extend(notices(&inspection));
    let tools = served(&inspection).unwrap_or_else(|message| {
        faults.push(Fault::bare(None, message));
        Vec::new()
    });
    let all = || inspection.objects.iter();
    let registrations = all().filter_map(|object| registration(object, &inspection));
    let extensions = all().filter_map(|object| extension(object, &inspection));
    let virtual_servers = all().filter_map(|object| virtual_server(object, &inspection));
    let objects = Objects {
        registrations: registrations.collect(),
        extensions: extensions.collect(),
        virtual_servers: virtual_servers.collect(),
    };
    Listing::new(objects, Some(tools), faults)
}

/// About objects that are not listed.
fn notices(inspection: &Inspection) -> impl Iterator<Item = Fault> {
    let listed = [Kind::McpGatewayExtension, Kind::McpVirtualServer].map(Kind::as_str);
    let notices = inspection.index.notices.iter();
    let notices = notices.filter(move |notice| !listed.contains(&notice.kind));
    notices.filter_map(|notice| {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == notice.kind)?;
        let name = notice.name.clone();
        let identity = Identity { kind, name };
        let place = inspection.places.get(&identity).cloned();
        let (reason, message) = (notice.fault.reason.as_str(), notice.fault.message.clone());
        Some(Fault {
            place,
            ..Fault::new(identity.into(), reason, message)
        })
    })
}

fn registration(object: &Object, inspection: &Inspection) -> Option<Registration> {
    let identity = object.identity();
    let verdict = inspection.verdicts.iter().find(|verdict| {
        (verdict.kind, &verdict.name) == (identity.kind.as_str(), &identity.name)
    })?;
    let server = identity.name.to_string();
    let mut servers = inspection.config.servers.iter();
    let server = servers.find(|known| known.name == server && verdict.tools.is_some());
    let version = server.map(|server| server.protocol_version.clone());
    let registration = Registration::new(object, found(verdict.clone(), version))?;
    Some(Registration {
        place: inspection.places.get(&identity).cloned(),
        ..registration
    })
}

fn extension(object: &Object, inspection: &Inspection) -> Option<Extension> {
    let identity = object.identity();
    let mut verdicts = inspection.index.extensions.iter();
    let verdict = verdicts.find(|verdict| verdict.name == identity.name)?;
    let extension = Extension::new(object, standing(verdict, inspection.is_asked))?;
    Some(Extension {
        place: inspection.places.get(&identity).cloned(),
        ..extension
    })
}

fn virtual_server(object: &Object, inspection: &Inspection) -> Option<VirtualServer> {
    let Object::McpVirtualServer(server) = object else {
        return None;
    };
    let listed = inspection.is_asked.then_some(&inspection.listed);
    let found = virtual_server::found(&server.spec, listed);
    let place = inspection.places.get(&object.identity()).cloned();
    let server = VirtualServer::new(object, found)?;
    Some(VirtualServer { place, ..server })
}

fn standing(verdict: &ExtensionVerdict, is_asked: bool) -> Standing {
    let (ready, reason, message) = match &verdict.outcome {
        Err(fault) => (Readiness::False, fault.reason, fault.message.clone()),
        Ok(_) if is_asked => (Readiness::True, Reason::Ready, String::new()),
        Ok(_) => {
            let message = "the manifests are accepted; no gateway was started";
            (Readiness::Unknown, Reason::Pending, message.to_owned())
        }
    };
    Standing::found(ready, reason, message, &verdict.unsupported)
}

/// The tools, each at the gateways of its registration, as a cluster would serve them.
fn served(inspection: &Inspection) -> Result<Vec<Tool>, String> {
    let served = tools(&inspection.config).map_err(|error| error.to_string())?;
    let index = &inspection.index;
    let tools = served.into_iter().flat_map(|(server, name)| {
        let mut registrations = index.registrations.iter();
        let registration =
            registrations.find(|one| one.name.to_string() == server && one.outcome.is_ok());
        let gateways = registration.into_iter().flat_map(|one| &one.gateways);
        let gateways = gateways.filter(|gateway| index.gateways.contains(gateway));
        gateways
            .map(|gateway| Tool {
                server: server.clone(),
                name: name.clone(),
                gateway: Some(gateway.to_string()),
            })
            .collect::<Vec<_>>()
    });
    Ok(tools.collect())
}

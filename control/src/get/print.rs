//! How a listing is written.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::GetError;
use super::fault::Fault;
use super::listing::Listing;
use super::registration::Registration;
use super::tool::Tool;
use crate::args::Format;
use crate::columns::{NONE, aligned};
use crate::status_table::{HEADER, Row};

/// The columns of `kubectl get -A`, then what is wrong.
pub(super) fn registrations(listing: &Listing, now: Timestamp) -> String {
    let header = with_namespace("NAMESPACE", HEADER.map(str::to_owned));
    let lines = listing.registrations.iter().map(|registration| {
        let cells = row(registration, now).cells();
        with_namespace(&registration.object.namespace, cells)
    });
    let table = aligned(std::iter::once(header).chain(lines));
    table + &faults(&listing.faults)
}

/// Every name that is served, then what is wrong.
pub(super) fn tools(listing: &Listing) -> String {
    let header = ["NAME", "SERVER", "GATEWAY"].map(str::to_owned);
    let tools = listing.tools.iter().flatten();
    let lines = tools.map(
        |Tool {
             server,
             name,
             gateway,
         }| {
            let gateway = gateway.as_deref().unwrap_or(NONE);
            [name.as_str(), server.as_str(), gateway].map(str::to_owned)
        },
    );
    let table = aligned(std::iter::once(header).chain(lines));
    table + &faults(&listing.faults)
}

/// All of it.
pub(super) fn document(listing: &Listing, format: Format) -> Result<String, GetError> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(listing)? + "\n",
        Format::Yaml => serde_saphyr::to_string(listing)?,
    })
}

/// What a person is told who sees an empty table.
pub(super) fn nothing(namespace: Option<&str>) -> String {
    let place = match namespace {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "there".to_owned(),
    };
    format!("no MCPServerRegistration and no MCPServer is {place}")
}

fn faults(faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| format!("{fault}\n"));
    let text: String = lines.collect();
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

fn row(registration: &Registration, now: Timestamp) -> Row<'_> {
    let spec = &registration.spec;
    let created = registration.created.as_ref();
    Row {
        name: &registration.object.name,
        prefix: spec.prefix.as_deref(),
        target: &spec.target,
        path: &spec.path,
        ready: registration.standing.ready,
        tools: registration.offer.tools,
        credential: spec.credential.as_deref(),
        // A clock that is behind the apiserver's makes nothing older.
        age: created.map(|time| Duration::try_from(now.duration_since(time.0)).unwrap_or_default()),
    }
}

fn with_namespace(namespace: &str, cells: [String; 8]) -> [String; 9] {
    let [name, prefix, target, path, ready, tools, credentials, age] = cells;
    let namespace = namespace.to_owned();
    [
        namespace,
        name,
        prefix,
        target,
        path,
        ready,
        tools,
        credentials,
        age,
    ]
}

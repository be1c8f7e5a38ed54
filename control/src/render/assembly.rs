//! The servers that are served, with their shares, and the verdict on each registration.

use std::collections::BTreeMap;

use mcp_filter_config::{ListChanged, Server};
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind, Selected, UiResource};

use super::Finding;
use super::portable::{self, is_portable};
use super::share::{Share, Taken};
use crate::index::{Index, Registration, Resolved};
use crate::object::ObjectName;
use crate::offer::Offer;
use crate::printable::printable;
use crate::verdict::{Fault, Readiness, Reason, Verdict};

/// How many names a message spells out.
const NAMES_SHOWN: usize = 10;
/// Ends the message of a fault that keeps control from asking a server, but clients not from calling it.
const STILL_SERVED: &str = "; what the server offered before is still served";

/// One registration and what becomes of it.
#[derive(Debug)]
struct Part<'a> {
    registration: &'a Registration,
    outcome: Outcome<'a>,
}

#[derive(Debug)]
enum Outcome<'a> {
    /// In the configuration.
    Served {
        resolved: &'a Resolved,
        offer: &'a Offer,
        share: Share,
        fault: Option<&'a Fault>,
    },
    /// Resolved, and not asked yet.
    Waiting,
    /// Not in the configuration.
    Refused(Fault),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Assembly<'a> {
    parts: Vec<Part<'a>>,
    virtual_servers: &'a [Selected],
    findings: &'a BTreeMap<ObjectName, Finding>,
    has_streams: bool,
}

impl<'a> Assembly<'a> {
    /// `refused` are servers that the filter would not take.
    pub(super) fn new(
        index: &'a Index,
        findings: &'a BTreeMap<ObjectName, Finding>,
        refused: &BTreeMap<ObjectName, Fault>,
    ) -> Self {
        // Another kind's registration may have the name, and a fault of its own.
        let refusal = |registration: &Registration| {
            let refusal = refused.get(&registration.name);
            refusal.filter(|_| registration.outcome.is_ok())
        };
        let mut taken = Taken::before(index.registrations.iter().filter_map(|registration| {
            let is_served = registration.outcome.is_ok() && refusal(registration).is_none();
            let finding = findings.get(&registration.name).filter(|_| is_served);
            finding?.offer.as_deref()
        }));
        let parts = index.registrations.iter().map(|registration| {
            let finding = findings.get(&registration.name);
            let outcome = match refusal(registration) {
                Some(fault) => Outcome::Refused(fault.clone()),
                None => outcome(registration, finding, &mut taken),
            };
            Part {
                registration,
                outcome,
            }
        });
        Self {
            parts: parts.collect(),
            virtual_servers: &index.virtual_servers,
            findings,
            has_streams: index.streams.is_some(),
        }
    }

    /// In the order of the registrations.
    pub(super) fn servers(&self) -> Vec<Server> {
        self.served()
            .map(|(registration, resolved, offer, _)| Server {
                list_changed: self.list_changed(&registration.name),
                ..server(registration, resolved, offer)
            })
            .collect()
    }

    /// Where nobody hears of it, it is no reason for another configuration.
    fn list_changed(&self, name: &ObjectName) -> ListChanged {
        let finding = self.findings.get(name).filter(|_| self.has_streams);
        finding.map_or_else(ListChanged::default, |finding| finding.list_changed)
    }

    /// What they offer, each with its server's place, in the order of the servers.
    pub(super) fn definitions(&self) -> impl Iterator<Item = (u32, &Definition)> {
        let shown = self.shown();
        shown.flat_map(|(place, share)| share.definitions.iter().map(move |one| (place, one)))
    }

    /// The resources that their tools name, likewise.
    pub(super) fn ui_resources(&self) -> impl Iterator<Item = (u32, &UiResource)> {
        let shown = self.shown();
        shown.flat_map(|(place, share)| share.ui_resources.iter().map(move |one| (place, one)))
    }

    /// The shares that clients are shown, each with its server's place.
    fn shown(&self) -> impl Iterator<Item = (u32, &Share)> {
        let places = (0..).zip(self.served());
        places.filter_map(|(place, (_, resolved, _, share))| {
            let is_hidden = resolved.denied.as_ref().is_some_and(|denied| denied.hidden);
            (!is_hidden).then_some((place, share))
        })
    }

    /// The same, to be packed.
    pub(super) fn writer(&self) -> CatalogWriter {
        let mut writer = CatalogWriter::new();
        for (place, definition) in self.definitions() {
            writer.push(place, definition.clone());
        }
        for (place, resource) in self.ui_resources() {
            writer.name(place, resource.clone());
        }
        for selected in self.virtual_servers {
            writer.select(selected.clone());
        }
        writer
    }

    /// What clients can ask for in the place of everything.
    pub(super) fn virtual_servers(&self) -> &'a [Selected] {
        self.virtual_servers
    }

    /// Of the servers' registrations.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a ObjectName> {
        self.served().map(|(registration, ..)| &registration.name)
    }

    /// The registration whose server a path such as `servers[2].host` is about.
    pub(super) fn server_at(&self, path: &str) -> Option<ObjectName> {
        let (place, _) = path.strip_prefix("servers[")?.split_once(']')?;
        let (registration, ..) = self.served().nth(place.parse().ok()?)?;
        Some(registration.name.clone())
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.parts.iter().map(verdict).collect()
    }

    fn served(&self) -> impl Iterator<Item = (&'a Registration, &'a Resolved, &'a Offer, &Share)> {
        self.parts.iter().filter_map(|part| match &part.outcome {
            Outcome::Served {
                resolved,
                offer,
                share,
                ..
            } => Some((part.registration, *resolved, *offer, share)),
            Outcome::Waiting | Outcome::Refused(_) => None,
        })
    }
}

fn outcome<'a>(
    registration: &'a Registration,
    finding: Option<&'a Finding>,
    taken: &mut Taken,
) -> Outcome<'a> {
    let resolved = match &registration.outcome {
        Ok(resolved) => resolved,
        Err(fault) => return Outcome::Refused(fault.clone()),
    };
    let fault = finding.and_then(|finding| finding.fault.as_ref());
    let Some(offer) = finding.and_then(|finding| finding.offer.as_deref()) else {
        let fault = resolved.unasked.as_ref().or(fault);
        return fault.cloned().map_or(Outcome::Waiting, Outcome::Refused);
    };
    let prefix = registration.prefix.as_deref().unwrap_or_default();
    match taken.take((&registration.name, prefix), offer) {
        Some(share) => Outcome::Served {
            resolved,
            offer,
            share,
            fault,
        },
        None => Outcome::Refused(Fault::new(
            Reason::CatalogTooLarge,
            "with its definitions the configuration would be too large: serve fewer or smaller servers here",
        )),
    }
}

fn server(registration: &Registration, resolved: &Resolved, offer: &Offer) -> Server {
    Server {
        name: registration.name.to_string(),
        prefix: registration.prefix.clone().unwrap_or_default(),
        host: resolved.host.clone(),
        path: resolved.path.clone(),
        upstream: resolved.upstream.clone(),
        issues_sessions: offer.issues_sessions,
        protocol_version: offer.protocol_version.clone(),
        stateless: offer.stateless,
        completions: offer.completions,
        logging: offer.logging,
        tasks: offer.tasks,
        stateless_tasks: offer.stateless_tasks,
        apps: offer.apps,
        resources: offer.has_resources(),
        list_changed: ListChanged::default(),
        timeouts: resolved.timeouts,
        policies: resolved.policies.clone(),
    }
}

fn verdict(part: &Part<'_>) -> Verdict {
    let registration = part.registration;
    let mut verdict = Verdict {
        name: registration.name.clone(),
        kind: registration.kind,
        ready: Readiness::Unknown,
        reason: Reason::Pending,
        message: "the server has not been asked for its lists yet".to_owned(),
        tools: None,
        prompts: None,
        resources: None,
        conflicts: Vec::new(),
        unsupported: registration.unsupported.clone(),
    };
    match &part.outcome {
        Outcome::Served {
            resolved,
            share,
            fault,
            ..
        } => {
            tell_served(&mut verdict, share, resolved, *fault);
        }
        Outcome::Waiting => {
            let denied = registration
                .outcome
                .as_ref()
                .ok()
                .and_then(|r| r.denied.as_ref());
            if let Some(denied) = denied {
                tell_fault(&mut verdict, &denied.fault);
            }
        }
        Outcome::Refused(fault) => tell_fault(&mut verdict, fault),
    }
    verdict
}

fn tell_fault(verdict: &mut Verdict, fault: &Fault) {
    verdict.ready = match fault.reason {
        Reason::GatewayUnreachable | Reason::Pending => Readiness::Unknown,
        _ => Readiness::False,
    };
    verdict.reason = fault.reason;
    verdict.message = fault.message.clone();
}

fn tell_served(verdict: &mut Verdict, share: &Share, resolved: &Resolved, fault: Option<&Fault>) {
    let tools = share.count(ListKind::Tools);
    let prompts = share.count(ListKind::Prompts);
    let resources = share.count(ListKind::Resources) + share.count(ListKind::ResourceTemplates);
    verdict.tools = Some(tools);
    verdict.prompts = Some(prompts);
    verdict.resources = Some(resources);
    verdict.conflicts = share.conflicts.clone();
    if let Some(denied) = &resolved.denied {
        return tell_fault(verdict, &denied.fault);
    }
    if let Some(unasked) = &resolved.unasked {
        tell_fault(verdict, unasked);
        verdict.message.push_str(STILL_SERVED);
        return;
    }
    if let Some(fault) = fault {
        // What it offered last is still served, so it is not told to be gone.
        tell_fault(verdict, fault);
        verdict.ready = Readiness::Unknown;
        verdict.message.push_str(STILL_SERVED);
        return;
    }
    verdict.ready = Readiness::True;
    verdict.reason = Reason::Ready;
    verdict.message = format!("{tools} tools, {prompts} prompts, {resources} resources");
    if !share.conflicts.is_empty() {
        verdict.reason = Reason::NameConflict;
        let names = shown(&share.conflicts);
        verdict
            .message
            .push_str(&format!("; older registrations have: {names}"));
    }
    tell_unportable(verdict, share);
    if !share.left_out.is_empty() {
        verdict
            .message
            .push_str(&format!("; left out: {}", shown(&share.left_out)));
    }
}

/// They are served: which names a client takes is the client's business.
fn tell_unportable(verdict: &mut Verdict, share: &Share) {
    let tools = share
        .definitions
        .iter()
        .filter(|definition| definition.kind() == ListKind::Tools);
    let names: Vec<String> = tools
        .map(Definition::key)
        .filter(|name| !is_portable(name))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return;
    }
    if verdict.reason == Reason::Ready {
        verdict.reason = Reason::NamesNotPortable;
    }
    let (rule, names) = (portable::RULE, shown(&names));
    verdict.message.push_str(&format!(
        "; not every client takes other names than {rule}: {names}"
    ));
}

fn shown(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| printable(name))
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = names
        .len()
        .checked_sub(NAMES_SHOWN)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

//! What is known of the cluster: its objects as the index resolves them for each gateway, and what discovery found there.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{PluginConfig, Server, Telemetry};
use mcp_filter_core::table::CompileError;

use super::live::Live;
use super::objects::Objects;
use super::standing::Standing;
use super::status::Facts;
use crate::discovery::{Event, Outcome, PublicEndpoint, Rounds, Subject};
use crate::index::{self, Index, Registration, Settings};
use crate::manifests::Identity;
use crate::object::ObjectName;
use crate::offer::Offer;
use crate::render::{
    Finding, Keys, LARGEST_OBJECT_BYTES, Listed, Packing, Rendered, render_within, restore,
};
use crate::verdict::{Readiness, Reason, Verdict};

/// See the module.
#[derive(Debug)]
pub(super) struct Model {
    keys: Keys,
    addresses: BTreeMap<ObjectName, String>,
    telemetry: Telemetry,
    /// Of all gateways together: who they are, and what reaches none of them.
    pub(super) whole: Index,
    pub(super) gateways: BTreeMap<ObjectName, Gateway>,
    /// Servers of gateways that are not among these, and keep what they were given.
    pub(super) served_on: BTreeSet<ObjectName>,
}

/// What the apiserver did not give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gaps {
    pub(super) unreadable: BTreeSet<Identity>,
    pub(super) closed_namespaces: BTreeSet<String>,
}

/// One gateway that serves MCP.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) index: Index,
    packing: Packing,
    findings: BTreeMap<ObjectName, Finding>,
    rounds: Rounds,
    /// The last one that the filter would take.
    rendered: Option<Rendered>,
    /// Whether something has changed since it was rendered.
    is_stale: bool,
    /// Why there is nothing newer, where the filter would refuse it.
    refusal: Option<String>,
    /// Read back, and not seen by this control yet.
    unconfirmed: BTreeSet<ObjectName>,
    /// When the lists of a server were news last.
    discovered: BTreeMap<ObjectName, Timestamp>,
    /// What was seen live last.
    live: Live,
    /// Why it serves by an older image than it is to have.
    pub(super) kept_image: Option<String>,
    /// What it serves in place of what it was given.
    pub(super) behind: Option<String>,
    /// Why it is not known to serve what it shall.
    pub(super) trouble: Option<Trouble>,
    pub(super) is_live: bool,
}

/// What stands between a gateway and what it shall serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Trouble {
    /// For people, with what it means for clients.
    pub(super) fn told(&self) -> String {
        format!("{}. What it served before goes on", self.message)
    }
}

impl Model {
    /// Nothing is known yet. `addresses` are where gateways are reached, whatever the objects say.
    pub(super) fn new(
        keys: Keys,
        addresses: BTreeMap<ObjectName, String>,
        telemetry: Telemetry,
    ) -> Self {
        Self {
            keys,
            addresses,
            telemetry,
            whole: Index::default(),
            gateways: BTreeMap::new(),
            served_on: BTreeSet::new(),
        }
    }

    /// Gives the filters other keys.
    pub(super) fn use_keys(&mut self, keys: Keys) {
        if self.keys == keys {
            return;
        }
        self.keys = keys;
        for gateway in self.gateways.values_mut() {
            gateway.is_stale = true;
        }
    }

    /// Takes in the objects as they are now. `pushed` gives what a gateway was given before this control knew it.
    pub(super) fn read(
        &mut self,
        objects: &Objects,
        gaps: &Gaps,
        pushed: impl Fn(&ObjectName) -> Option<PluginConfig>,
    ) {
        self.whole = index::build(objects.readable(), &self.settings(None, gaps));
        let mut before = std::mem::take(&mut self.gateways);
        for name in &self.whole.gateways {
            let index = index::build(objects.readable(), &self.settings(Some(name), gaps));
            let gateway = match before.remove(name) {
                Some(mut gateway) => {
                    gateway.read(index);
                    gateway
                }
                None => Gateway::new(name, index, pushed(name)),
            };
            self.gateways.insert(name.clone(), gateway);
        }
    }

    fn settings(&self, gateway: Option<&ObjectName>, gaps: &Gaps) -> Settings {
        Settings {
            gateway_addresses: self.addresses.clone(),
            telemetry: self.telemetry,
            unreadable: gaps.unreadable.clone(),
            unreadable_secrets: gaps.closed_namespaces.clone(),
            ..Settings::cluster(gateway.cloned())
        }
    }

    /// Brings all configurations up to date.
    ///
    /// # Errors
    /// Of the first gateway whose filter would refuse its configuration, for a reason that is no single registration's.
    /// What it was given before goes on.
    pub(super) fn render(&mut self) -> Result<(), (ObjectName, CompileError)> {
        let mut outcome = Ok(());
        for (name, gateway) in &mut self.gateways {
            if let Err(error) = gateway.render(&self.keys) {
                outcome = outcome.and(Err((name.clone(), error)));
            }
        }
        outcome
    }

    /// Takes in what discovery has seen through a gateway.
    pub(super) fn learn(&mut self, gateway: &ObjectName, event: &Event, now: Timestamp) {
        if let Some(gateway) = self.gateways.get_mut(gateway) {
            gateway.learn(event, now);
        }
    }

    /// What each gateway shall list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Listed> {
        let gateways = self.gateways.values();
        gateways.filter_map(|gateway| Some(&gateway.rendered.as_ref()?.listed))
    }

    /// How each registration stands, over all its gateways. Those that only a control before this one has seen are
    /// left out.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let judged: Vec<_> = self.gateways.iter().filter_map(Judged::new).collect();
        // Under the name of an older registration of the other kind, all is known of that one.
        let mut names = BTreeSet::new();
        let registrations = self.whole.registrations.iter();
        let standings = registrations.filter_map(|registration| {
            let is_shadowed = names.contains(&registration.name);
            if !registration.gateways.is_empty() {
                names.insert(&registration.name);
            }
            let of = (registration.kind, &registration.name);
            let places = judged.iter().filter_map(|judged| {
                Some((judged.name, judged.gateway, *judged.verdicts.get(&of)?))
            });
            let places: Vec<_> = places.collect();
            let name = &registration.name;
            if places.iter().any(|(_, gateway, _)| {
                gateway.unconfirmed.contains(name) && gateway.trouble.is_none()
            }) {
                return None;
            }
            let verdicts = places
                .iter()
                .map(|(place, gateway, verdict)| (*place, gateway.overshadowed(verdict)));
            let facts = match is_shadowed {
                true => Facts::default(),
                false => facts(name, places.iter().map(|(_, gateway, _)| *gateway)),
            };
            let mut standing = Standing::of(registration, verdicts, facts);
            if places.is_empty() && self.served_on.contains(name) {
                let fault = &standing.verdict.message;
                standing.verdict.message = format!("what was served before goes on, but {fault}");
            }
            Some(standing)
        });
        standings.collect()
    }
}

/// What became of registrations at one gateway.
struct Judged<'a> {
    name: &'a ObjectName,
    gateway: &'a Gateway,
    /// By kind and name.
    verdicts: BTreeMap<(&'a str, &'a ObjectName), &'a Verdict>,
}

impl<'a> Judged<'a> {
    fn new((name, gateway): (&'a ObjectName, &'a Gateway)) -> Option<Self> {
        let verdicts = gateway.rendered.as_ref()?.verdicts.iter();
        let verdicts = verdicts.map(|verdict| ((verdict.kind, &verdict.name), verdict));
        Some(Self {
            name,
            gateway,
            verdicts: verdicts.collect(),
        })
    }
}

/// What is known of a registration through these gateways.
fn facts<'a>(name: &ObjectName, gateways: impl Iterator<Item = &'a Gateway> + Clone) -> Facts {
    Facts {
        protocol_version: gateways.clone().find_map(|gateway| {
            let offer = gateway.findings.get(name)?.offer.as_ref()?;
            Some(offer.protocol_version.clone())
        }),
        discovered: gateways
            .clone()
            .filter_map(|gateway| gateway.discovered.get(name).copied())
            .max(),
        is_programmed: gateways.clone().next().is_some()
            && gateways
                .clone()
                .all(|gateway| gateway.live.servers.contains(name)),
    }
}

impl Gateway {
    fn new(name: &ObjectName, index: Index, pushed: Option<PluginConfig>) -> Self {
        let offers = pushed.map_or_else(BTreeMap::new, |config| read_back(name, &index, &config));
        let finding = |offer: Offer| Finding {
            offer: Some(offer.into()),
            fault: None,
        };
        let findings: BTreeMap<_, _> = offers
            .into_iter()
            .map(|(name, offer)| (name, finding(offer)))
            .collect();
        let mut gateway = Self {
            index,
            packing: Packing::within(LARGEST_OBJECT_BYTES),
            unconfirmed: findings.keys().cloned().collect(),
            findings,
            rounds: Rounds::default(),
            rendered: None,
            is_stale: true,
            refusal: None,
            discovered: BTreeMap::new(),
            live: Live::default(),
            kept_image: None,
            behind: None,
            trouble: None,
            is_live: false,
        };
        gateway.rounds.begin(&gateway.index);
        gateway.forget_the_unasked();
        gateway
    }

    fn read(&mut self, index: Index) {
        if self.index == index {
            return;
        }
        if self.index.endpoints != index.endpoints {
            // It is not known to answer there.
            self.is_live = false;
        }
        self.index = index;
        self.is_stale = true;
        self.rounds.begin(&self.index);
        let names: BTreeSet<_> = self
            .index
            .registrations
            .iter()
            .map(|registration| &registration.name)
            .collect();
        self.findings.retain(|name, _| names.contains(name));
        self.discovered.retain(|name, _| names.contains(name));
        self.forget_the_unasked();
    }

    /// Who is not asked will not be confirmed.
    fn forget_the_unasked(&mut self) {
        let asked: BTreeSet<_> = self
            .subjects()
            .into_iter()
            .map(|subject| subject.name)
            .collect();
        self.unconfirmed.retain(|name| asked.contains(name));
    }

    fn learn(&mut self, event: &Event, now: Timestamp) {
        event.record(&mut self.findings);
        self.unconfirmed.remove(&event.name);
        if matches!(event.outcome, Outcome::Found(_)) {
            self.discovered.insert(event.name.clone(), now);
        }
        self.is_stale = true;
    }

    fn render(&mut self, keys: &Keys) -> Result<(), CompileError> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        match render_within(&self.index, &self.findings, keys, &mut self.packing) {
            Ok(rendered) => {
                self.rendered = Some(rendered);
                self.refusal = None;
                Ok(())
            }
            Err(error) => {
                self.refusal = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// What it shall be given.
    pub(super) fn config(&self) -> Option<&PluginConfig> {
        Some(&self.rendered.as_ref()?.config)
    }

    /// How its registrations stand.
    pub(super) fn verdicts(&self) -> &[Verdict] {
        self.rendered
            .as_ref()
            .map_or(&[], |rendered| &rendered.verdicts)
    }

    /// What it serves once its configuration is live.
    pub(super) fn shall_serve(&self) -> Live {
        let config = self.config();
        let servers = config.iter().flat_map(|config| &config.servers);
        let servers = servers.filter_map(|server| ObjectName::parse(&server.name));
        Live {
            generation: config.map_or_else(String::new, |config| config.generation.clone()),
            endpoints: self.index.endpoints.clone(),
            servers: servers.collect(),
        }
    }

    /// Where its filter tells its generation.
    pub(super) fn endpoint(&self) -> Option<PublicEndpoint> {
        PublicEndpoint::of(&self.index)
    }

    /// Whose lists are to be read through it.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.rounds.subjects(&self.index)
    }

    /// It serves this.
    pub(super) fn is_seen_live(&mut self, live: Live) {
        self.trouble = None;
        self.behind = None;
        self.is_live = self.index.endpoints == live.endpoints;
        self.live = live;
    }

    /// It serves this generation instead of that which it was given.
    pub(super) fn is_behind(&mut self, serves: &str, given: &str) {
        self.behind = Some(format!(
            "the gateway serves generation {}, and was given {}: its filter has refused that, as the gateway's log says, or \
             Istio has not brought it there",
            short(serves),
            short(given)
        ));
    }

    /// The generation that it was seen to serve last, as people are told it.
    pub(super) fn served_generation(&self) -> &str {
        short(&self.live.generation)
    }

    /// Nobody knows what it serves.
    pub(super) fn is_unseen(&mut self, message: String) {
        self.behind = None;
        self.is_in_trouble(Reason::GatewayUnreachable, message);
    }

    /// It does not serve what it was given.
    pub(super) fn is_in_trouble(&mut self, reason: Reason, message: String) {
        self.trouble = Some(Trouble { reason, message });
        self.is_live = false;
    }

    /// A verdict, as far as anything can be known through this gateway now.
    fn overshadowed(&self, verdict: &Verdict) -> Verdict {
        let refusal = self.refusal.as_ref().map(|refusal| Trouble {
            reason: Reason::Invalid,
            message: format!("the filter would refuse the gateway's configuration: {refusal}"),
        });
        match refusal.as_ref().or(self.trouble.as_ref()) {
            Some(trouble) if verdict.ready != Readiness::False => Verdict {
                ready: Readiness::Unknown,
                reason: trouble.reason,
                message: trouble.told(),
                ..verdict.clone()
            },
            _ if verdict.ready == Readiness::True && !self.live.servers.contains(&verdict.name) => {
                Verdict {
                    ready: Readiness::Unknown,
                    reason: Reason::Pending,
                    message: "its lists are read, and the gateway is not known to show them yet"
                        .to_owned(),
                    ..verdict.clone()
                }
            }
            _ => verdict.clone(),
        }
    }
}

/// Enough of a generation to tell it from others.
fn short(generation: &str) -> &str {
    generation.get(..12).unwrap_or(generation)
}

/// What the servers of a configuration that was pushed before offer, as far as they are the same still.
fn read_back(
    gateway: &ObjectName,
    index: &Index,
    config: &PluginConfig,
) -> BTreeMap<ObjectName, Offer> {
    let mut offers = restore(config).unwrap_or_else(|error| {
        tracing::warn!(
            "Gateway {gateway}: what it was given cannot be read back, so all servers are asked anew: {error}"
        );
        BTreeMap::new()
    });
    let is_same = |registration: &Registration, server: &Server| {
        let prefix = registration.prefix.as_deref().unwrap_or_default();
        let resolved = registration.outcome.as_ref();
        prefix == server.prefix
            && resolved.map_or(true, |resolved| {
                (&resolved.host, &resolved.path) == (&server.host, &server.path)
            })
    };
    let same: BTreeSet<_> = index
        .registrations
        .iter()
        .filter(|registration| {
            let name = registration.name.to_string();
            let mut servers = config.servers.iter();
            servers.any(|server| server.name == name && is_same(registration, server))
        })
        .map(|registration| &registration.name)
        .collect();
    offers.retain(|name, _| same.contains(name));
    offers
}

#[cfg(test)]
pub(super) mod tests;

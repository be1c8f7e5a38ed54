//! What is known of the cluster: its objects as the index resolves them for each gateway, and what discovery found there.

mod gateway;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{PluginConfig, Telemetry};
use mcp_filter_core::table::CompileError;

use super::objects::Objects;
use super::standing::Standing;
use super::status::Facts;
use crate::discovery::Event;
use crate::index::{self, Index, Settings};
use crate::manifests::Identity;
use crate::object::ObjectName;
use crate::render::{Keys, Listed};
use crate::verdict::Verdict;

pub(super) use gateway::{Gateway, Trouble};

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
    /// Namespaces whose Secrets have not come yet.
    pub(super) unseen_namespaces: BTreeSet<String>,
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
            unseen_secrets: gaps.unseen_namespaces.clone(),
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
                .all(|gateway| gateway.live.servers.contains_key(name)),
    }
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;

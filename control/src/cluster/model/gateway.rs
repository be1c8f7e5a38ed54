//! One gateway that serves MCP: what is known of it, what it shall serve, and what it was seen to serve.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use mcp_filter_config::{PluginConfig, Server};
use mcp_filter_core::table::CompileError;

use crate::cluster::live::Live;
use crate::discovery::{Event, Outcome, PublicEndpoint, Rounds, Subject};
use crate::index::{Index, Registration};
use crate::object::ObjectName;
use crate::render::{
    Finding, Keys, LARGEST_OBJECT_BYTES, Packing, Rendered, Shown, render_within, restore,
};
use crate::verdict::{Readiness, Reason, Verdict};

/// See the module.
#[derive(Debug)]
pub(in crate::cluster) struct Gateway {
    pub(in crate::cluster) index: Index,
    packing: Packing,
    pub(super) findings: BTreeMap<ObjectName, Finding>,
    rounds: Rounds,
    /// The last one that the filter would take.
    pub(super) rendered: Option<Rendered>,
    /// Whether something has changed since it was rendered.
    pub(super) is_stale: bool,
    /// Why there is nothing newer, where the filter would refuse it.
    refusal: Option<String>,
    /// Read back, and not seen by this control yet.
    pub(super) unconfirmed: BTreeSet<ObjectName>,
    /// When the lists of a server were news last.
    pub(super) discovered: BTreeMap<ObjectName, Timestamp>,
    /// What was seen live last.
    pub(in crate::cluster) live: Live,
    /// Why it serves by an older image than it is to have.
    pub(in crate::cluster) kept_image: Option<String>,
    /// What it serves in place of what it was given.
    pub(in crate::cluster) behind: Option<String>,
    /// Why it is not known to serve what it shall.
    pub(in crate::cluster) trouble: Option<Trouble>,
    pub(in crate::cluster) is_live: bool,
}

/// What stands between a gateway and what it shall serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Trouble {
    pub(in crate::cluster) reason: Reason,
    pub(in crate::cluster) message: String,
}

impl Trouble {
    /// For people, with what it means for clients.
    pub(in crate::cluster) fn told(&self) -> String {
        format!("{}. What it served before goes on", self.message)
    }
}

impl Gateway {
    pub(super) fn new(name: &ObjectName, index: Index, pushed: Option<PluginConfig>) -> Self {
        let findings = pushed.map_or_else(BTreeMap::new, |config| read_back(name, &index, &config));
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

    pub(super) fn read(&mut self, index: Index) {
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

    pub(super) fn learn(&mut self, event: &Event, now: Timestamp) {
        event.record(&mut self.findings);
        self.unconfirmed.remove(&event.name);
        if matches!(event.outcome, Outcome::Found(_)) {
            self.discovered.insert(event.name.clone(), now);
        }
        self.is_stale = true;
    }

    pub(super) fn render(&mut self, keys: &Keys) -> Result<(), CompileError> {
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
    pub(in crate::cluster) fn config(&self) -> Option<&PluginConfig> {
        Some(&self.rendered.as_ref()?.config)
    }

    /// How its registrations stand.
    pub(in crate::cluster) fn verdicts(&self) -> &[Verdict] {
        self.rendered
            .as_ref()
            .map_or(&[], |rendered| &rendered.verdicts)
    }

    /// What it serves once its configuration is live.
    pub(in crate::cluster) fn shall_serve(&self) -> Live {
        let endpoints = self.index.endpoints.clone();
        let Some(Rendered { config, listed, .. }) = &self.rendered else {
            return Live {
                endpoints,
                ..Live::default()
            };
        };
        let servers = config.servers.iter().filter_map(|server| {
            let policies = server.policies.iter();
            let policies = policies.filter_map(|place| config.policies.get(*place as usize));
            let name = ObjectName::parse(&server.name)?;
            Some((name, policies.cloned().collect()))
        });
        Live {
            generation: config.generation.clone(),
            endpoints,
            servers: servers.collect(),
            virtual_servers: listed.virtual_servers().clone(),
        }
    }

    /// Whether it is known to enforce what this policy says by now.
    pub(in crate::cluster) fn enforces(&self, policy: &ObjectName) -> bool {
        self.is_current() && self.shall_serve().guards_as(&self.live, policy)
    }

    /// Whether it is known to show what this virtual server selects by now; absent where that is nothing of its lists, now
    /// and when they were seen last.
    pub(in crate::cluster) fn shows(&self, virtual_server: &ObjectName) -> Option<bool> {
        let name = virtual_server.to_string();
        let listed = &self.rendered.as_ref()?.listed;
        let mut selected = self.index.virtual_servers.iter();
        let shall = listed.shown_by(selected.find(|selected| selected.name == name)?);
        let live = self.live.virtual_servers.get(&name);
        let counts = shall.has_any() || live.is_some_and(Shown::has_any);
        counts.then(|| self.is_current() && live == Some(&shall))
    }

    /// Whether it is known where it serves, and can be given all that was read last.
    fn is_current(&self) -> bool {
        self.is_live && self.refusal.is_none()
    }

    /// Why it is not known to serve something yet.
    pub(in crate::cluster) fn pending(&self, name: &ObjectName) -> Trouble {
        let obstacle = self.obstacle().map(|trouble| Trouble {
            message: format!("Gateway {name}: {}", trouble.told()),
            ..trouble
        });
        obstacle.unwrap_or_else(|| Trouble {
            reason: Reason::Pending,
            message: format!("Gateway {name} is not known to serve its configuration yet"),
        })
    }

    fn obstacle(&self) -> Option<Trouble> {
        let refusal = self.refusal.as_ref().map(|refusal| Trouble {
            reason: Reason::Invalid,
            message: format!("the filter would refuse the gateway's configuration: {refusal}"),
        });
        refusal.or_else(|| self.trouble.clone())
    }

    /// Where its filter tells its generation.
    pub(in crate::cluster) fn endpoint(&self) -> Option<PublicEndpoint> {
        PublicEndpoint::of(&self.index)
    }

    /// Whose lists are to be read through it.
    pub(in crate::cluster) fn subjects(&self) -> Vec<Subject> {
        self.rounds.subjects(&self.index)
    }

    /// It serves this.
    pub(in crate::cluster) fn is_seen_live(&mut self, live: Live) {
        self.trouble = None;
        self.behind = None;
        self.is_live = self.index.endpoints == live.endpoints;
        self.live = live;
    }

    /// It serves this generation instead of that which it was given.
    pub(in crate::cluster) fn is_behind(&mut self, serves: &str, given: &str) {
        self.behind = Some(format!(
            "the gateway serves generation {}, and was given {}: its filter has refused that, as the gateway's log says, or \
             Istio has not brought it there",
            short(serves),
            short(given)
        ));
    }

    /// The generation that it was seen to serve last, as people are told it.
    pub(in crate::cluster) fn served_generation(&self) -> &str {
        short(&self.live.generation)
    }

    /// Nobody knows what it serves.
    pub(in crate::cluster) fn is_unseen(&mut self, message: String) {
        self.behind = None;
        self.is_in_trouble(Reason::GatewayUnreachable, message);
    }

    /// It does not serve what it was given.
    pub(in crate::cluster) fn is_in_trouble(&mut self, reason: Reason, message: String) {
        self.trouble = Some(Trouble { reason, message });
        self.is_live = false;
    }

    /// A verdict, as far as anything can be known through this gateway now.
    pub(super) fn overshadowed(&self, verdict: &Verdict) -> Verdict {
        match self.obstacle() {
            Some(trouble) if verdict.ready != Readiness::False => Verdict {
                ready: Readiness::Unknown,
                reason: trouble.reason,
                message: trouble.told(),
                ..verdict.clone()
            },
            _ if verdict.ready == Readiness::True
                && !self.live.servers.contains_key(&verdict.name) =>
            {
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
) -> BTreeMap<ObjectName, Finding> {
    let mut findings = restore(config).unwrap_or_else(|error| {
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
    findings.retain(|name, _| same.contains(name));
    findings
}

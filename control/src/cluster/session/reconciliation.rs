//! What follows from what is known.

use std::collections::BTreeMap;
use std::time::Duration;

use mcp_filter_config::PluginConfig;
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::Session;
use crate::cluster::followers::Attaching;
use crate::cluster::model::Gaps;
use crate::cluster::roll::Roll;
use crate::cluster::tally::tally;
use crate::cluster::{FilterImage, Owner, kept, streams};
use crate::object::ObjectName;
use crate::verdict::Reason;

/// How long what serves no more is waited for to be taken away, before another try.
const REMOVAL: Duration = Duration::from_secs(5);

impl Session {
    /// Brings gateways and statuses to what they shall be.
    pub(super) async fn reconcile(&mut self) {
        // Packing thousands of tools takes a second or two.
        block_in_place(|| self.compute());
        let rolls = self
            .rolls
            .as_mut()
            .map(|rolls| rolls.decide(&self.model.gateways, &self.attachments));
        let rolls = rolls.unwrap_or_default();
        self.note_troubles(&rolls);
        let attaching = Attaching {
            owner: &self.options.owner,
            rolls: &rolls,
            there: &self.attachments,
            authentications: &self.authentications,
            objects: &self.objects,
            issuers: &self.issuers,
            are_news: std::mem::take(&mut self.are_written_news),
        };
        for gateway in self.followers.serve(&self.model, attaching, &self.keys) {
            self.metrics.forget(&gateway);
        }
        self.clean_up().await;
        let standings = self.model.standings();
        self.statuses.write(&self.model, &standings, &self.objects);
        self.metrics.set_gateways(self.model.gateways.len());
        let counts = tally(&standings, &self.objects);
        self.metrics.set_registrations(counts);
        for (name, gateway) in &self.model.gateways {
            let tools = gateway.verdicts().iter().filter_map(|one| one.tools);
            self.metrics.set_tools(name, tools.sum());
        }
    }

    fn compute(&mut self) {
        if self.is_stale {
            self.is_stale = false;
            self.read();
        }
        if let Err((gateway, error)) = self.model.render() {
            tracing::error!(
                "Gateway {gateway}: the filter would refuse its configuration, so what it has goes on: {error}"
            );
        }
    }

    /// Says which gateways lack the WasmPlugins that users are to make, have such beside control's own, cannot have their
    /// tokens verified, or do not get the image that they are to have.
    fn note_troubles(&mut self, rolls: &BTreeMap<ObjectName, Roll>) {
        for (name, gateway) in &mut self.model.gateways {
            let (reason, message) = match &self.options.owner {
                Owner::User => (Reason::WasmPluginNotFound, self.attachments.lack(name)),
                Owner::Control(wanted) => {
                    let FilterImage { attach, image, .. } = wanted;
                    let conflict = self.attachments.conflict(name, *attach, image);
                    (Reason::WasmPluginConflict, conflict)
                }
            };
            let roll = rolls.get(name);
            if let Some(message) = message {
                gateway.is_in_trouble(reason, message);
            } else if let Some(message) = self.authentications.conflict(name, gateway.config()) {
                gateway.is_in_trouble(Reason::PushRefused, message);
            } else if let Some(Roll::Wait(Some(message))) = roll {
                gateway.is_in_trouble(Reason::ImageUnusable, message.clone());
            }
            match roll {
                // What was known before is told until more is.
                Some(Roll::Keep(_, None)) => {}
                Some(Roll::Keep(_, message)) => gateway.kept_image.clone_from(message),
                _ => gateway.kept_image = None,
            }
        }
    }

    fn read(&mut self) {
        let gaps = Gaps {
            unreadable: self.objects.unreadable().into_keys().collect(),
            closed_namespaces: self.objects.closed_namespaces(),
            unseen_namespaces: self.unseen_secrets(),
        };
        let attachments = &self.attachments;
        let pushed = |gateway: &ObjectName| -> Option<PluginConfig> {
            serde_json::from_value(attachments.config(gateway)?.clone()).ok()
        };
        self.model.read(&self.objects, &gaps, pushed);
        let issuers = &self.model.whole.issuers;
        self.issuers.count(issuers);
        self.asking.follow(issuers);
    }

    /// Leaves everything as it is, for it is not known which gateways an object names that cannot be read.
    fn withhold(&mut self) {
        if let Owner::User = self.options.owner {
            return;
        }
        let is_served = |gateway: &ObjectName| self.model.gateways.contains_key(gateway);
        let is_withholding = !self.attachments.left_over(is_served).is_empty();
        if is_withholding && !self.is_withholding {
            tracing::warn!(
                "what runs the filter in gateways that are served no more stays until all Gateways, HTTPRoutes, \
                 MCPGatewayExtensions and MCPServers can be read"
            );
        }
        self.is_withholding = is_withholding;
    }

    /// Takes away what gateways have of control that serve no more. One that an object still names keeps what it has: without it,
    /// requests would pass by all policies while that object is repaired.
    async fn clean_up(&mut self) {
        let wanted = kept::wanted(&self.objects);
        let are_users = matches!(self.options.owner, Owner::User);
        let is_served = |gateway: &ObjectName| self.model.gateways.contains_key(gateway);
        let is_named = |gateway: &ObjectName| {
            wanted.as_ref().is_none_or(|wanted| {
                let mut servers = wanted.servers.iter();
                wanted.gateways.contains(gateway)
                    || servers.any(|server| self.attachments.serves(gateway, server))
            })
        };
        let is_kept = |gateway: &ObjectName| are_users || is_named(gateway);
        let kept = |gateway: &ObjectName| !is_served(gateway) && is_kept(gateway);
        self.model.served_on = self.attachments.servers(kept);
        let stays = |gateway: &ObjectName| is_served(gateway) || is_kept(gateway);
        let mut actions = self.attachments.left_over(stays);
        // These are control's own, whoever makes the WasmPlugins.
        let verifies = |gateway: &ObjectName| is_served(gateway) || is_named(gateway);
        actions.extend(self.authentications.left_over(verifies));
        actions.extend(streams::left_over(&self.objects, verifies));
        if wanted.is_none() {
            self.withhold();
        } else {
            self.is_withholding = false;
        }
        if actions.is_empty() {
            return;
        }
        let outcome = timeout(REMOVAL, self.apply.all(&actions)).await;
        if let Ok(Err(error)) = &outcome {
            tracing::warn!("{error}");
        }
        if !matches!(outcome, Ok(Ok(()))) {
            self.soon();
        }
    }
}

//! A follower for each gateway that is served.

use std::collections::BTreeMap;

use mcp_filter_config::{PluginConfig, Role};
use tokio::sync::mpsc;

use super::Owner;
use super::action::Action;
use super::apply::Apply;
use super::attachments::Attachments;
use super::authentications::Authentications;
use super::follower::{Follower, News, Wanted, Way};
use super::keys::SharedKeys;
use super::model::{Gateway, Model};
use super::nudges::{Nudges, Pair};
use super::objects::Objects;
use super::roll::Roll;
use super::streams;
use crate::gateway_client::GatewayClient;
use crate::index::{GatewayAddress, StreamsRoute};
use crate::issuers::Issuers;
use crate::object::ObjectName;
use crate::registry::Registry;
use crate::render::{
    Unwritable, for_role, managed_attachment, pushed_bytes, request_authentication, streams_route,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Followers {
    apply: Apply,
    teller: mpsc::Sender<(ObjectName, News)>,
    registry: Option<Registry>,
    served: BTreeMap<ObjectName, Served>,
}

/// A gateway that is served.
#[derive(Debug)]
struct Served {
    address: Result<GatewayAddress, String>,
    follower: Follower,
    wanted: Wanted,
}

/// What decides what is to be done to the objects that run the filter, and to those by which tokens are verified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attaching<'a> {
    pub(super) owner: &'a Owner,
    /// Where control makes them: of which image each gateway's are to be.
    pub(super) rolls: &'a BTreeMap<ObjectName, Roll>,
    /// As they are.
    pub(super) there: &'a Attachments,
    pub(super) authentications: &'a Authentications,
    /// Among them the HTTPRoutes that lead to `mcp-streams`.
    pub(super) objects: &'a Objects,
    /// What is known of whose tokens are taken.
    pub(super) issuers: &'a Issuers,
    /// Whether they have changed since the gateways were served last.
    pub(super) are_news: bool,
}

impl Followers {
    /// None yet. They tell of their gateways by `teller`, and look for images in the registry.
    pub(super) fn new(
        apply: Apply,
        teller: mpsc::Sender<(ObjectName, News)>,
        registry: Option<Registry>,
    ) -> Self {
        Self {
            apply,
            teller,
            registry,
            served: BTreeMap::new(),
        }
    }

    /// Hands each gateway what it shall be. Gives those that are served no more.
    pub(super) fn serve(
        &mut self,
        model: &Model,
        attaching: Attaching<'_>,
        keys: &SharedKeys,
    ) -> Vec<ObjectName> {
        let mut before = std::mem::take(&mut self.served);
        for (name, gateway) in &model.gateways {
            let address = match gateway.index.addresses.get(name) {
                Some(Ok(address)) => Ok(address.clone()),
                Some(Err(fault)) => Err(fault.message.clone()),
                None => Err("it is not known where it is reached".to_owned()),
            };
            let mut served = match before.remove(name) {
                Some(served) if served.address == address => served,
                other => {
                    if let Some(served) = other {
                        served.end();
                    }
                    self.start(name, address, keys)
                }
            };
            if let Some(wanted) = attaching.wanted(name, gateway)
                // What was done and undone since is to be done again.
                && (wanted != served.wanted || attaching.are_news && wanted.has_actions())
            {
                served.follower.want(wanted.clone());
                served.wanted = wanted;
            }
            self.served.insert(name.clone(), served);
        }
        let gone = before.into_iter().map(|(name, served)| {
            served.end();
            name
        });
        gone.collect()
    }

    /// Ends all sessions with servers.
    pub(super) async fn stop(self) {
        let followers = self.served.into_values();
        futures::future::join_all(followers.map(|served| served.follower.stop())).await;
    }

    fn start(
        &self,
        name: &ObjectName,
        address: Result<GatewayAddress, String>,
        keys: &SharedKeys,
    ) -> Served {
        let client = address.clone().and_then(|address| {
            if address.tls {
                return Err(
                    "its listener wants TLS: give spec.privateHost of the MCPGatewayExtension the address of an HTTP \
                     listener"
                        .to_owned(),
                );
            }
            GatewayClient::new(address.authority, keys.signer()).map_err(|error| error.to_string())
        });
        let nudges = Nudges::new(self.apply.clone(), self.registry.clone());
        let way = Way {
            client,
            apply: self.apply.clone(),
            nudges,
        };
        Served {
            address,
            follower: Follower::start(name.clone(), way, self.teller.clone()),
            wanted: Wanted::default(),
        }
    }
}

impl Served {
    /// In order, while others go on.
    fn end(self) {
        tokio::spawn(self.follower.stop());
    }
}

impl Attaching<'_> {
    fn wanted(&self, name: &ObjectName, gateway: &Gateway) -> Option<Wanted> {
        let config = gateway.config()?;
        let route = gateway.index.streams_route.as_ref();
        let actions = self.actions(name, config);
        let actions = actions.and_then(|actions| Ok((actions, self.beside(name, route)?)));
        let (actions, beside) = match actions {
            Ok(both) => both,
            Err(error) => {
                tracing::error!("Gateway {name}: {error}");
                return None;
            }
        };
        Some(Wanted {
            generation: config.generation.clone(),
            bytes: pushed_bytes(config),
            is_given: !actions.is_empty() || self.there.is_given(name, &config.generation),
            live: gateway.shall_serve(),
            actions,
            beside,
            pair: self.pair(name),
            subjects: gateway.subjects(),
            endpoint: gateway.endpoint(),
        })
    }

    /// What control has made for a gateway, if its image is to be had.
    fn pair(&self, name: &ObjectName) -> Option<Pair> {
        let (Roll::To(image) | Roll::Keep(image, _)) = self.rolls.get(name)? else {
            return None;
        };
        let objects = self.there.managed_of(name, image);
        (!objects.is_empty()).then(|| Pair {
            image: image.clone(),
            objects,
        })
    }

    /// What is to be done to all that a gateway has of control. The filter wants tokens before any is verified, and
    /// wants none before none is: where Istio's part cannot be written, nobody gets in.
    fn actions(&self, name: &ObjectName, config: &PluginConfig) -> Result<Vec<Action>, Unwritable> {
        // What was known before a start is as good until an issuer says otherwise.
        let keys = |issuer: &str| match self.issuers.keys(issuer) {
            Some(keys) => Some(keys.to_string()),
            None => self.authentications.keys(name, issuer),
        };
        let authentication = request_authentication(name, config, keys)?;
        let [verified, unverified] = self.authentications.manage(name, authentication.as_ref());
        let attached = self.attached(name, config)?;
        let all = attached.into_iter().chain(verified).chain(unverified);
        Ok(all.collect())
    }

    /// What leads the gateway to its `mcp-streams`.
    fn beside(
        &self,
        name: &ObjectName,
        route: Option<&StreamsRoute>,
    ) -> Result<Vec<Action>, Unwritable> {
        let route = route.map(|route| streams_route(name, route)).transpose()?;
        let [led, unled] = streams::manage(self.objects, name, route.as_ref());
        Ok(led.into_iter().chain(unled).collect())
    }

    fn attached(
        &self,
        name: &ObjectName,
        config: &PluginConfig,
    ) -> Result<Vec<Action>, Unwritable> {
        match self.owner {
            Owner::Control(wanted) => {
                let Some(Roll::To(image) | Roll::Keep(image, _)) = self.rolls.get(name) else {
                    return Ok(Vec::new());
                };
                let mut pair = managed_attachment(wanted.attach, name, image, config)?;
                for part in &mut pair {
                    let secret = wanted.pull_secret.as_deref();
                    let secret = secret.or_else(|| self.there.pull_secret(name, part));
                    if let Some(secret) = secret.map(str::to_owned) {
                        wanted.attach.pull_by(part, &secret);
                    }
                }
                Ok(self.there.manage(name, &pair))
            }
            Owner::User => {
                let parts = [("route", Role::Route), ("gate", Role::Gate)];
                let configs = parts.map(|(part, role)| {
                    serde_json::to_value(for_role(config, role)).map(|config| (part, config))
                });
                let configs: Vec<_> = configs.into_iter().collect::<Result<_, _>>()?;
                Ok(self.there.adopt(name, &configs))
            }
        }
    }
}

//! What has to be done to the objects by which a gateway runs the filter.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::action::{Action, mend};
use super::objects::{Change, Effect, name};
use super::roll::There;
use crate::attach::{Attach, Attachment};
use crate::image::Image;
use crate::labels::{COMPONENT, INSTANCE, MANAGED_BY, PART_OF, PROGRAM, PROJECT, label};
use crate::object::ObjectName;
use crate::registry::Understood;

/// The WasmPlugins of the cluster, and the EnvoyFilters where control may know them, as they were seen last.
#[derive(Clone, Debug, Default)]
pub(super) struct Attachments {
    known: BTreeMap<Attachment, Value>,
    /// What stands in these.
    configs: BTreeMap<Attachment, Value>,
    seen: BTreeSet<Attach>,
}

impl Attachments {
    /// Takes in what the watch of a kind tells.
    pub(super) fn apply(&mut self, attach: Attach, change: Change) -> Effect {
        self.seen.insert(attach);
        let of = |name| Attachment { attach, name };
        match change {
            Change::Put(object) => {
                let name = name(&object);
                self.insert(of(name), value(*object));
            }
            Change::Gone(name) => {
                self.known.remove(&of(name.clone()));
                self.configs.remove(&of(name));
            }
            Change::Listed(objects) => {
                self.known.retain(|known, _| known.attach != attach);
                self.configs.retain(|known, _| known.attach != attach);
                for object in objects {
                    self.insert(of(name(&object)), value(object));
                }
            }
            Change::NotServed | Change::Hidden | Change::Forbidden => return Effect::Nothing,
        }
        Effect::Changed
    }

    fn insert(&mut self, known: Attachment, object: Value) {
        match known.attach.config(&object) {
            Some(config) => self.configs.insert(known.clone(), config),
            None => self.configs.remove(&known),
        };
        self.known.insert(known, object);
    }

    /// Whether all of a kind were seen.
    pub(super) fn has_seen(&self, attach: Attach) -> bool {
        self.seen.contains(&attach)
    }

    /// The configuration that a gateway was given last.
    pub(super) fn config(&self, gateway: &ObjectName) -> Option<&Value> {
        let is_whole = |known: &Attachment, object: &Value| {
            label(object, COMPONENT) == Some(known.attach.whole())
        };
        let mut whole = self
            .of(gateway)
            .filter(|(known, object)| is_whole(known, object));
        whole.find_map(|(known, _)| self.configs.get(known))
    }

    /// By what a gateway runs the filter that control has made: of the wanted image, where that is among them. Whatever
    /// became of the objects, names and labels say which it is.
    pub(super) fn managed(&self, gateway: &ObjectName, wanted: &Image) -> Option<There> {
        let managed = self.of(gateway).filter(|(_, plugin)| is_managed(plugin));
        let there = managed.filter_map(|(known, object)| {
            let written: Option<Image> = url(known, object).and_then(|url| url.parse().ok());
            let mut images = [Some(wanted.clone()), written].into_iter().flatten();
            let config = self.configs.get(known).filter(|config| config.is_object());
            Some(There {
                image: images.find(|image| known.is_of(object, gateway, image))?,
                understood: config.map(Understood::of_given),
            })
        });
        let mut there: Vec<_> = there.collect();
        there.sort_by_key(|there| there.image != *wanted);
        there.into_iter().next()
    }

    /// The login's Secret that somebody has set on the pair that is there, for parts that are not there yet.
    pub(super) fn pull_secret(&self, gateway: &ObjectName, part: &Value) -> Option<&str> {
        let part = part.pointer("/metadata/name").and_then(Value::as_str)?;
        let mut managed = self.of(gateway).filter(|(_, plugin)| is_managed(plugin));
        if managed.clone().any(|(known, _)| known.name.name == part) {
            return None;
        }
        managed.find_map(|(_, plugin)| plugin.pointer("/spec/imagePullSecret")?.as_str())
    }

    /// Whether a gateway was given the configuration of this generation.
    pub(super) fn is_given(&self, gateway: &ObjectName, generation: &str) -> bool {
        let given = self.config(gateway);
        let given = given.and_then(|config| config.get("generation")?.as_str());
        given == Some(generation)
    }

    /// What control has made by which a gateway pulls this image.
    pub(super) fn managed_of(&self, gateway: &ObjectName, image: &Image) -> Vec<Attachment> {
        let wanted = image.to_string();
        let managed = self
            .of(gateway)
            .filter(|(known, object)| is_managed(object) && url(known, object) == Some(&wanted));
        managed.map(|(known, _)| known.clone()).collect()
    }

    /// Whether a gateway was given a configuration with this server.
    pub(super) fn serves(&self, gateway: &ObjectName, server: &ObjectName) -> bool {
        let mut given = self.config(gateway).into_iter().flat_map(servers);
        given.any(|known| known == *server)
    }

    /// The servers in the configurations that gateways were given of which `is_meant` holds.
    pub(super) fn servers(&self, is_meant: impl Fn(&ObjectName) -> bool) -> BTreeSet<ObjectName> {
        let gateways = self.known.iter().filter_map(|(known, object)| {
            Some(ObjectName {
                namespace: known.name.namespace.clone(),
                name: label(object, INSTANCE)?.to_owned(),
            })
        });
        let gateways: BTreeSet<_> = gateways.filter(is_meant).collect();
        let configs = gateways.iter().filter_map(|gateway| self.config(gateway));
        configs.flat_map(servers).collect()
    }

    /// What makes what control owns of a gateway as it is to be: `wanted`, and no other. The new comes before the old goes,
    /// so that there is always one. Nothing where there would be a second one beside another's.
    pub(super) fn manage(&self, gateway: &ObjectName, wanted: &[Value]) -> Vec<Action> {
        let is_wanted = |known: &Attachment| wanted.iter().any(|object| *known == named(object));
        // Also while others' pair is handed over part by part: no gateway answers with two gates.
        let has_pair = self.of(gateway).any(|(known, _)| is_wanted(known));
        if !has_pair && self.others(gateway).next().is_some() {
            return Vec::new();
        }
        let mut actions: Vec<_> = wanted
            .iter()
            .flat_map(|object| {
                let known = named(object);
                let there = self.known.get(&known);
                mend((&known.key(), there), object, |member| {
                    known.attach.is_others(member)
                })
            })
            .collect();
        let old = self
            .of(gateway)
            .filter(|(known, object)| is_managed(object) && !is_wanted(known));
        actions.extend(old.map(|(known, _)| Action::Delete(known.key())));
        actions
    }

    /// What hands each part of the pair that a user owns its configuration. One that control has made goes then.
    pub(super) fn adopt(&self, gateway: &ObjectName, configs: &[(&str, Value)]) -> Vec<Action> {
        let wanted = self.others(gateway).filter_map(|(known, plugin)| {
            let component = label(plugin, COMPONENT)?;
            let name = &known.name;
            let (_, config) = configs.iter().find(|(part, _)| *part == component)?;
            Some(json!({
                "apiVersion": plugin.get("apiVersion"),
                "kind": plugin.get("kind"),
                // With its uid, or what is deleted meanwhile would come back as half an object.
                "metadata": {
                    "namespace": name.namespace,
                    "name": name.name,
                    "uid": plugin.pointer("/metadata/uid"),
                },
                "spec": {"pluginConfig": config},
            }))
        });
        let mut actions: Vec<_> = wanted
            .flat_map(|plugin| {
                let known = named(&plugin);
                let there = self.known.get(&known);
                mend((&known.key(), there), &plugin, |member| {
                    member != "pluginConfig"
                })
            })
            .collect();
        if self.missing_part(gateway).is_none() {
            let ours = self.of(gateway).filter(|(_, object)| is_managed(object));
            actions.extend(ours.map(|(known, _)| Action::Delete(known.key())));
        }
        actions
    }

    /// Which part of the pair that a user owns is not there, and how it is found.
    pub(super) fn lack(&self, gateway: &ObjectName) -> Option<String> {
        let part = self.missing_part(gateway)?;
        let ObjectName { namespace, name } = gateway;
        Some(format!(
            "namespace {namespace} has no WasmPlugin with the labels {PART_OF}={PROJECT}, {INSTANCE}={name} and \
             {COMPONENT}={part}: make it, or let control make the pair (--wasmplugins=manage)"
        ))
    }

    /// Which objects that control has not made keep it from making what runs the filter in a gateway, or are beside that.
    /// Those that have the name of what control makes of this image are its own, whatever their labels say.
    pub(super) fn conflict(
        &self,
        gateway: &ObjectName,
        attach: Attach,
        image: &Image,
    ) -> Option<String> {
        let is_own = |known: &Attachment| known.attach == attach && known.is_own(gateway, image);
        let others = self.others(gateway).filter(|(known, _)| !is_own(known));
        let others =
            others.map(|(known, _)| format!("{} {}", known.attach.kind(), known.name.name));
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            return None;
        }
        Some(format!(
            "namespace {} has objects that run the filter in Gateway {} and that control has not made ({}), and a gateway \
             runs it once: delete them, or have control replace them, by the label {MANAGED_BY}={PROGRAM}, or let \
             WasmPlugins stay yours (--wasmplugins=adopt)",
            gateway.namespace,
            gateway.name,
            others.join(", ")
        ))
    }

    /// The managed ones of gateways for which `is_kept` does not hold.
    pub(super) fn left_over(&self, is_kept: impl Fn(&ObjectName) -> bool) -> Vec<Action> {
        let managed = self.known.iter().filter(|(_, object)| is_managed(object));
        let left = managed.filter(|(known, object)| {
            label(object, PART_OF) == Some(PROJECT)
                && label(object, INSTANCE).is_some_and(|gateway| {
                    !is_kept(&ObjectName {
                        namespace: known.name.namespace.clone(),
                        name: gateway.to_owned(),
                    })
                })
        });
        left.map(|(known, _)| Action::Delete(known.key())).collect()
    }

    fn of(&self, gateway: &ObjectName) -> impl Iterator<Item = (&Attachment, &Value)> + Clone {
        self.known.iter().filter(|(known, object)| {
            known.name.namespace == gateway.namespace
                && label(object, PART_OF) == Some(PROJECT)
                && label(object, INSTANCE) == Some(&gateway.name)
        })
    }

    /// What runs the filter in a gateway and control has not made.
    fn others(&self, gateway: &ObjectName) -> impl Iterator<Item = (&Attachment, &Value)> {
        self.of(gateway).filter(move |(known, object)| {
            let is_part = |part: &str| known.attach.components().contains(&part);
            !is_managed(object) && label(object, COMPONENT).is_some_and(is_part)
        })
    }

    /// Of the pair that a user owns.
    fn missing_part(&self, gateway: &ObjectName) -> Option<&'static str> {
        let has = |part: &str| {
            let mut others = self.others(gateway);
            others.any(|(_, plugin)| label(plugin, COMPONENT) == Some(part))
        };
        let mut parts = Attach::WasmPlugin.components().iter();
        parts.find(|part| !has(part)).copied()
    }
}

/// Those of a configuration.
fn servers(config: &Value) -> impl Iterator<Item = ObjectName> {
    let servers = config.get("servers").and_then(Value::as_array);
    let names = servers.into_iter().flatten();
    names.filter_map(|server| ObjectName::parse(server.get("name")?.as_str()?))
}

pub(super) fn value(mut object: DynamicObject) -> Value {
    object.metadata.managed_fields = None;
    // Strings, numbers and lists alone: cannot fail.
    serde_json::to_value(object).unwrap_or_default()
}

/// Which object a manifest is of.
fn named(object: &Value) -> Attachment {
    let text = |place: &str| object.pointer(place).and_then(Value::as_str);
    let text = |place: &str| text(place).unwrap_or_default().to_owned();
    let kind = text("/kind");
    let mut kinds = Attach::ALL.into_iter();
    Attachment {
        attach: kinds
            .find(|attach| attach.kind() == kind)
            .unwrap_or(Attach::WasmPlugin),
        name: ObjectName {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        },
    }
}

/// Of the image that it names.
fn url<'a>(known: &Attachment, object: &'a Value) -> Option<&'a str> {
    object
        .pointer(known.attach.url_place())
        .and_then(Value::as_str)
}

pub(super) fn is_managed(object: &Value) -> bool {
    label(object, MANAGED_BY) == Some(PROGRAM)
}

#[cfg(test)]
mod tests;

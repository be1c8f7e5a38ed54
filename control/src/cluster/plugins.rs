//! What has to be done to the WasmPlugins of a gateway.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::objects::{Change, Effect, name};
use super::roll::There;
use crate::image::Image;
use crate::labels::{COMPONENT, INSTANCE, MANAGED_BY, PART_OF, PROGRAM, PROJECT};
use crate::object::ObjectName;
use crate::registry::Understood;
use crate::render::name_suffix;

/// The members of `spec` that are whoever's has set them, in a pair that control owns. Any other narrows what passes by
/// the filter, or makes another of it.
const OTHERS: [&str; 1] = ["imagePullSecret"];

/// The parts of a pair, as their labels name them.
const PARTS: [&str; 2] = ["route", "gate"];

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Own these fields of a WasmPlugin, and make it where it is not there.
    Apply(Value),
    /// Take out what another has put into a `spec`, and put back what was there: a merge patch (RFC 7396).
    Prune(ObjectName, Value),
    /// Take it away.
    Delete(ObjectName),
}

/// The WasmPlugins of the cluster, as they were seen last.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugins {
    known: BTreeMap<ObjectName, Value>,
}

impl Plugins {
    /// Takes in what the watch tells.
    pub(super) fn apply(&mut self, change: Change) -> Effect {
        match change {
            Change::Put(object) => {
                let name = name(&object);
                self.known.insert(name, value(*object));
            }
            Change::Gone(name) => {
                self.known.remove(&name);
            }
            Change::Listed(objects) => {
                let objects = objects.into_iter();
                self.known = objects
                    .map(|object| (name(&object), value(object)))
                    .collect();
            }
            Change::NotServed | Change::Hidden | Change::Forbidden => return Effect::Nothing,
        }
        Effect::Changed
    }

    /// The configuration that a gateway was given last.
    pub(super) fn config(&self, gateway: &ObjectName) -> Option<&Value> {
        let its = self.of(gateway);
        let mut routes = its.filter(|(_, plugin)| label(plugin, COMPONENT) == Some("route"));
        routes.find_map(|(_, route)| route.pointer("/spec/pluginConfig"))
    }

    /// What a gateway's pair is that control has made: of the wanted image, where that is among them. Whatever became of its
    /// parts, their names say which it is.
    pub(super) fn managed(&self, gateway: &ObjectName, wanted: &Image) -> Option<There> {
        let managed = self.of(gateway).filter(|(_, plugin)| is_managed(plugin));
        let there = managed.filter_map(|(name, plugin)| {
            let url = plugin.pointer("/spec/url").and_then(Value::as_str);
            let written: Option<Image> = url.and_then(|url| url.parse().ok());
            let mut images = [Some(wanted.clone()), written].into_iter().flatten();
            let config = plugin.pointer("/spec/pluginConfig");
            Some(There {
                image: images.find(|image| name.name.ends_with(&name_suffix(gateway, image)))?,
                understood: Understood::of_given(config.unwrap_or(&Value::Null)),
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
        if managed.clone().any(|(name, _)| name.name == part) {
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

    /// The parts of a gateway's pair of this image that control has made.
    pub(super) fn managed_of(&self, gateway: &ObjectName, image: &Image) -> Vec<ObjectName> {
        let url = image.to_string();
        let managed = self.of(gateway).filter(|(_, plugin)| {
            let its = plugin.pointer("/spec/url").and_then(Value::as_str);
            is_managed(plugin) && its == Some(&url)
        });
        managed.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a gateway was given a configuration with this server.
    pub(super) fn serves(&self, gateway: &ObjectName, server: &ObjectName) -> bool {
        let mut given = self.config(gateway).into_iter().flat_map(servers);
        given.any(|known| known == *server)
    }

    /// The servers in the configurations that gateways were given of which `is_meant` holds.
    pub(super) fn servers(&self, is_meant: impl Fn(&ObjectName) -> bool) -> BTreeSet<ObjectName> {
        let gateways = self.known.iter().filter_map(|(name, plugin)| {
            Some(ObjectName {
                namespace: name.namespace.clone(),
                name: label(plugin, INSTANCE)?.to_owned(),
            })
        });
        let gateways: BTreeSet<_> = gateways.filter(is_meant).collect();
        let configs = gateways.iter().filter_map(|gateway| self.config(gateway));
        configs.flat_map(servers).collect()
    }

    /// What makes the pair of a gateway that control owns as it is to be: `wanted`, and no other. The new one comes before
    /// the old one goes, so that there is always one. Nothing where there would be a second one beside another's.
    pub(super) fn manage(&self, gateway: &ObjectName, wanted: &[Value]) -> Vec<Action> {
        let is_wanted = |name: &ObjectName| {
            let mut names = wanted.iter();
            names.any(|plugin| {
                plugin.pointer("/metadata/name").and_then(Value::as_str) == Some(&name.name)
            })
        };
        // Also while others' pair is handed over part by part: no gateway answers with two gates.
        let has_pair = self.of(gateway).any(|(name, _)| is_wanted(name));
        if !has_pair && self.others(gateway).next().is_some() {
            return Vec::new();
        }
        let mut actions: Vec<_> = wanted
            .iter()
            .flat_map(|plugin| self.mend(gateway, plugin, |member| OTHERS.contains(&member)))
            .collect();
        let old = self
            .of(gateway)
            .filter(|(name, plugin)| is_managed(plugin) && !is_wanted(name));
        actions.extend(old.map(|(name, _)| Action::Delete(name.clone())));
        actions
    }

    /// What hands each part of the pair that a user owns its configuration. One that control has made goes then.
    pub(super) fn adopt(&self, gateway: &ObjectName, configs: &[(&str, Value)]) -> Vec<Action> {
        let wanted = self.others(gateway).filter_map(|(name, plugin)| {
            let component = label(plugin, COMPONENT)?;
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
            .flat_map(|plugin| self.mend(gateway, &plugin, |member| member != "pluginConfig"))
            .collect();
        if self.missing_part(gateway).is_none() {
            let ours = self.of(gateway).filter(|(_, plugin)| is_managed(plugin));
            actions.extend(ours.map(|(name, _)| Action::Delete(name.clone())));
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

    /// Which WasmPlugins that control has not made keep it from making the pair of a gateway, or are beside that. Those of
    /// names that end with `own` are its own, whatever their labels say.
    pub(super) fn conflict(&self, gateway: &ObjectName, own: &str) -> Option<String> {
        let others = self.others(gateway).map(|(name, _)| name.name.as_str());
        let others: Vec<_> = others.filter(|name| !name.ends_with(own)).collect();
        if others.is_empty() {
            return None;
        }
        Some(format!(
            "namespace {} has WasmPlugins for Gateway {} that control has not made ({}), and a gateway has one pair: \
             delete them, or have control replace them, by the label {MANAGED_BY}={PROGRAM}, or let them stay yours \
             (--wasmplugins=adopt)",
            gateway.namespace,
            gateway.name,
            others.join(", ")
        ))
    }

    /// The managed ones of gateways for which `is_kept` does not hold.
    pub(super) fn left_over(&self, is_kept: impl Fn(&ObjectName) -> bool) -> Vec<Action> {
        let managed = self.known.iter().filter(|(_, plugin)| is_managed(plugin));
        let left = managed.filter(|(name, plugin)| {
            label(plugin, PART_OF) == Some(PROJECT)
                && label(plugin, INSTANCE).is_some_and(|gateway| {
                    !is_kept(&ObjectName {
                        namespace: name.namespace.clone(),
                        name: gateway.to_owned(),
                    })
                })
        });
        left.map(|(name, _)| Action::Delete(name.clone())).collect()
    }

    fn of(&self, gateway: &ObjectName) -> impl Iterator<Item = (&ObjectName, &Value)> + Clone {
        self.known.iter().filter(|(name, plugin)| {
            name.namespace == gateway.namespace
                && label(plugin, PART_OF) == Some(PROJECT)
                && label(plugin, INSTANCE) == Some(&gateway.name)
        })
    }

    /// The parts of a gateway's pair that control has not made.
    fn others(&self, gateway: &ObjectName) -> impl Iterator<Item = (&ObjectName, &Value)> {
        let is_part = |part: &str| PARTS.contains(&part);
        self.of(gateway).filter(move |(_, plugin)| {
            !is_managed(plugin) && label(plugin, COMPONENT).is_some_and(is_part)
        })
    }

    /// Of the pair that a user owns.
    fn missing_part(&self, gateway: &ObjectName) -> Option<&'static str> {
        let has = |part: &str| {
            let mut others = self.others(gateway);
            others.any(|(_, plugin)| label(plugin, COMPONENT) == Some(part))
        };
        PARTS.into_iter().find(|part| !has(part))
    }

    /// What brings an object to have `wanted`, and in `spec` nothing else but what is others'.
    fn mend(
        &self,
        gateway: &ObjectName,
        wanted: &Value,
        is_others: impl Fn(&str) -> bool,
    ) -> Vec<Action> {
        let apply = || Action::Apply(wanted.clone());
        let name = wanted.pointer("/metadata/name").and_then(Value::as_str);
        let name = ObjectName {
            namespace: gateway.namespace.clone(),
            name: name.unwrap_or_default().to_owned(),
        };
        let Some(there) = self.known.get(&name) else {
            return vec![apply()];
        };
        // At once with what has to be put back: the apiserver refuses some members beside others.
        let excess = excess(there, wanted, is_others);
        let prune = excess.map(|spec| Action::Prune(name, json!({ "spec": spec })));
        let apply = (!has(there, wanted)).then(apply);
        prune.into_iter().chain(apply).collect()
    }
}

/// Those of a configuration.
fn servers(config: &Value) -> impl Iterator<Item = ObjectName> {
    let servers = config.get("servers").and_then(Value::as_array);
    let names = servers.into_iter().flatten();
    names.filter_map(|server| ObjectName::parse(server.get("name")?.as_str()?))
}

fn value(mut object: DynamicObject) -> Value {
    object.metadata.managed_fields = None;
    // Strings, numbers and lists alone: cannot fail.
    serde_json::to_value(object).unwrap_or_default()
}

fn label<'a>(object: &'a Value, label: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(label)?.as_str()
}

fn is_managed(object: &Value) -> bool {
    label(object, MANAGED_BY) == Some(PROGRAM)
}

/// Whether `there` has every field of `wanted`, as it is there.
fn has(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| there.get(key).is_some_and(|there| has(there, wanted))),
        _ => there == wanted,
    }
}

/// The merge patch of `spec` that leaves nothing there that is neither wanted nor others'; `None` where there is no such
/// thing.
fn excess(there: &Value, wanted: &Value, is_others: impl Fn(&str) -> bool) -> Option<Value> {
    let (there, wanted) = (there.get("spec")?, wanted.get("spec")?);
    let is_strange = |(member, value): (&String, &Value)| {
        !is_others(member) && has_more(value, wanted.get(member))
    };
    if !there.as_object()?.iter().any(is_strange) {
        return None;
    }
    let mut patch = difference(there, wanted)?;
    patch
        .as_object_mut()?
        .retain(|member, _| !is_others(member));
    Some(patch)
}

/// Whether `there` has a member that `wanted` has not.
fn has_more(there: &Value, wanted: Option<&Value>) -> bool {
    match (there, wanted) {
        (_, None) => true,
        (Value::Object(there), Some(Value::Object(wanted))) => there
            .iter()
            .any(|(member, there)| has_more(there, wanted.get(member))),
        _ => false,
    }
}

/// The merge patch that makes `wanted` of `there`.
fn difference(there: &Value, wanted: &Value) -> Option<Value> {
    let (Value::Object(members), Value::Object(wanted)) = (there, wanted) else {
        return (there != wanted).then(|| wanted.clone());
    };
    let gone = members
        .keys()
        .filter(|member| !wanted.contains_key(*member));
    let gone = gone.map(|member| (member.clone(), Value::Null));
    let changed = wanted.iter().filter_map(|(member, wanted)| {
        let there = members.get(member).unwrap_or(&Value::Null);
        Some((member.clone(), difference(there, wanted)?))
    });
    let patch: Map<_, _> = gone.chain(changed).collect();
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests;

//! What has to be done to the WasmPlugins of a gateway.

use std::collections::BTreeMap;

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::objects::{Change, Effect, name};
use crate::labels::{COMPONENT, INSTANCE, MANAGED_BY, PART_OF, PROGRAM, PROJECT};
use crate::object::ObjectName;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Own these fields of a WasmPlugin, and make it where it is not there.
    Apply(Value),
    /// Take out what another has put into a `pluginConfig`: a merge patch (RFC 7396).
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
            Change::NotServed | Change::Forbidden => return Effect::Nothing,
        }
        Effect::Changed
    }

    /// The configuration that a gateway was given last.
    pub(super) fn config(&self, gateway: &ObjectName) -> Option<&Value> {
        let mut its = self.of(gateway);
        let (_, route) = its.find(|(_, plugin)| label(plugin, COMPONENT) == Some("route"))?;
        route.pointer("/spec/pluginConfig")
    }

    /// Whether a gateway was given a configuration with this server.
    pub(super) fn serves(&self, gateway: &ObjectName, server: &ObjectName) -> bool {
        let config = self.config(gateway);
        let servers = config.and_then(|config| config.get("servers")?.as_array());
        let name = server.to_string();
        servers
            .into_iter()
            .flatten()
            .any(|known| known.get("name").and_then(Value::as_str) == Some(&name))
    }

    /// What makes the pair of a gateway that control owns as it is to be: `wanted`, and no other. The new one comes before
    /// the old one goes, so that there is always one.
    pub(super) fn manage(&self, gateway: &ObjectName, wanted: &[Value]) -> Vec<Action> {
        let mut actions: Vec<_> = wanted
            .iter()
            .filter_map(|plugin| self.mend(gateway, plugin))
            .collect();
        let is_wanted = |name: &ObjectName| {
            let mut names = wanted.iter();
            names.any(|plugin| {
                plugin.pointer("/metadata/name").and_then(Value::as_str) == Some(&name.name)
            })
        };
        let old = self
            .of(gateway)
            .filter(|(name, plugin)| is_managed(plugin) && !is_wanted(name));
        actions.extend(old.map(|(name, _)| Action::Delete(name.clone())));
        actions
    }

    /// What hands each part of the pair that a user owns its configuration.
    pub(super) fn adopt(&self, gateway: &ObjectName, configs: &[(&str, Value)]) -> Vec<Action> {
        let theirs = self.of(gateway).filter(|(_, plugin)| !is_managed(plugin));
        let actions = theirs.filter_map(|(name, plugin)| {
            let component = label(plugin, COMPONENT)?;
            let (_, config) = configs.iter().find(|(part, _)| *part == component)?;
            let wanted = json!({
                "apiVersion": plugin.get("apiVersion"),
                "kind": plugin.get("kind"),
                // With its uid, or what is deleted meanwhile would come back as half an object.
                "metadata": {
                    "namespace": name.namespace,
                    "name": name.name,
                    "uid": plugin.pointer("/metadata/uid"),
                },
                "spec": {"pluginConfig": config},
            });
            self.mend(gateway, &wanted)
        });
        actions.collect()
    }

    /// Which part of the pair that a user owns is not there, and how it is found.
    pub(super) fn lack(&self, gateway: &ObjectName) -> Option<String> {
        let has = |part: &str| {
            let mut theirs = self.of(gateway).filter(|(_, plugin)| !is_managed(plugin));
            theirs.any(|(_, plugin)| label(plugin, COMPONENT) == Some(part))
        };
        let part = ["route", "gate"].into_iter().find(|part| !has(part))?;
        let ObjectName { namespace, name } = gateway;
        Some(format!(
            "namespace {namespace} has no WasmPlugin with the labels {PART_OF}={PROJECT}, {INSTANCE}={name} and \
             {COMPONENT}={part}: make it, or let control make the pair (--wasmplugins=manage)"
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

    fn of(&self, gateway: &ObjectName) -> impl Iterator<Item = (&ObjectName, &Value)> {
        self.known.iter().filter(|(name, plugin)| {
            name.namespace == gateway.namespace
                && label(plugin, PART_OF) == Some(PROJECT)
                && label(plugin, INSTANCE) == Some(&gateway.name)
        })
    }

    /// What brings an object to have `wanted`.
    fn mend(&self, gateway: &ObjectName, wanted: &Value) -> Option<Action> {
        let name = ObjectName {
            namespace: gateway.namespace.clone(),
            name: wanted.pointer("/metadata/name")?.as_str()?.to_owned(),
        };
        let Some(there) = self.known.get(&name) else {
            return Some(Action::Apply(wanted.clone()));
        };
        if !has(there, wanted) {
            return Some(Action::Apply(wanted.clone()));
        }
        let config = wanted.pointer("/spec/pluginConfig");
        let excess = excess(there.pointer("/spec/pluginConfig")?, config?)?;
        Some(Action::Prune(
            name,
            json!({"spec": {"pluginConfig": excess}}),
        ))
    }
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

/// The merge patch that takes away the members of `there` that `wanted` has not.
fn excess(there: &Value, wanted: &Value) -> Option<Value> {
    let (there, wanted) = (there.as_object()?, wanted.as_object()?);
    let members = there
        .iter()
        .filter_map(|(key, there)| match wanted.get(key) {
            None => Some((key.clone(), Value::Null)),
            Some(wanted) => Some((key.clone(), excess(there, wanted)?)),
        });
    let members: Map<_, _> = members.collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway() -> ObjectName {
        ObjectName {
            namespace: "infra".to_owned(),
            name: "gw".to_owned(),
        }
    }

    fn plugin(name: &str, component: &str, config: Value) -> Value {
        json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": {
                "name": name,
                "namespace": "infra",
                "labels": {
                    PART_OF: PROJECT,
                    INSTANCE: "gw",
                    COMPONENT: component,
                    MANAGED_BY: PROGRAM,
                },
            },
            "spec": {"phase": "AUTHN", "pluginConfig": config},
        })
    }

    fn pair(version: &str, config: &Value) -> Vec<Value> {
        ["route", "gate"]
            .map(|part| plugin(&format!("mcp-{part}-gw-{version}"), part, config.clone()))
            .to_vec()
    }

    fn known(plugins: &[Value]) -> Plugins {
        let objects = plugins.iter().cloned();
        let objects = objects.map(|plugin| serde_json::from_value(plugin).unwrap());
        let mut known = Plugins::default();
        known.apply(Change::Listed(objects.collect()));
        known
    }

    fn set(plugin: &Value, place: &str, value: Value) -> Value {
        let mut plugin = plugin.clone();
        *plugin.pointer_mut(place).unwrap() = value;
        plugin
    }

    #[test]
    fn what_is_as_it_shall_be_is_left_alone() {
        let pair = pair("1", &json!({"version": 1, "servers": []}));
        assert_eq!(known(&[]).manage(&gateway(), &pair).len(), 2);
        assert_eq!(known(&pair).manage(&gateway(), &pair), []);
    }

    #[test]
    fn what_another_has_changed_is_taken_back() {
        let pair = pair("1", &json!({"version": 1, "limits": {"a": 1}}));
        let [route, gate] = [&pair[0], &pair[1]];
        let changed = set(route, "/spec/phase", json!("STATS"));
        assert_eq!(
            known(&[changed, gate.clone()]).manage(&gateway(), &pair),
            [Action::Apply(route.clone())]
        );
        let more = json!({"version": 1, "limits": {"a": 1, "b": 2}, "requires": ["x"]});
        let extended = set(route, "/spec/pluginConfig", more);
        let name = ObjectName {
            namespace: "infra".to_owned(),
            name: "mcp-route-gw-1".to_owned(),
        };
        let excess = json!({"spec": {"pluginConfig": {"limits": {"b": null}, "requires": null}}});
        assert_eq!(
            known(&[extended, gate.clone()]).manage(&gateway(), &pair),
            [Action::Prune(name, excess)]
        );
        let labelled = set(route, "/metadata/labels", {
            let mut labels = route["metadata"]["labels"].clone();
            labels["team"] = json!("platform");
            labels
        });
        assert_eq!(
            known(&[labelled, gate.clone()]).manage(&gateway(), &pair),
            [],
            "what nobody asked for is its owner's"
        );
    }

    #[test]
    fn a_pair_of_another_image_comes_before_the_old_one_goes() {
        let (old, new) = (pair("1", &json!({})), pair("2", &json!({})));
        let actions = known(&old).manage(&gateway(), &new);
        let kinds: Vec<_> = actions
            .iter()
            .map(|action| matches!(action, Action::Apply(_)))
            .collect();
        assert_eq!(kinds, [true, true, false, false]);
    }

    #[test]
    fn of_an_adopted_pair_the_configuration_alone_is_owned() {
        let config = json!({"version": 1});
        let ours = [("route", config.clone()), ("gate", config)];
        let theirs = |component: &str| {
            let mut plugin = plugin(&format!("my-{component}"), component, json!({}));
            let labels = plugin["metadata"]["labels"].as_object_mut().unwrap();
            labels.remove(MANAGED_BY);
            plugin["metadata"]["uid"] = "1".into();
            plugin
        };
        let there = [theirs("route"), theirs("gate")];
        let actions = known(&there).adopt(&gateway(), &ours);
        assert_eq!(actions.len(), 2);
        for action in actions {
            let Action::Apply(object) = action else {
                panic!("{action:?}")
            };
            assert_eq!(object["spec"], json!({"pluginConfig": {"version": 1}}));
            assert!(object["metadata"].get("labels").is_none());
        }
        assert_eq!(known(&there).lack(&gateway()), None);
        let lack = known(&there[..1]).lack(&gateway()).unwrap();
        assert!(lack.contains("component=gate"), "{lack}");
        assert_eq!(known(&[]).adopt(&gateway(), &ours), [], "none is made");
        assert_eq!(known(&there).left_over(|_| false), [], "none is deleted");
    }

    #[test]
    fn the_pair_of_a_gateway_that_serves_no_more_goes() {
        let known = known(&pair("1", &json!({})));
        assert_eq!(known.left_over(|name| *name == gateway()), []);
        assert_eq!(known.left_over(|_| false).len(), 2);
    }
}

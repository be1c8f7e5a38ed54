//! What has to be done to the WasmPlugins of a gateway.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::objects::{Change, Effect, name};
use crate::labels::{COMPONENT, INSTANCE, MANAGED_BY, PART_OF, PROGRAM, PROJECT};
use crate::object::ObjectName;

/// The members of `spec` that are whoever's has set them, in a pair that control owns. Any other narrows what passes by
/// the filter, or makes another of it.
const OTHERS: [&str; 1] = ["imagePullSecret"];

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
    /// the old one goes, so that there is always one.
    pub(super) fn manage(&self, gateway: &ObjectName, wanted: &[Value]) -> Vec<Action> {
        let mut actions: Vec<_> = wanted
            .iter()
            .flat_map(|plugin| self.mend(gateway, plugin, |member| OTHERS.contains(&member)))
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
        let wanted = theirs.filter_map(|(name, plugin)| {
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
        wanted
            .flat_map(|plugin| self.mend(gateway, &plugin, |member| member != "pluginConfig"))
            .collect()
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
        let excess = json!({"spec": {"pluginConfig": {"limits": {"b": null}, "requires": null}}});
        assert_eq!(
            known(&[extended, gate.clone()]).manage(&gateway(), &pair),
            [Action::Prune(route_name(), excess)]
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

    fn with_spec(plugin: &Value, members: Value) -> Value {
        let mut plugin = plugin.clone();
        let spec = plugin["spec"].as_object_mut().unwrap();
        spec.extend(members.as_object().unwrap().clone());
        plugin
    }

    fn route_name() -> ObjectName {
        ObjectName {
            namespace: "infra".to_owned(),
            name: "mcp-route-gw-1".to_owned(),
        }
    }

    #[test]
    fn a_member_of_spec_that_control_does_not_want_is_taken_out() {
        let pair = pair("1", &json!({"version": 1}));
        let narrowed = json!({"match": [{"ports": [{"number": 9}]}], "priority": null});
        let there = [with_spec(&pair[0], narrowed), pair[1].clone()];
        let patch = json!({"spec": {"match": null, "priority": null}});
        assert_eq!(
            known(&there).manage(&gateway(), &pair),
            [Action::Prune(route_name(), patch)]
        );
        let private = with_spec(&pair[0], json!({"imagePullSecret": "registry"}));
        assert_eq!(
            known(&[private, pair[1].clone()]).manage(&gateway(), &pair),
            []
        );
    }

    #[test]
    fn what_is_put_back_takes_the_place_of_what_is_taken_out_in_one_write() {
        let pair = pair("1", &json!({"version": 1}));
        let mut moved = with_spec(&pair[0], json!({"selector": {}}));
        moved["spec"].as_object_mut().unwrap().remove("phase");
        let patch = json!({"spec": {"selector": null, "phase": "AUTHN"}});
        assert_eq!(
            known(&[moved, pair[1].clone()]).manage(&gateway(), &pair),
            [
                Action::Prune(route_name(), patch),
                Action::Apply(pair[0].clone())
            ]
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
        let priority = json!({"priority": 7});
        let there = [theirs("route"), with_spec(&theirs("gate"), priority)];
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

//! What has to be done to the RequestAuthentications by which gateways verify tokens.

use std::collections::BTreeMap;

use mcp_filter_config::PluginConfig;
use serde_json::Value;

use super::action::{Action, mend};
use super::attachments::{is_managed, value};
use super::objects::{Change, name};
use crate::labels::{INSTANCE, MANAGED_BY, PART_OF, PROGRAM, PROJECT, label};
use crate::object::ObjectName;
use crate::render::{request_authentication_name, wants_tokens};
use crate::resource::{ObjectKey, REQUEST_AUTHENTICATION, REQUEST_AUTHENTICATION_VERSION};

/// Those of control's own, as they were seen last.
#[derive(Clone, Debug, Default)]
pub(super) struct Authentications {
    known: BTreeMap<ObjectName, Value>,
    /// Control's own word: how each was when this control began to lead, or when it was seen first since, and nobody's
    /// later edit.
    given: BTreeMap<ObjectName, Value>,
    leads: bool,
    is_seen: bool,
}

impl Authentications {
    /// Takes in what the watch tells.
    pub(super) fn apply(&mut self, change: Change) {
        self.is_seen = true;
        match change {
            Change::Put(object) => {
                self.known.insert(name(&object), value(*object));
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
            Change::NotServed | Change::Hidden | Change::Forbidden => self.known.clear(),
        }
        self.keep_given();
    }

    /// From now on what others write is no word of a control's, or is one again.
    pub(super) fn lead(&mut self, leads: bool) {
        self.leads = leads;
        self.keep_given();
    }

    fn keep_given(&mut self) {
        if !self.leads {
            self.given.clear();
        }
        let ours = self.known.iter().filter(|(_, object)| is_managed(object));
        for (name, object) in ours {
            let given = self.given.entry(name.clone());
            given.or_insert_with(|| object.clone());
        }
    }

    /// Whether all were seen.
    pub(super) fn has_seen(&self) -> bool {
        self.is_seen
    }

    /// What makes that of a gateway as it is to be. What is to go goes last: behind what wants no token any more.
    pub(super) fn manage(&self, gateway: &ObjectName, wanted: Option<&Value>) -> [Vec<Action>; 2] {
        let wanted = wanted.map(|object| (own_name(object), object));
        let ours = wanted.iter().filter(|(name, _)| !self.is_others(name));
        let mended = ours.flat_map(|(name, object)| {
            let there = self.known.get(name);
            mend((&key(name), there), object, |_| false)
        });
        let is_wanted = |name: &ObjectName| wanted.iter().any(|(wanted, _)| wanted == name);
        let old = self
            .managed()
            .filter(|(name, of)| of == gateway && !is_wanted(name));
        let deleted = old.map(|(name, _)| Action::Delete(key(name)));
        [mended.collect(), deleted.collect()]
    }

    /// Where an issuer has its keys, by what a gateway was given.
    pub(super) fn keys(&self, gateway: &ObjectName, issuer: &str) -> Option<String> {
        let given = self.given.get(&request_authentication_name(gateway))?;
        let rules = given.pointer("/spec/jwtRules")?.as_array()?;
        let rule = rules.iter().find(|rule| rule["issuer"] == issuer)?;
        rule.get("jwksUri")?.as_str().map(str::to_owned)
    }

    /// Why a gateway with this configuration cannot have the one that it needs, with what to do.
    pub(super) fn conflict(
        &self,
        gateway: &ObjectName,
        config: Option<&PluginConfig>,
    ) -> Option<String> {
        let name = request_authentication_name(gateway);
        let is_needed = config.is_some_and(wants_tokens);
        (is_needed && self.is_others(&name)).then(|| {
            format!(
                "RequestAuthentication {name} is not control's, so policies of the Gateway let nobody in: give it another \
                 name, or have control replace it, by the label {MANAGED_BY}={PROGRAM}"
            )
        })
    }

    /// Whether somebody else has made the object of this name: it verifies what he wants, and stays his.
    fn is_others(&self, name: &ObjectName) -> bool {
        let there = self.known.get(name);
        there.is_some_and(|object| !is_managed(object))
    }

    /// The managed ones of gateways for which `is_kept` does not hold.
    pub(super) fn left_over(&self, is_kept: impl Fn(&ObjectName) -> bool) -> Vec<Action> {
        let left = self.managed().filter(|(_, gateway)| !is_kept(gateway));
        left.map(|(name, _)| Action::Delete(key(name))).collect()
    }

    /// Each with its gateway.
    fn managed(&self) -> impl Iterator<Item = (&ObjectName, ObjectName)> {
        self.known.iter().filter_map(|(name, object)| {
            let is_ours = is_managed(object) && label(object, PART_OF) == Some(PROJECT);
            let gateway = ObjectName {
                namespace: name.namespace.clone(),
                name: label(object, INSTANCE).filter(|_| is_ours)?.to_owned(),
            };
            Some((name, gateway))
        })
    }
}

fn key(name: &ObjectName) -> ObjectKey {
    ObjectKey {
        version: REQUEST_AUTHENTICATION_VERSION,
        kind: REQUEST_AUTHENTICATION,
        name: name.clone(),
    }
}

fn own_name(object: &Value) -> ObjectName {
    let text = |place: &str| object.pointer(place).and_then(Value::as_str);
    let text = |place: &str| text(place).unwrap_or_default().to_owned();
    ObjectName {
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use serde_json::json;

    use super::*;

    fn object(gateway: &str, issuer: &str) -> Value {
        json!({
            "apiVersion": REQUEST_AUTHENTICATION_VERSION,
            "kind": REQUEST_AUTHENTICATION,
            "metadata": {
                "namespace": "infra",
                "name": format!("mcp-authentication-{gateway}"),
                "labels": {
                    "app.kubernetes.io/part-of": "mcp-proxy-wasm",
                    "app.kubernetes.io/managed-by": "mcp-control",
                    "app.kubernetes.io/instance": gateway,
                },
            },
            "spec": {"jwtRules": [{"issuer": issuer}]},
        })
    }

    fn known(objects: &[Value]) -> Authentications {
        let mut known = Authentications::default();
        let objects = objects
            .iter()
            .map(|object| serde_json::from_value(object.clone()).unwrap());
        known.apply(Change::Listed(objects.collect()));
        known
    }

    /// With an endpoint that takes the tokens of these issuers.
    fn config(issuers: &[&str]) -> PluginConfig {
        let issuers: Vec<_> = issuers.iter().map(|url| json!({"issuer": url})).collect();
        let authentication =
            json!({"policy": "infra/p", "issuers": issuers, "denial": {"status": 401}});
        let endpoint =
            json!({"hosts": ["localhost"], "path": "/mcp", "authentication": authentication});
        let config = json!({"version": 1, "role": "hold", "endpoints": [endpoint]});
        serde_json::from_value(config).unwrap()
    }

    fn named(name: &str) -> ObjectName {
        ObjectName {
            namespace: "infra".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn one_that_is_missing_or_another_is_applied_and_one_that_is_as_it_shall_be_is_left_alone() {
        let wanted = object("gw", "https://a");
        let apply = [vec![Action::Apply(wanted.clone())], Vec::new()];
        for there in [vec![], vec![object("gw", "https://b")]] {
            assert_eq!(known(&there).manage(&named("gw"), Some(&wanted)), apply);
        }
        let there = known(std::slice::from_ref(&wanted));
        let nothing = [Vec::new(), Vec::new()];
        assert_eq!(there.manage(&named("gw"), Some(&wanted)), nothing);
    }

    #[test]
    fn what_somebody_adds_is_taken_out() {
        let wanted = object("gw", "https://a");
        let mut there = wanted.clone();
        there["spec"]["selector"] = json!({"matchLabels": {"app": "none"}});
        let [mended, deleted] = known(&[there]).manage(&named("gw"), Some(&wanted));
        let patch = json!({"spec": {"selector": null}});
        let name = named("mcp-authentication-gw");
        assert_eq!(mended, [Action::Prune(key(&name), patch)]);
        assert_eq!(deleted, []);
    }

    #[test]
    fn what_somebody_else_has_made_under_its_name_is_neither_changed_nor_deleted() {
        let wanted = object("gw", "https://a");
        let mut users = object("gw", "https://b");
        users["metadata"]["labels"] = json!({});
        let there = known(&[users]);
        let nothing = [Vec::new(), Vec::new()];
        assert_eq!(there.manage(&named("gw"), Some(&wanted)), nothing);
        assert_eq!(there.manage(&named("gw"), None), nothing);
        let config = config(&["https://a"]);
        let told = there.conflict(&named("gw"), Some(&config)).unwrap();
        assert!(told.contains("infra/mcp-authentication-gw"), "{told}");
        assert_eq!(there.conflict(&named("other"), Some(&config)), None);
    }

    #[test]
    fn what_has_the_name_is_in_nobodys_way_where_no_token_is_wanted() {
        let mut users = object("gw", "https://b");
        users["metadata"]["labels"] = json!({});
        let there = known(&[users]);
        for config in [None, Some(config(&[]))] {
            assert_eq!(there.conflict(&named("gw"), config.as_ref()), None);
        }
    }

    #[test]
    fn where_an_issuer_has_its_keys_is_read_from_what_its_gateway_was_given() {
        let mut there = object("gw", "https://a");
        there["spec"]["jwtRules"][0]["jwksUri"] = "https://a/keys".into();
        let known = known(&[there, object("other", "https://a")]);
        let keys = |gateway, issuer| known.keys(&named(gateway), issuer);
        assert_eq!(keys("gw", "https://a").as_deref(), Some("https://a/keys"));
        for (gateway, issuer) in [
            ("gw", "https://b"),
            ("other", "https://a"),
            ("none", "https://a"),
        ] {
            assert_eq!(keys(gateway, issuer), None, "{gateway} {issuer}");
        }
    }

    #[test]
    fn where_somebody_says_that_keys_are_later_is_not_taken_for_controls_own_word() {
        let mut there = object("gw", "https://a");
        there["spec"]["jwtRules"][0]["jwksUri"] = "https://a/keys".into();
        let mut edited = there.clone();
        edited["spec"]["jwtRules"][0]["jwksUri"] = "https://evil/keys".into();
        let mut known = known(&[object("gw", "https://a")]);
        // Who does not lead sees the leader at work.
        known.apply(Change::Put(Box::new(
            serde_json::from_value(there).unwrap(),
        )));
        known.lead(true);
        let edited: DynamicObject = serde_json::from_value(edited).unwrap();
        for change in [
            Change::Put(Box::new(edited.clone())),
            Change::Listed(vec![edited.clone()]),
            Change::Gone(named("mcp-authentication-gw")),
            Change::Put(Box::new(edited)),
        ] {
            known.apply(change);
            let keys = known.keys(&named("gw"), "https://a");
            assert_eq!(keys.as_deref(), Some("https://a/keys"));
        }
    }

    #[test]
    fn one_that_is_wanted_no_more_goes_and_those_of_others_stay() {
        let mut users = object("gw", "https://b");
        users["metadata"]["name"] = "own".into();
        users["metadata"]["labels"]
            .as_object_mut()
            .unwrap()
            .remove("app.kubernetes.io/managed-by");
        let other = object("other", "https://a");
        let there = known(&[object("gw", "https://a"), users, other]);
        let gone = Action::Delete(key(&named("mcp-authentication-gw")));
        let nobody = [Vec::new(), vec![gone.clone()]];
        assert_eq!(there.manage(&named("gw"), None), nobody);
        let left = there.left_over(|gateway| gateway.name == "other");
        assert_eq!(left, [gone]);
    }
}

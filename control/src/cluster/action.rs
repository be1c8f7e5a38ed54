//! What is to be done to objects that control owns.

use serde_json::{Map, Value, json};

use crate::resource::ObjectKey;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Own these fields of an object, and make it where it is not there.
    Apply(Value),
    /// Take out what another has put into a `spec`, and put back what was there: a merge patch (RFC 7396).
    Prune(ObjectKey, Value),
    /// Take it away.
    Delete(ObjectKey),
}

impl Action {
    /// Whether the next one need not wait for this one: both make, or both take away, objects of one kind.
    pub(super) fn goes_with(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Apply(this), Self::Apply(next)) => this.get("kind") == next.get("kind"),
            (Self::Delete(this), Self::Delete(next)) => this.kind == next.kind,
            _ => false,
        }
    }
}

/// What brings an object, as it is `there`, to have `wanted`, and in `spec` nothing else but what is others'.
pub(super) fn mend(
    (key, there): (&ObjectKey, Option<&Value>),
    wanted: &Value,
    is_others: impl Fn(&str) -> bool,
) -> Vec<Action> {
    let apply = || Action::Apply(wanted.clone());
    let Some(there) = there else {
        return vec![apply()];
    };
    // At once with what has to be put back: the apiserver refuses some members beside others.
    let excess = excess(there, wanted, is_others);
    let prune = excess.map(|spec| Action::Prune(key.clone(), json!({ "spec": spec })));
    let apply = (!has(there, wanted)).then(apply);
    prune.into_iter().chain(apply).collect()
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

//! References into other namespaces.

use super::store::Store;
use crate::object::ObjectName;

/// Group and kind of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupKind(pub(super) &'static str, pub(super) &'static str);

/// Whether an object of kind `from` in `namespace` may refer to the object `name` of kind `to`: in its own
/// namespace always, else where a ReferenceGrant beside the other one says so (Gateway API, ReferenceGrant).
pub(super) fn is_granted(
    store: &Store<'_>,
    (from, namespace): (GroupKind, &str),
    (to, name): (GroupKind, &ObjectName),
) -> bool {
    namespace == name.namespace
        || store.grants.iter().any(|(grant, object)| {
            let spec = &object.spec;
            grant.namespace == name.namespace
                && spec
                    .from
                    .iter()
                    .any(|f| f.group == from.0 && f.kind == from.1 && f.namespace == namespace)
                && spec.to.iter().any(|t| {
                    let named = t.name.as_ref().is_none_or(|wanted| *wanted == name.name);
                    t.group == to.0 && t.kind == to.1 && named
                })
        })
}

/// What to do where it is not.
pub(super) fn missing(
    (from, namespace): (GroupKind, &str),
    (to, name): (GroupKind, &ObjectName),
) -> String {
    format!(
        "{to} {name} is in another namespace: add a ReferenceGrant to namespace {there}, from {from} \
         (group {group}) in {namespace}, to {to}",
        to = to.1,
        there = name.namespace,
        from = from.1,
        group = from.0,
    )
}

//! References into other namespaces.

use super::store::Store;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// Of an object's name (Kubernetes, "DNS Subdomain Names").
const LONGEST_NAME: usize = 253;

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
    reason: Reason,
    (from, namespace): (GroupKind, &str),
    (to, name): (GroupKind, &ObjectName),
) -> Fault {
    let sentence = format!(
        "{to} {name} is in another namespace, where nothing lets {from} of namespace {namespace} refer to it: add a \
         ReferenceGrant to namespace {there}. Who owns that may apply:",
        to = to.1,
        there = name.namespace,
        from = from.1,
    );
    // Two references that both need a grant must not overwrite one another's.
    let own = format!("{}-{namespace}-{}", from.1, name.name).to_lowercase();
    let own = own.get(..LONGEST_NAME).unwrap_or(&own);
    // A name such as `123` is no number.
    let quoted = |name: &str| format!("{name:?}");
    let manifest = [
        "apiVersion: gateway.networking.k8s.io/v1beta1".to_owned(),
        "kind: ReferenceGrant".to_owned(),
        "metadata:".to_owned(),
        format!("  name: {}", quoted(own)),
        format!("  namespace: {}", quoted(&name.namespace)),
        "spec:".to_owned(),
        "  from:".to_owned(),
        format!("  - group: {}", from.0),
        format!("    kind: {}", from.1),
        format!("    namespace: {}", quoted(namespace)),
        "  to:".to_owned(),
        format!("  - group: {}", if to.0.is_empty() { "''" } else { to.0 }),
        format!("    kind: {}", to.1),
        format!("    name: {}", quoted(&name.name)),
    ];
    Fault::new(reason, sentence).with_manifest(&manifest)
}

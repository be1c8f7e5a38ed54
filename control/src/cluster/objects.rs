//! What the apiserver has, as it was seen last.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;
use serde_json::Value;

use crate::attach::Attach;
use crate::manifests::{Identity, Kind, Object};
use crate::object::ObjectName;
use crate::resource::{REQUEST_AUTHENTICATION, REQUEST_AUTHENTICATION_VERSION};

/// What one watch follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) resource: Resource,
    /// All namespaces where absent.
    pub(super) namespace: Option<String>,
    /// Only objects with this label, `true`.
    pub(super) label: Option<&'static str>,
    /// Only the object of this name.
    pub(super) name: Option<String>,
}

impl Scope {
    /// All objects of a kind that the index reads.
    #[cfg(test)]
    pub(super) fn all(kind: Kind) -> Self {
        Self::of(Resource::Manifest(kind))
    }

    /// All objects of a resource.
    pub(super) fn of(resource: Resource) -> Self {
        Self {
            resource,
            namespace: None,
            label: None,
            name: None,
        }
    }
}

/// What kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    /// Read by the index.
    Manifest(Kind),
    /// Written by control.
    Attachment(Attach),
    /// Written by a control before this one, which attached by others: looked for where control may.
    Former(Attach),
    /// Written by control, where policies want tokens.
    Authentication,
}

impl Resource {
    /// As it stands in `kind`.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Manifest(kind) => kind.as_str(),
            Self::Attachment(attach) | Self::Former(attach) => attach.kind(),
            Self::Authentication => REQUEST_AUTHENTICATION,
        }
    }

    /// Those that are read, in the order of preference.
    pub(super) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Manifest(kind) => kind.api_versions(),
            Self::Attachment(attach) | Self::Former(attach) => attach.versions(),
            Self::Authentication => &[REQUEST_AUTHENTICATION_VERSION],
        }
    }
}

/// What a watch tells.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// These, and no others.
    Listed(Vec<DynamicObject>),
    /// One is new or has changed.
    Put(Box<DynamicObject>),
    /// One is gone.
    Gone(ObjectName),
    /// The apiserver does not serve the kind.
    NotServed,
    /// It has the kind, but does not serve it in a version that is read.
    Hidden,
    /// Control may not read them.
    Forbidden,
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// Without its status where control writes that; or why it cannot be read.
    pub(super) content: Result<Object, String>,
    /// Of kinds alone whose status control writes.
    pub(super) status: Option<Value>,
    /// `apiVersion`, as the apiserver serves it.
    pub(super) version: Option<String>,
    /// `metadata.generation`
    pub(super) generation: Option<i64>,
    /// `metadata.uid`
    pub(super) uid: Option<String>,
}

/// Whether a change is one to what users write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing, or what control itself wrote.
    Nothing,
    /// All that follows from the objects may be another.
    Changed,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Each is there once it was seen as a whole.
    seen: BTreeMap<Scope, Seen>,
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    objects: BTreeMap<ObjectName, Known>,
    is_forbidden: bool,
}

impl Objects {
    /// Takes in what a watch of a kind that the index reads tells.
    pub(super) fn apply(&mut self, scope: Scope, kind: Kind, change: Change) -> Effect {
        match change {
            Change::Put(object) => {
                let (name, known) = known(kind, *object);
                let objects = &mut self.seen.entry(scope).or_default().objects;
                let before = objects.insert(name.clone(), known);
                let same = |before: &Known| {
                    objects
                        .get(&name)
                        .is_some_and(|now| now.content == before.content)
                };
                if before.as_ref().is_some_and(same) {
                    Effect::Nothing
                } else {
                    Effect::Changed
                }
            }
            Change::Gone(name) => {
                let seen = self.seen.get_mut(&scope);
                let removed = seen.and_then(|seen| seen.objects.remove(&name));
                removed.map_or(Effect::Nothing, |_| Effect::Changed)
            }
            Change::Listed(objects) => {
                let objects = objects.into_iter().map(|object| known(kind, object));
                self.replace(scope, objects.collect(), false)
            }
            Change::NotServed => self.replace(scope, BTreeMap::new(), false),
            // What there is is not known any more: nothing follows from the rest until it is.
            Change::Hidden => {
                self.seen.remove(&scope);
                Effect::Nothing
            }
            Change::Forbidden => self.replace(scope, BTreeMap::new(), true),
        }
    }

    /// These, each in the scope of all of its kind.
    #[cfg(test)]
    pub(super) fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut known = Self::default();
        for object in objects {
            let mut kinds = Kind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == object["kind"]).unwrap();
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            known.apply(Scope::all(kind), kind, Change::Put(Box::new(object)));
        }
        known
    }

    fn replace(
        &mut self,
        scope: Scope,
        objects: BTreeMap<ObjectName, Known>,
        is_forbidden: bool,
    ) -> Effect {
        let seen = Seen {
            objects,
            is_forbidden,
        };
        if self.seen.get(&scope) == Some(&seen) {
            return Effect::Nothing;
        }
        self.seen.insert(scope, seen);
        Effect::Changed
    }

    /// Forgets what is not watched any more.
    pub(super) fn retain(&mut self, watched: impl Fn(&Scope) -> bool) {
        self.seen.retain(|scope, _| watched(scope));
    }

    /// Whether a scope has an object of this name, readable or not.
    pub(super) fn has(&self, scope: &Scope, name: &ObjectName) -> bool {
        let seen = self.seen.get(scope);
        seen.is_some_and(|seen| seen.objects.contains_key(name))
    }

    /// Whether a scope was seen as a whole.
    pub(super) fn has_seen(&self, scope: &Scope) -> bool {
        self.seen.contains_key(scope)
    }

    /// Those that can be read.
    pub(super) fn readable(&self) -> impl Iterator<Item = &Object> {
        self.all()
            .filter_map(|(_, _, known)| known.content.as_ref().ok())
    }

    /// Those that cannot be read.
    pub(super) fn unreadable(&self) -> BTreeMap<Identity, &str> {
        let unreadable = self.all().filter_map(|(kind, name, known)| {
            let name = name.clone();
            let reason = known.content.as_ref().err()?;
            Some((Identity { kind, name }, reason.as_str()))
        });
        unreadable.collect()
    }

    /// The registrations of both kinds, readable or not.
    pub(super) fn registrations(&self) -> impl Iterator<Item = (Identity, &Known)> {
        let registrations = self
            .all()
            .filter(|(kind, _, _)| matches!(kind, Kind::McpServer | Kind::McpServerRegistration));
        registrations.map(|(kind, name, known)| {
            let name = name.clone();
            (Identity { kind, name }, known)
        })
    }

    /// Namespaces whose Secrets control may not read.
    pub(super) fn closed_namespaces(&self) -> BTreeSet<String> {
        let secrets = Resource::Manifest(Kind::Secret);
        let closed = self.seen.iter();
        let closed = closed.filter(|(scope, seen)| seen.is_forbidden && scope.resource == secrets);
        closed
            .filter_map(|(scope, _)| scope.namespace.clone())
            .collect()
    }

    /// One of them.
    pub(super) fn find(&self, identity: &Identity) -> Option<&Known> {
        let mut all = self.seen.iter();
        all.find_map(|(scope, seen)| {
            let is_its = scope.resource == Resource::Manifest(identity.kind);
            is_its.then(|| seen.objects.get(&identity.name)).flatten()
        })
    }

    fn all(&self) -> impl Iterator<Item = (Kind, &ObjectName, &Known)> {
        self.seen.iter().flat_map(|(scope, seen)| {
            let kind = match scope.resource {
                Resource::Manifest(kind) => Some(kind),
                Resource::Attachment(_) | Resource::Former(_) | Resource::Authentication => None,
            };
            let objects = seen.objects.iter();
            objects.filter_map(move |(name, known)| Some((kind?, name, known)))
        })
    }
}

/// An object as the rest of the program reads it.
fn known(kind: Kind, mut object: DynamicObject) -> (ObjectName, Known) {
    let name = name(&object);
    let (generation, uid) = (object.metadata.generation, object.metadata.uid.clone());
    let version = object.types.as_ref().map(|types| types.api_version.clone());
    // Both change with every write, control's own included.
    object.metadata.managed_fields = None;
    object.metadata.resource_version = None;
    let status = match object.data.as_object_mut() {
        Some(data) if kind.is_told() => data.remove("status"),
        _ => None,
    };
    let content = serde_json::to_value(&object)
        .map_err(|error| error.to_string())
        .and_then(|value| Object::from_api(kind, value).map_err(|error| error.to_string()));
    let known = Known {
        content,
        status,
        version,
        generation,
        uid,
    };
    (name, known)
}

/// Namespace and name. The namespace is empty where the kind has none.
pub(super) fn name(object: &DynamicObject) -> ObjectName {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ObjectName {
        namespace: text(&object.metadata.namespace),
        name: text(&object.metadata.name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope::all(KIND)
    }

    const KIND: Kind = Kind::McpServerRegistration;

    fn registration(spec: Value, version: &str, status: Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "mcp.kuadrant.io/v1",
            "kind": "MCPServerRegistration",
            "metadata": {"name": "github", "namespace": "mcp-test", "resourceVersion": version},
            "spec": spec,
            "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    fn put(object: &DynamicObject) -> Change {
        Change::Put(Box::new(object.clone()))
    }

    #[test]
    fn what_control_writes_itself_changes_nothing() {
        let spec = json!({"targetRef": {"name": "github"}});
        let mut objects = Objects::default();
        let first = registration(spec.clone(), "1", json!({}));
        let second = registration(spec, "2", json!({"discoveredTools": 3}));
        let other = registration(json!({"targetRef": {"name": "gitlab"}}), "3", json!({}));
        for (object, expected) in [
            (&first, Effect::Changed),
            (&second, Effect::Nothing),
            (&other, Effect::Changed),
        ] {
            assert_eq!(objects.apply(scope(), KIND, put(object)), expected);
        }
        let listed = Change::Listed(vec![other]);
        assert_eq!(objects.apply(scope(), KIND, listed), Effect::Nothing);
    }

    #[test]
    fn an_object_that_cannot_be_read_is_known_by_name_and_reason() {
        let mut objects = Objects::default();
        let poison = registration(json!({"targetRef": 7}), "1", json!({}));
        objects.apply(scope(), KIND, put(&poison));
        assert_eq!(objects.readable().count(), 0);
        let (identity, reason) = objects.unreadable().pop_first().unwrap();
        assert_eq!(identity.name.to_string(), "mcp-test/github");
        assert!(reason.contains("spec.targetRef"), "{reason}");
    }

    #[test]
    fn what_a_list_lacks_is_gone() {
        let mut objects = Objects::default();
        let object = registration(json!({"targetRef": {"name": "github"}}), "1", json!({}));
        objects.apply(scope(), KIND, put(&object));
        objects.apply(scope(), KIND, Change::Listed(Vec::new()));
        assert_eq!(objects.readable().count(), 0);
        assert!(objects.has_seen(&scope()));
    }
}

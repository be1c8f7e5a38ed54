//! Which Secrets are followed: those that a registration can name, in the namespaces where one names any.

use std::collections::BTreeSet;

use super::objects::{Objects, Resource, Scope};
use crate::api::{McpServer, McpServerRegistration};
use crate::manifests::{Kind, Object};
use crate::object::ObjectName;

/// The labelled Secrets of these namespaces; and by its name each one that a registration names and that is not among
/// them, so that it can be told whether it is there without the label.
pub(super) fn scopes(objects: &Objects) -> BTreeSet<Scope> {
    let mut scopes = BTreeSet::new();
    for (label, name) in objects.readable().flat_map(named) {
        let labelled = Scope {
            resource: Resource::Manifest(Kind::Secret),
            namespace: Some(name.namespace.clone()),
            label: Some(label),
            name: None,
        };
        if objects.has_seen(&labelled) && !objects.has(&labelled, &name) {
            scopes.insert(Scope {
                label: None,
                name: Some(name.name),
                ..labelled.clone()
            });
        }
        scopes.insert(labelled);
    }
    scopes
}

/// The Secrets that a registration names, each with the label that it should have.
fn named(object: &Object) -> Vec<(&'static str, ObjectName)> {
    let (label, names) = match object {
        Object::McpServerRegistration(registration) => {
            let spec = &registration.spec;
            let credential = spec.credential_ref.as_ref().map(|one| &one.name);
            let certificates = spec.ca_cert_secret_ref.as_ref().map(|one| &one.name);
            (
                McpServerRegistration::SECRET_LABEL,
                [credential, certificates],
            )
        }
        Object::McpServer(server) => {
            let credential = server.spec.credential_ref.as_ref();
            (
                McpServer::SECRET_LABEL,
                [credential.map(|one| &one.name), None],
            )
        }
        _ => return Vec::new(),
    };
    let namespace = object.name().namespace;
    let names = names.into_iter().flatten().map(|name| ObjectName {
        namespace: namespace.clone(),
        name: name.clone(),
    });
    names.map(|name| (label, name)).collect()
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use serde_json::{Value, json};

    use super::super::objects::Change;
    use super::*;

    fn object(kind: &str, name: &str, rest: Value) -> DynamicObject {
        let version = match kind {
            "Secret" => "v1",
            _ => "mcp.kuadrant.io/v1",
        };
        let mut object = json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "namespace": "mcp-test"},
        });
        for (member, value) in rest.as_object().unwrap() {
            object[member] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_secret_is_followed_by_label_and_then_by_name_where_it_lacks_that() {
        let mut objects = Objects::default();
        let registrations = Scope::all(Kind::McpServerRegistration);
        let spec = json!({"targetRef": {"name": "github"}, "credentialRef": {"name": "token"}});
        let registration = object("MCPServerRegistration", "github", json!({"spec": spec}));
        assert!(scopes(&objects).is_empty());
        let kind = Kind::McpServerRegistration;
        objects.apply(registrations, kind, Change::Listed(vec![registration]));
        let labelled: Vec<_> = scopes(&objects).into_iter().collect();
        assert_eq!(labelled.len(), 1);
        assert_eq!(labelled[0].label, Some(McpServerRegistration::SECRET_LABEL));
        objects.apply(
            labelled[0].clone(),
            Kind::Secret,
            Change::Listed(Vec::new()),
        );
        let names: Vec<_> = scopes(&objects)
            .into_iter()
            .filter_map(|s| s.name)
            .collect();
        assert_eq!(names, ["token"]);
        let secret = object("Secret", "token", json!({}));
        objects.apply(
            labelled[0].clone(),
            Kind::Secret,
            Change::Put(Box::new(secret)),
        );
        assert_eq!(scopes(&objects).len(), 1);
    }
}

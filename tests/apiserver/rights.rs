//! What roles grant, and what was asked of the apiserver by its audit log.

use std::fmt;

use serde_json::Value;

/// One thing that a role grants.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    what: What,
    /// All namespaces, and what is in none, where absent.
    namespace: Option<String>,
    /// All objects where absent.
    name: Option<String>,
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    what: What,
    namespace: String,
    /// Empty where none is named, as in a list.
    name: String,
}

/// Group, resource with its subresource, and verb.
#[derive(Clone, PartialEq, Eq)]
struct What(String, String, String);

impl Grant {
    /// All that a Role or ClusterRole grants.
    pub(crate) fn of(role: &Value) -> Vec<Self> {
        let rules = role["rules"].as_array().expect("rules").iter();
        rules.flat_map(|rule| Self::of_rule(rule, role)).collect()
    }

    fn of_rule(rule: &Value, role: &Value) -> Vec<Self> {
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        assert_eq!(namespace.is_some(), role["kind"] == "Role", "{role}");
        let names = match &rule["resourceNames"] {
            Value::Null => vec![None],
            names => texts(names).into_iter().map(Some).collect(),
        };
        let mut grants = Vec::new();
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    grants.extend(names.iter().map(|name| Self {
                        what: What(group.clone(), resource.clone(), verb.clone()),
                        namespace: namespace.clone(),
                        name: name.clone(),
                    }));
                }
            }
        }
        grants
    }

    /// Whether this is what allows a request.
    pub(crate) fn allows(&self, request: &Request) -> bool {
        let is_there = |namespace: &String| *namespace == request.namespace;
        let is_named = |name: &String| *name == request.name;
        self.what == request.what
            && self.namespace.as_ref().is_none_or(is_there)
            && self.name.as_ref().is_none_or(is_named)
    }
}

impl Request {
    /// What an event asked for, and what it needed beside: an apply that makes its object needs the permission to create
    /// it. Nothing where no resource was asked for, but which ones there are.
    pub(crate) fn of(event: &Value) -> Vec<Self> {
        let Some(asked) = Self::asked(event) else {
            return Vec::new();
        };
        let is_made = asked.what.2 == "patch" && event["responseStatus"]["code"] == 201;
        let made = is_made.then(|| {
            let What(group, resource, _) = asked.what.clone();
            Self {
                what: What(group, resource, "create".to_owned()),
                ..asked.clone()
            }
        });
        [Some(asked), made].into_iter().flatten().collect()
    }

    fn asked(event: &Value) -> Option<Self> {
        let object = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = object["resource"].as_str()?;
        let resource = match object["subresource"].as_str() {
            Some(subresource) => format!("{resource}/{subresource}"),
            None => resource.to_owned(),
        };
        Some(Self {
            what: What(text(&object["apiGroup"]), resource, text(&event["verb"])),
            namespace: text(&object["namespace"]),
            name: text(&object["name"]),
        })
    }

    /// Whether it asks what who asks may do, which nobody has to grant.
    pub(crate) fn is_own_review(&self) -> bool {
        self.what.1 == "selfsubjectaccessreviews"
    }

    /// Whether it follows the Secrets of this namespace.
    pub(crate) fn follows_secrets(&self, namespace: &str) -> bool {
        let What(group, resource, verb) = &self.what;
        let is_read = ["list", "watch"].contains(&verb.as_str());
        group.is_empty() && resource == "secrets" && is_read && self.namespace == namespace
    }
}

impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(group, resource, verb) = self;
        write!(f, "{verb} {resource}.{group}")
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = || "*".to_owned();
        let namespace = self.namespace.clone().unwrap_or_else(all);
        let name = self.name.clone().unwrap_or_else(all);
        write!(f, "{:?} {namespace}/{name}", self.what)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}/{}", self.what, self.namespace, self.name)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let values = value.as_array().expect("a list").iter();
    values
        .map(|value| value.as_str().expect("a text").to_owned())
        .collect()
}

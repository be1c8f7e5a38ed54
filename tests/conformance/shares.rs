//! Which of several servers has what, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What a server lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Prompt,
    Resource,
    Template,
    Tool,
}

impl Kind {
    /// What the request with this method lists.
    pub(crate) fn listed_by(method: &str) -> Option<Self> {
        match method {
            "prompts/list" => Some(Self::Prompt),
            "resources/list" => Some(Self::Resource),
            "resources/templates/list" => Some(Self::Template),
            "tools/list" => Some(Self::Tool),
            _ => None,
        }
    }

    /// The member of the result that holds the list, and that of an item that names it.
    pub(crate) fn members(self) -> (&'static str, &'static str) {
        match self {
            Self::Prompt => ("prompts", "name"),
            Self::Resource => ("resources", "uri"),
            Self::Template => ("resourceTemplates", "uriTemplate"),
            Self::Tool => ("tools", "name"),
        }
    }
}

/// Which of several servers has what: of each kind the first has the first name of the first list, the second the next,
/// and so on around. What is listed later has come at one of them alone, which keeps it.
#[derive(Debug)]
pub(crate) struct Shares {
    servers: usize,
    owners: Mutex<HashMap<Kind, BTreeMap<String, usize>>>,
}

impl Shares {
    /// Among so many servers.
    pub(crate) fn among(servers: usize) -> Arc<Self> {
        Arc::new(Self {
            servers,
            owners: Mutex::default(),
        })
    }

    /// Gives what nobody has yet an owner: `names` are listed by the server with the number `own`.
    pub(crate) fn list<'a>(&self, kind: Kind, names: impl Iterator<Item = &'a str>, own: usize) {
        let mut owners = self.owners.lock().unwrap();
        let owners = owners.entry(kind).or_default();
        let is_first = owners.is_empty();
        for name in names {
            let next = if is_first {
                owners.len() % self.servers
            } else {
                own
            };
            owners.entry(name.to_owned()).or_insert(next);
        }
    }

    /// Who has it, where anybody has listed it; of a resource, also who has a template that begins as it does.
    pub(crate) fn known_owner(&self, kind: Kind, name: &str) -> Option<usize> {
        let owners = self.owners.lock().unwrap();
        let named = |kind, name| owners.get(&kind)?.get(name).copied();
        let begins = |template: &str| {
            let variable = template.find('{').unwrap_or(template.len());
            name.starts_with(&template[..variable])
        };
        named(kind, name).or_else(|| {
            let templates = owners.get(&Kind::Template)?;
            let template = templates.iter().find(|(template, _)| begins(template));
            template
                .filter(|_| kind == Kind::Resource)
                .map(|(_, owner)| *owner)
        })
    }
}

/// What a request names.
pub(crate) fn named_by(message: &Value) -> Option<(Kind, &str)> {
    let params = &message["params"];
    let (kind, name) = match message["method"].as_str()? {
        "tools/call" => (Kind::Tool, &params["name"]),
        "prompts/get" => (Kind::Prompt, &params["name"]),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            (Kind::Resource, &params["uri"])
        }
        "completion/complete" if params["ref"]["type"] == "ref/prompt" => {
            (Kind::Prompt, &params["ref"]["name"])
        }
        "completion/complete" => (Kind::Resource, &params["ref"]["uri"]),
        _ => return None,
    };
    Some((kind, name.as_str()?))
}

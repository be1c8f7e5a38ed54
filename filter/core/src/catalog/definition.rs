//! A tool, prompt, resource or template as its server defined it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ListKind, ListedIn, ToolHints, ui_resource};
use crate::name::FederatedName;
use crate::resource_uri::{InvalidTemplate, Template};

/// A definition that can stand in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    kind: ListKind,
    key: String,
    json: String,
    hints: ToolHints,
    listed_in: ListedIn,
}

/// Why a definition cannot stand in a list. It is the server's, and costs nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefinition {
    /// Not JSON, not an object, or with its key twice.
    #[error("not a JSON object with one `{0}`")]
    NotAnObject(&'static str),
    /// Its key is missing, empty, or not a string that can be read.
    #[error("`{0}` is not a non-empty string")]
    NoKey(&'static str),
    /// Its name does not begin with its server's prefix.
    #[error("`name` does not begin with the prefix of its server")]
    NoPrefix,
    /// Its `uriTemplate` is no template.
    #[error("`uriTemplate`: {0}")]
    Template(InvalidTemplate),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow)]
    uri_template: Option<&'a RawValue>,
}

impl Definition {
    /// Reads `json`, one element of a server's list, as it was written. Tools and prompts get `prefix` before their
    /// name; no other byte changes.
    pub fn parse(kind: ListKind, prefix: &str, json: &str) -> Result<Self, InvalidDefinition> {
        let written = Written::read(kind, json)?;
        if !kind.is_named() {
            return Ok(written.definition(kind));
        }
        let json = [written.before, prefix, written.after].concat();
        Ok(Self {
            key: FederatedName::join(prefix, &written.key).into_string(),
            json,
            ..written.definition(kind)
        })
    }

    /// The inverse of [`Definition::parse`]: from the definition as clients see it that which the server wrote, byte for
    /// byte. `prefix` is the server's.
    pub fn parse_federated(
        kind: ListKind,
        prefix: &str,
        json: &str,
    ) -> Result<Self, InvalidDefinition> {
        let written = Written::read(kind, json)?;
        if !kind.is_named() {
            return Ok(written.definition(kind));
        }
        let no_prefix = InvalidDefinition::NoPrefix;
        let key = FederatedName::own_name(prefix, &written.key).ok_or(no_prefix)?;
        // It was put there without escapes.
        let after = written.after.strip_prefix(prefix).ok_or(no_prefix)?;
        Ok(Self {
            key: key.to_owned(),
            json: [written.before, after].concat(),
            ..written.definition(kind)
        })
    }

    /// The `ui://` resources that a tool names, in order; each may stand twice.
    pub fn ui_uris(&self) -> Vec<String> {
        if self.kind != ListKind::Tools {
            return Vec::new();
        }
        let named = ui_resource::named(&self.json).into_iter();
        named.map(|(_, uri)| uri).collect()
    }

    /// The same tool, where it names such a resource for which there is another URI, by that.
    #[must_use]
    pub fn with_ui_uris(self, other: impl Fn(&str) -> Option<String>) -> Self {
        if self.kind != ListKind::Tools {
            return self;
        }
        match ui_resource::renamed(&self.json, other) {
            Some(json) => Self { json, ..self },
            None => self,
        }
    }

    /// Which list it belongs to.
    pub fn kind(&self) -> ListKind {
        self.kind
    }

    /// The federated name, URI or template text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What a tool says of itself; nothing for what is none.
    pub fn hints(&self) -> ToolHints {
        self.hints
    }

    /// The same, listed so.
    #[must_use]
    pub fn listed(self, listed_in: ListedIn) -> Self {
        Self { listed_in, ..self }
    }

    /// In which of its server's eras it is listed.
    pub fn listed_in(&self) -> ListedIn {
        self.listed_in
    }

    /// The definition as clients see it.
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// A definition as it stands in a text, cut where its key begins.
#[derive(Debug)]
struct Written<'a> {
    key: String,
    /// Up to the quote that opens the key.
    before: &'a str,
    /// What follows that quote.
    after: &'a str,
    json: &'a str,
}

impl<'a> Written<'a> {
    fn read(kind: ListKind, json: &'a str) -> Result<Self, InvalidDefinition> {
        let json = json.trim_ascii();
        let member = kind.key_member();
        let not_an_object = InvalidDefinition::NotAnObject(member);
        if !json.starts_with('{') {
            return Err(not_an_object);
        }
        let keys: Keys<'_> = serde_json::from_str(json).map_err(|_| not_an_object)?;
        let token = match kind {
            ListKind::Tools | ListKind::Prompts => keys.name,
            ListKind::Resources => keys.uri,
            ListKind::ResourceTemplates => keys.uri_template,
        };
        let no_key = InvalidDefinition::NoKey(member);
        let token = token.ok_or(no_key)?.get();
        let key: String = serde_json::from_str(token).map_err(|_| no_key)?;
        if key.is_empty() {
            return Err(no_key);
        }
        if kind == ListKind::ResourceTemplates {
            Template::parse(&key).map_err(InvalidDefinition::Template)?;
        }
        // `token` is a slice of `json`.
        let quote = token.as_ptr() as usize - json.as_ptr() as usize;
        let (before, after) = json.split_at_checked(quote + 1).ok_or(not_an_object)?;
        Ok(Self {
            key,
            before,
            after,
            json,
        })
    }

    fn definition(&self, kind: ListKind) -> Definition {
        let hints = match kind {
            ListKind::Tools => ToolHints::of_tool(self.json),
            _ => ToolHints::default(),
        };
        Definition {
            kind,
            key: self.key.clone(),
            json: self.json.to_owned(),
            hints,
            listed_in: ListedIn::default(),
        }
    }
}

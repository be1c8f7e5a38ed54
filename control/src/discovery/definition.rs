//! One item of a list: kept byte for byte, or left out with a reason.

use serde_json::value::RawValue;

use crate::offer::Definition;

use super::members::Members;
use super::shape::{self, Shape};

/// Levels of nesting that a definition may have. Common parsers stop at 128 for the whole message.
const MAX_DEPTH: usize = 100;

/// One of the four lists.
#[derive(Debug)]
pub(super) struct List {
    /// The request.
    pub(super) method: &'static str,
    /// The member of the result that holds the items.
    pub(super) member: &'static str,
    /// What identifies an item within the list.
    key: &'static str,
    /// Whether the key is a URI (RFC 3986).
    is_uri: bool,
    shape: Shape,
}

pub(super) const TOOLS: List = List {
    method: "tools/list",
    member: "tools",
    key: "name",
    is_uri: false,
    shape: shape::TOOL,
};

pub(super) const PROMPTS: List = List {
    method: "prompts/list",
    member: "prompts",
    key: "name",
    is_uri: false,
    shape: shape::PROMPT,
};

pub(super) const RESOURCES: List = List {
    method: "resources/list",
    member: "resources",
    key: "uri",
    is_uri: true,
    shape: shape::RESOURCE,
};

pub(super) const RESOURCE_TEMPLATES: List = List {
    method: "resources/templates/list",
    member: "resourceTemplates",
    key: "uriTemplate",
    is_uri: false,
    shape: shape::RESOURCE_TEMPLATE,
};

impl List {
    /// The item as the server wrote it, or why no client could read a list that holds it.
    pub(super) fn definition(&self, item: &RawValue) -> Result<Definition, String> {
        let json = item.get();
        if depth(json) > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        // A full parse finds what the grammar alone does not: lone surrogates, and numbers out of range.
        serde_json::from_str::<serde_json::Value>(json).map_err(|error| reason(&error))?;
        self.shape.check("", item)?;
        let key = self.key_of(json)?;
        Ok(Definition::new(key, json))
    }

    /// How the item is called in messages: its place, and its key where it has one.
    pub(super) fn label(&self, place: usize, item: &RawValue) -> String {
        let members = Members::read(item.get()).ok();
        let key = members.and_then(|members| members.last(self.key));
        match key.and_then(|key| serde_json::from_str::<String>(key.get()).ok()) {
            Some(key) => format!("{}[{place}] {key:?}", self.member),
            None => format!("{}[{place}]", self.member),
        }
    }

    fn key_of(&self, json: &str) -> Result<String, String> {
        let members = Members::read(json).map_err(|error| reason(&error))?;
        let value = members
            .last(self.key)
            .ok_or_else(|| format!("no {}", self.key))?;
        let key: String = serde_json::from_str(value.get()).map_err(|error| reason(&error))?;
        if key.is_empty() {
            return Err(format!("{} is empty", self.key));
        }
        if key.chars().any(char::is_control) {
            return Err(format!("{} has control characters", self.key));
        }
        if self.is_uri && !has_scheme(&key) {
            return Err(format!("{} is not a URI", self.key));
        }
        Ok(key)
    }
}

/// What a parser said, without line and column: nobody has the text before them.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason)
        .to_owned()
}

/// RFC 3986, 3.1.
fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Levels of arrays and objects in valid JSON.
fn depth(json: &str) -> usize {
    let (mut level, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

//! What a server offers, as discovery read it: every definition keeps the bytes in which the server wrote it.

use mcp_filter_core::catalog::ListedIn;
use serde::{Deserialize, Serialize};

/// One server's handshake and lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The revision that `initialize` negotiated; 2026-07-28 where the server speaks no other.
    pub protocol_version: String,
    /// Whether it answers requests of the stateless revision 2026-07-28.
    #[serde(default)]
    pub stateless: bool,
    /// Whether `initialize` issued a session id.
    pub issues_sessions: bool,
    /// Whether the `completions` capability was announced.
    pub completions: bool,
    /// Whether the `logging` capability was announced.
    pub logging: bool,
    /// Whether it was announced that calls of tools can be tasks.
    pub tasks: bool,
    /// Whether it was announced that they can become tasks in the stateless revision.
    #[serde(default)]
    pub stateless_tasks: bool,
    /// Whether it announced views for its tools' results (MCP Apps), in either era.
    #[serde(default)]
    pub apps: bool,
    /// Whether it has resources beside those of the lists below. Of what discovery reads none does; what was served may be
    /// less than what the server listed.
    pub has_unlisted_resources: bool,
    /// In the server's order.
    pub tools: Vec<Definition>,
    /// In the server's order.
    pub prompts: Vec<Definition>,
    /// In the server's order.
    pub resources: Vec<Definition>,
    /// In the server's order.
    pub resource_templates: Vec<Definition>,
    /// Items that no client could read, and why. They are left out of the lists above.
    pub left_out: Vec<String>,
}

impl Offer {
    /// Whether it has resources or templates.
    pub fn has_resources(&self) -> bool {
        self.has_unlisted_resources
            || !self.resources.is_empty()
            || !self.resource_templates.is_empty()
    }
}

/// A tool, prompt, resource or resource template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its `name`; of a resource its `uri`, of a template its `uriTemplate`. Decoded.
    pub key: String,
    /// The JSON object, byte for byte.
    pub json: String,
    /// Of a server that speaks both eras, in which of them it is listed.
    #[serde(default)]
    pub listed_in: ListedIn,
}

impl Definition {
    /// One that is listed in every era that its server speaks.
    pub fn new(key: impl Into<String>, json: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            json: json.into(),
            listed_in: ListedIn::default(),
        }
    }
}

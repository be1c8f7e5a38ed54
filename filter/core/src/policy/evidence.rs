//! What policies judge a request by.

use mcp_filter_config::CallPart;

use crate::claims::Claims;
use crate::headers::Headers;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// All headers of the request.
    pub headers: &'a Headers,
    /// What the caller's token says.
    pub claims: &'a Claims,
    /// What it asks for. Absent where that is not known, and where it asks for nothing: then conditions that read it do
    /// not count.
    pub call: Option<Call<'a>>,
}

/// A request to a server, as far as policies can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Such as `tools/call`.
    pub method: &'a str,
    /// `namespace/name`
    pub server: &'a str,
    /// What of the server's is asked for.
    pub of: Part<&'a str>,
}

/// What of a server's is asked for, by the server's own name or URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<T> {
    /// A tool.
    Tool(T),
    /// A prompt.
    Prompt(T),
    /// A resource, or a template of some.
    Resource(T),
}

impl Part<String> {
    /// The same, borrowed.
    pub fn as_deref(&self) -> Part<&str> {
        match self {
            Self::Tool(text) => Part::Tool(text),
            Self::Prompt(text) => Part::Prompt(text),
            Self::Resource(text) => Part::Resource(text),
        }
    }
}

impl<'a> Call<'a> {
    /// The text of a part; `None` where the call has no such part.
    pub(super) fn text(&self, part: CallPart) -> Option<&'a str> {
        match (part, self.of) {
            (CallPart::Method, _) => Some(self.method),
            (CallPart::Server, _) => Some(self.server),
            (CallPart::Tool, Part::Tool(text))
            | (CallPart::Prompt, Part::Prompt(text))
            | (CallPart::Resource, Part::Resource(text)) => Some(text),
            (CallPart::Tool | CallPart::Prompt | CallPart::Resource, _) => None,
        }
    }
}

//! The work that is measured.

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    CallSmall,
    /// As `CallSmall`, where client and servers speak the stateless revision.
    CallModern,
    Call64k,
    List2x20,
    List2x100,
    List2x500,
    Initialize,
}

impl Case {
    pub(crate) const ALL: [Self; 7] = [
        Self::CallSmall,
        Self::CallModern,
        Self::Call64k,
        Self::List2x20,
        Self::List2x100,
        Self::List2x500,
        Self::Initialize,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CallSmall => "call_small",
            Self::CallModern => "call_modern",
            Self::Call64k => "call_64k",
            Self::List2x20 => "list_2x20",
            Self::List2x100 => "list_2x100",
            Self::List2x500 => "list_2x500",
            Self::Initialize => "initialize",
        }
    }

    /// How many tools each of the two servers has.
    pub(crate) fn tools(self) -> usize {
        match self {
            Self::List2x100 => 100,
            Self::List2x500 => 500,
            Self::CallSmall
            | Self::CallModern
            | Self::Call64k
            | Self::List2x20
            | Self::Initialize => 20,
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::List2x20 | Self::List2x100 | Self::List2x500)
    }

    /// The body of the request, for a tool of this name.
    pub(crate) fn body(self, tool: &str) -> String {
        match self {
            Self::CallSmall => call(tool, ORDINARY),
            Self::CallModern => call(tool, ORDINARY).replace("}}}", META),
            Self::Call64k => call(tool, &"0123456789abcdef".repeat(4096)),
            Self::List2x20 | Self::List2x100 | Self::List2x500 => {
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#.to_owned()
            }
            Self::Initialize => initialize(),
        }
    }
}

const ORDINARY: &str =
    "a text of some length, as it is in an ordinary call of a tool, with a \\\"quote\\\"";

/// The end of a stateless call: what it says of itself.
const META: &str = r#"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}}}"#;

/// The first request of a session.
pub(crate) fn initialize() -> String {
    r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#
        .to_owned()
}

/// The name of tool number `index`.
pub(crate) fn tool_name(index: usize) -> String {
    format!("tool_{index}")
}

/// The definition of tool number `index`, about 240 bytes.
pub(crate) fn tool(index: usize) -> String {
    format!(
        r#"{{"name":"tool_{index}","description":"Tool number {index} of a server that is asked how fast lists are.","inputSchema":{{"type":"object","properties":{{"text":{{"type":"string","description":"What is echoed."}}}},"required":["text"]}}}}"#
    )
}

fn call(tool: &str, text: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"text":"{text}","count":3}}}}}}"#
    )
}

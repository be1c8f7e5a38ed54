//! What either side announces that it can do.

use mcp_filter_core::extension;
use serde_json::{Map, Value, json};

use super::ProtocolFault;
use super::members::Members;
use super::tells::Tells;

/// What a server announced, in `initialize` or in `server/discover`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) completions: bool,
    pub(super) logging: bool,
    /// Whether calls of its tools can be tasks, as 2025-11-25 has them.
    pub(super) tasks: bool,
    /// Whether they can become tasks, as 2026-07-28 has them in its extension of that name.
    pub(super) stateless_tasks: bool,
    /// Whether it has views for its tools' results (MCP Apps).
    pub(super) apps: bool,
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
    /// Of which of its lists it tells that they have changed.
    pub(super) tells: Tells,
}

impl Capabilities {
    /// Those of a result, whose member `capabilities` every revision requires.
    pub(super) fn of(result: &Members<'_>) -> Result<Self, ProtocolFault> {
        let announced = result
            .last("capabilities")
            .and_then(|value| value.get().parse().ok());
        let Some(Value::Object(announced)) = announced else {
            return Err(ProtocolFault::Result("capabilities"));
        };
        let has = |name| announced.get(name).is_some_and(Value::is_object);
        let tells = |name| {
            let announced = announced.get(name);
            announced.and_then(|value| value.get("listChanged")) == Some(&Value::Bool(true))
        };
        Ok(Self {
            completions: has("completions"),
            logging: has("logging"),
            tasks: has_task_calls(&announced),
            stateless_tasks: has_extension(&announced, extension::TASKS),
            apps: has_extension(&announced, extension::APPS),
            tools: has("tools"),
            prompts: has("prompts"),
            resources: has("resources"),
            tells: Tells {
                tools: tells("tools"),
                prompts: tells("prompts"),
                resources: tells("resources"),
            },
        })
    }
}

/// All that clients can do: some servers offer a tool only to those that can answer what it asks.
pub(super) fn of_clients() -> Value {
    let apps = json!({"mimeTypes": [extension::APPS_MIME_TYPE]});
    json!({
        "elicitation": {"form": {}, "url": {}},
        "extensions": {extension::APPS: apps},
        "roots": {},
        "sampling": {},
    })
}

/// Who asks.
pub(super) fn client_info() -> Value {
    json!({"name": "mcp-control", "version": env!("CARGO_PKG_VERSION")})
}

/// SEP-2133.
fn has_extension(capabilities: &Map<String, Value>, name: &str) -> bool {
    let extensions = capabilities.get("extensions");
    extensions
        .and_then(|extensions| extensions.get(name))
        .is_some_and(Value::is_object)
}

/// MCP 2025-11-25, basic/utilities/tasks, Capabilities. No other revision has these; 2026-07-28 has another extension of
/// that name.
fn has_task_calls(capabilities: &Map<String, Value>) -> bool {
    let requests = capabilities
        .get("tasks")
        .and_then(|tasks| tasks.get("requests"));
    let tools = requests.and_then(|requests| requests.get("tools"));
    tools
        .and_then(|tools| tools.get("call"))
        .is_some_and(Value::is_object)
}

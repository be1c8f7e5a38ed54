//! Extensions of MCP that pass through the gateway, by their names in `capabilities.extensions` (SEP-2133).

/// Calls that become tasks (SEP-2663).
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Views that hosts show beside a tool's result (MCP Apps, SEP-1865).
pub const APPS: &str = "io.modelcontextprotocol/ui";

/// What a client that can show views says it can show (MCP Apps 2026-01-26, Client<>Server Capability Negotiation).
pub const APPS_MIME_TYPE: &str = "text/html;profile=mcp-app";

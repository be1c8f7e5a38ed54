//! What the gateway serves.

use mcp_filter_config::PluginConfig;
use mcp_filter_core::Table;
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind};

/// See the module.
pub(super) fn table() -> Table {
    let mut config: PluginConfig = serde_json::from_str(include_str!("../config.json")).unwrap();
    let mut catalog = CatalogWriter::new();
    for (server, kind, prefix, definition) in [
        (0, ListKind::Tools, "github_", r#"{"name":"get_me"}"#),
        (0, ListKind::Tools, "github_", r#"{"name":"get_you"}"#),
        (1, ListKind::Tools, "s_", r#"{"name":"echo"}"#),
        (2, ListKind::Tools, "b_", r#"{"name":"echo"}"#),
        (3, ListKind::Tools, "n_", r#"{"name":"echo"}"#),
        (1, ListKind::Prompts, "s_", r#"{"name":"greet"}"#),
        (1, ListKind::Resources, "s_", r#"{"uri":"file:///a"}"#),
        (
            1,
            ListKind::ResourceTemplates,
            "s_",
            r#"{"uriTemplate":"item://{id}"}"#,
        ),
    ] {
        catalog.push(server, Definition::parse(kind, prefix, definition).unwrap());
    }
    config.catalog = Some(catalog.finish());
    Table::compile(&config).unwrap()
}

//! Prints the JSON schema of the plugin configuration:
//! `cargo run -p mcp-filter-config --features schema --example schema > filter/config/schema.json`

use mcp_filter_config::PluginConfig;

fn main() -> serde_json::Result<()> {
    println!(
        "{}",
        serde_json::to_string_pretty(&schemars::schema_for!(PluginConfig))?
    );
    Ok(())
}

//! What `mcp-control render` prints for a folder of manifests.

use std::path::Path;

use crate::component;
use crate::github::token;
use crate::process::command;

/// The plugin configuration, on one line.
pub async fn rendered(folder: &Path, arguments: &[&str]) -> String {
    let mut render = command(&component::control());
    render
        .arg("render")
        .args(arguments)
        .arg(folder)
        .env("MCP_ENVOY", component::envoy())
        .env("MCP_FILTER", component::filter())
        .env("GITHUB_PAT", token('c'));
    let output = render.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "mcp-control render: {said}");
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&said);
    config.to_string()
}

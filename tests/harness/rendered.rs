//! What `mcp-control render` prints for manifests.

use std::fs;
use std::path::Path;

use crate::component;
use crate::gateway::temporary_folder;
use crate::github::token;
use crate::manifests::Manifests;
use crate::process::command;

/// The plugin configuration for these manifests, on one line.
pub async fn rendered(manifests: &Manifests, arguments: &[&str]) -> String {
    let folder = temporary_folder("manifests");
    for (name, text) in manifests.files() {
        fs::write(folder.path().join(name), text).expect("a manifest written");
    }
    let (printed, said) = render(folder.path(), arguments).await;
    let config: serde_json::Value = serde_json::from_str(&printed).expect(&said);
    config.to_string()
}

/// The WasmPlugins that pull this image, as a user would apply them.
pub async fn wasm_plugins(folder: &Path, image: &str) -> String {
    render(folder, &["--wasm-plugins", image]).await.0
}

/// What it prints, and what it says.
async fn render(folder: &Path, arguments: &[&str]) -> (String, String) {
    let mut render = command(&component::control());
    render
        .arg("render")
        .args(arguments)
        .arg(folder)
        .env("MCP_ENVOY", component::envoy())
        .env("MCP_FILTER", component::filter())
        .env("GITHUB_PAT", token('c'));
    let output = render.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "mcp-control render: {said}");
    (String::from_utf8(output.stdout).expect("text"), said)
}

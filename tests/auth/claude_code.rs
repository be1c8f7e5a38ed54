//! Claude Code with the configuration of the guide.

use harness::claude_code::ClaudeCode;
use harness::github::token;
use harness::keycloak::Realm;
use serde_json::{Value, json};

use crate::guide::Guide;

in_both_roles! {
    async fn claude_code_is_connected_until_step_8_and_again_when_its_user_has_logged_in(role, keycloak) {
        let guide = Guide::start(role, &keycloak).await;
        let url = guide.url();
        let authority = keycloak.authority().file();
        let claude = ClaudeCode::new(&step_10(&url), &authority).await;
        assert_is_said(&claude, &url, "✔ Connected").await;

        guide.apply_step_8(&keycloak, Realm::Mcp).await;
        guide.apply_step_9();
        assert_is_said(&claude, &url, "! Needs authentication").await;
        let said = claude.mcp_login("mcp-gateway", "mcp").await;
        assert!(said.contains("Authenticated with \"mcp-gateway\""), "{said}");
        assert_is_said(&claude, &url, "✔ Connected").await;
    }
}

/// The guide's `.claude.json`.
fn step_10(url: &str) -> Value {
    let headers = json!({"x-github-pat": token('c')});
    json!({"mcpServers": {"mcp-gateway": {"type": "http", "url": url, "headers": headers}}})
}

async fn assert_is_said(claude: &ClaudeCode, url: &str, what: &str) {
    let said = claude.mcp_list().await;
    let line = format!("mcp-gateway: {url} (HTTP) - {what}");
    assert!(said.lines().any(|said| said == line), "{line}, not {said}");
}

//! The README's section on Kubernetes, on Istio.

use harness::document::{NOT_RUN, commands};
use harness::github::token;
use serde_json::json;

use crate::managed::{Managed, ready};

/// What a kubelet takes up: control runs from then on.
const INSTALL: &str = "-k wasmplugin/install";

tests! {
    async fn the_commands_of_the_readme_install_control_and_serve_githubs_tools() {
        let mut managed = Managed::bare().await;
        managed.trust().await;
        let lines = commands("README.md", "## Kubernetes");
        let lines: Vec<_> = lines.iter().filter(|line| !line.contains(NOT_RUN)).collect();
        let (last, lines) = lines.split_last().expect("commands");
        for line in lines {
            managed.run(line).await;
            if line.ends_with(INSTALL) {
                managed.start_control().await;
            }
            // The one thing that says where a server is.
            if line.ends_with("examples/github/part-1") {
                managed.lead_here("github-mcp-external").await;
            }
        }
        // The README leaves the token to its reader.
        let told = managed.until_ready("github", "False", "CredentialPlaceholder").await;
        let message = ready(&told).unwrap()["message"].to_string();
        assert!(message.contains("github-token") && message.contains("GITHUB_PAT"), "{message}");
        let secret = json!({"stringData": {"token": format!("Bearer {}", token('l'))}});
        managed.run(&format!("kubectl patch secret github-token -n mcp-test --type merge -p '{secret}'")).await;

        managed.until_ready("github", "True", "Ready").await;
        let tools = managed.offered().await.len();
        assert_eq!(managed.until_listed().await.len(), tools);
        let table = managed.run(last).await;
        let cells: Vec<_> = table.lines().nth(1).expect("a registration").split_whitespace().collect();
        let is_shown = |wanted: &str| cells.contains(&wanted);
        assert!(["github", "github_", "True", &tools.to_string()].into_iter().all(is_shown), "{table}");
    }
}

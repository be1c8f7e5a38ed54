//! Claude Code, on a machine where all names lead to itself and an authority of the tests is trusted.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::clients::{claude, claude_program, output};
use crate::component;
use crate::gateway::temporary_folder;
use crate::loopback_proxy::LoopbackProxy;

/// See the module. It forgets its logins when dropped.
#[derive(Debug)]
pub struct ClaudeCode {
    proxy: LoopbackProxy,
    authority: PathBuf,
    home: TempDir,
}

impl ClaudeCode {
    /// With this in its user's `.claude.json`; it trusts the authority that has its certificate in this file.
    pub async fn new(configuration: &Value, authority: &Path) -> Self {
        let home = temporary_folder("claude");
        let file = home.path().join(".claude.json");
        std::fs::write(file, configuration.to_string()).expect("a file");
        Self {
            proxy: LoopbackProxy::start().await,
            authority: authority.to_owned(),
            home,
        }
    }

    /// What `claude mcp list` says.
    pub async fn mcp_list(&self) -> String {
        let mut list = claude(self.home.path());
        self.settle(list.args(["mcp", "list"]));
        output(list).await
    }

    /// What `claude mcp login` says when this user, whose password is the name, has filled the forms in.
    pub async fn mcp_login(&self, server: &str, user: &str) -> String {
        let told =
            json!({"claude": claude_program(), "server": server, "user": user, "password": user});
        // For both programs.
        let claude = claude(self.home.path());
        let mut login = Command::new(component::node());
        login.env_clear().current_dir(self.home.path());
        for (name, value) in claude.as_std().get_envs() {
            login.env(name, value.unwrap_or_default());
        }
        login
            .arg(component::file("node/claude-login.mjs"))
            .arg(told.to_string());
        self.settle(&mut login);
        output(login).await
    }

    fn settle(&self, command: &mut Command) {
        command
            .env("NODE_EXTRA_CA_CERTS", &self.authority)
            .env("http_proxy", self.proxy.url())
            .env("https_proxy", self.proxy.url());
    }
}

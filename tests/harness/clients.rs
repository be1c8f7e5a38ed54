//! MCP clients that nobody here wrote, as programs of their own.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::authority::Authority;
use crate::component;
use crate::gateway::temporary_folder;

/// What one client does: connect, list all tools, call one.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// Sent with every request.
    pub headers: Value,
    /// The tool that it calls.
    pub tool: &'a str,
    /// The call's arguments.
    pub arguments: Value,
}

/// What it saw.
#[derive(Clone, Debug)]
pub struct Visited {
    /// Names of all tools.
    pub tools: Vec<String>,
    /// The call's result.
    pub result: Value,
    /// Methods of the requests that it answered, in order.
    pub asked: Vec<String>,
}

/// An SDK with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// npm `@modelcontextprotocol/sdk`
    TypeScript,
    /// npm `@modelcontextprotocol/client`, its successor.
    TypeScriptClient,
    /// PyPI `mcp`
    Python,
}

impl Sdk {
    /// Runs its client against `url`.
    pub async fn visit(self, url: &str, visit: &Visit<'_>) -> Visited {
        run(self.command(), url, visit).await
    }

    /// The same on a machine that trusts this authority, too.
    pub async fn trusting(self, authority: &Authority, url: &str, visit: &Visit<'_>) -> Visited {
        let mut command = self.command();
        command
            .env("NODE_EXTRA_CA_CERTS", authority.file())
            .env("SSL_CERT_FILE", authority.file());
        run(command, url, visit).await
    }

    fn command(self) -> Command {
        match self {
            Self::TypeScript => typescript("sdk"),
            Self::TypeScriptClient => typescript("client"),
            Self::Python => python(),
        }
    }
}

async fn run(mut command: Command, url: &str, visit: &Visit<'_>) -> Visited {
    let told = json!({"headers": visit.headers, "tool": visit.tool, "arguments": visit.arguments});
    command.arg(url).arg(told.to_string());
    let output = output(command).await;
    let line = output.lines().last().unwrap_or_default();
    let told: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in: {output}"));
    Visited {
        tools: strings(&told["tools"]),
        result: told["result"].clone(),
        asked: strings(&told["asked"]),
    }
}

/// What Claude Code says about the server at `url`, by `claude mcp list`, with these headers.
pub async fn claude_mcp_list(url: &str, headers: &[&str]) -> String {
    let home = temporary_folder("claude");
    let mut add = claude(home.path());
    add.args(["mcp", "add", "--transport", "http", "-s", "user", "gw", url]);
    for header in headers {
        add.args(["-H", header]);
    }
    output(add).await;
    let mut list = claude(home.path());
    list.args(["mcp", "list"]);
    output(list).await
}

fn claude(home: &Path) -> Command {
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let program = format!("node_modules/@anthropic-ai/claude-code-linux-{machine}/claude");
    let mut command = Command::new(component::npm_packages().join(program));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home);
    command
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .current_dir(home);
    command
}

fn typescript(package: &str) -> Command {
    let mut command = Command::new(component::node());
    command.arg(component::file("node/client.mjs")).arg(package);
    command.env("MCP_TEST_NPM_PACKAGES", component::npm_packages());
    command
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command
        .arg(component::file("python/client.py"))
        .env("PYTHONPATH", component::python_packages());
    command
}

/// Stdout of a command that must succeed.
async fn output(mut command: Command) -> String {
    let shown = format!("{:?}", command.as_std());
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{shown} starts: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{shown}: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

//! MCP clients that nobody here wrote, as programs of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::authority::Authority;
use crate::component;
use crate::gateway::temporary_folder;
use crate::github::{self, token};
use crate::scenario::{Era, List, Named, Scenario, Seen, Step};

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

/// A client that is a program of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// npm `@modelcontextprotocol/sdk`
    TypeScript,
    /// npm `@modelcontextprotocol/client`, its successor.
    TypeScriptClient,
    /// PyPI `mcp`
    Python,
    /// PyPI `fastmcp`
    FastMcp,
}

impl Sdk {
    /// Has its client visit `url`.
    pub async fn visit(self, url: &str, visit: &Visit<'_>) -> Visited {
        visited(run(self.command(), url, &scenario(visit)).await)
    }

    /// The same on a machine that trusts this authority, too.
    pub async fn trusting(self, authority: &Authority, url: &str, visit: &Visit<'_>) -> Visited {
        let mut command = self.command();
        command
            .env("NODE_EXTRA_CA_CERTS", authority.file())
            .env("SSL_CERT_FILE", authority.file());
        visited(run(command, url, &scenario(visit)).await)
    }

    /// Runs a scenario against `url`.
    pub async fn run(self, url: &str, scenario: &Scenario) -> Seen {
        run(self.command(), url, scenario).await
    }

    fn command(self) -> Command {
        match self {
            Self::TypeScript => typescript("sdk"),
            Self::TypeScriptClient => typescript("client"),
            Self::Python => python("mcp"),
            Self::FastMcp => python("fastmcp"),
        }
    }
}

async fn run(mut command: Command, url: &str, scenario: &Scenario) -> Seen {
    command.arg(url).arg(scenario.told().to_string());
    Seen::read(&last_line(&output(command).await))
}

fn scenario(visit: &Visit<'_>) -> Scenario {
    let call = Named::new(visit.tool, visit.arguments.clone());
    Scenario {
        headers: visit.headers.clone(),
        era: Era::Sessions,
        steps: vec![Step::List(List::Tools), Step::Call(call), Step::Ping],
    }
}

fn visited(seen: Seen) -> Visited {
    let [tools, call, ping] = seen.outcomes.as_slice() else {
        panic!("an outcome for each step: {seen:?}");
    };
    for outcome in &seen.outcomes {
        assert!(outcome.get("error").is_none(), "{outcome}");
    }
    assert!(ping["result"].is_object(), "{ping}");
    let tools = tools["items"].as_array().expect("a list");
    Visited {
        tools: tools
            .iter()
            .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect(),
        result: call["result"].clone(),
        asked: seen.asked,
    }
}

/// The headers and the call of a visit, as the program that logs in takes them.
fn told(visit: &Visit<'_>) -> Value {
    json!({"headers": visit.headers, "tool": visit.tool, "arguments": visit.arguments})
}

/// What such a program says.
fn last_line(output: &str) -> Value {
    let line = output.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in: {output}"))
}

/// What one user does with the TypeScript SDK: log in as the server wants it, list all tools, call one.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Who logs in.
    pub user: &'a str,
    /// What the user's browser fills into a form that asks for it.
    pub password: Option<&'a str>,
    /// What the client asks for.
    pub scope: Option<&'a str>,
    /// How often the call is made, at least.
    pub calls: usize,
    /// It is made again until the token has been refreshed so often.
    pub refreshes: usize,
    /// The headers and the call.
    pub visit: Visit<'a>,
}

/// What the user saw.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Names of all tools.
    pub tools: Vec<String>,
    /// Those of all calls, in order; `error` with the client's words where it got none.
    pub results: Vec<Value>,
    /// How often the token was refreshed between calls.
    pub refreshes: u64,
    /// Those of the last token.
    pub claims: Value,
    /// All requests to whomever, in order, such as `GET http://mcp.example.com/mcp 401`; without query.
    pub steps: Vec<String>,
}

impl LoggedIn {
    /// Asserts that these steps are among the user's, in this order.
    pub fn assert_steps(&self, expected: &[String]) {
        let mut rest = self.steps.iter();
        for step in expected {
            let is_there = rest.any(|other| other == step);
            assert!(is_there, "no {step} in {:#?}", self.steps);
        }
    }

    /// Asserts that GitHub's `get_me` was called, and has told each time the owner of the PAT made from this letter.
    pub fn assert_acts_as(&self, letter: char) {
        let login = format!("\"login\":\"{}\"", github::login(&token(letter)));
        assert!(!self.results.is_empty());
        for result in &self.results {
            let text = result["content"][0]["text"].as_str().unwrap_or_default();
            assert!(text.contains(&login), "{login}: {result}");
        }
    }
}

impl Login<'_> {
    /// Logs in at `url`, and does the rest.
    pub async fn run(&self, url: &str) -> LoggedIn {
        self.seen(login(), url).await
    }

    /// The same on a machine that trusts this authority, too.
    pub async fn trusting(&self, authority: &Authority, url: &str) -> LoggedIn {
        self.trusting_file(&authority.file(), url).await
    }

    /// The same with the file of its certificate.
    pub async fn trusting_file(&self, authority: &Path, url: &str) -> LoggedIn {
        let mut command = login();
        command.env("NODE_EXTRA_CA_CERTS", authority);
        self.seen(command, url).await
    }

    async fn seen(&self, mut command: Command, url: &str) -> LoggedIn {
        let mut login = told(&self.visit);
        login["user"] = self.user.into();
        // Without, there is no such member: null would be one.
        let optional = [("password", self.password), ("scope", self.scope)];
        for (name, value) in optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
        {
            login[name] = value.into();
        }
        login["calls"] = self.calls.into();
        login["refreshes"] = self.refreshes.into();
        command.arg(url).arg(login.to_string());
        let said = last_line(&output(command).await);
        let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
        let step = |step: &Value| {
            let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("method"), text("url"), step["status"])
        };
        LoggedIn {
            tools: strings(&said["tools"]),
            results: list("results"),
            refreshes: said["refreshes"].as_u64().expect("a count"),
            claims: said["claims"].clone(),
            steps: list("steps").iter().map(step).collect(),
        }
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

/// Claude Code, with the environment that it gets and no other.
pub(crate) fn claude(home: &Path) -> Command {
    let mut command = Command::new(claude_program());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home);
    command
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .current_dir(home);
    command
}

/// The program `claude` itself.
pub(crate) fn claude_program() -> PathBuf {
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let program = format!("node_modules/@anthropic-ai/claude-code-linux-{machine}/claude");
    component::npm_packages().join(program)
}

fn typescript(package: &str) -> Command {
    let mut command = node("node/client.mjs");
    command.arg(package);
    command
}

fn login() -> Command {
    node("node/login.mjs")
}

fn node(program: &str) -> Command {
    let mut command = Command::new(component::node());
    command
        .arg(component::file(program))
        .env("MCP_TEST_NPM_PACKAGES", component::npm_packages());
    command
}

fn python(package: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(component::file("python/client.py"))
        .arg(package)
        .env("PYTHONPATH", component::python_packages());
    command
}

/// Stdout of a command that must succeed.
pub(crate) async fn output(mut command: Command) -> String {
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

//! The command line of the MCP Inspector: one process for each step.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::component;
use crate::gateway::temporary_folder;
use crate::scenario::{Era, List, Named, Scenario, Seen, Step};

/// Runs a scenario against `url`. It can list, call, get a prompt and read a resource; it shows no progress and answers no
/// question.
pub async fn run(url: &str, scenario: &Scenario) -> Seen {
    let inspector = Inspector {
        url,
        scenario,
        home: temporary_folder("inspector"),
    };
    let opened = inspector.ask(&["--method", "initialize"]).await;
    let mut outcomes = Vec::new();
    for step in &scenario.steps {
        outcomes.push(inspector.outcome(step).await);
    }
    Seen {
        revision: opened["result"]["protocolVersion"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        outcomes,
        asked: Vec::new(),
    }
}

struct Inspector<'a> {
    url: &'a str,
    scenario: &'a Scenario,
    /// It keeps what it likes there.
    home: TempDir,
}

impl Inspector<'_> {
    async fn outcome(&self, step: &Step) -> Value {
        match step {
            Step::List(list) => {
                let (method, member) = match list {
                    List::Tools => ("tools/list", "tools"),
                    List::Prompts => ("prompts/list", "prompts"),
                    List::Resources => ("resources/list", "resources"),
                    List::Templates => ("resources/templates/list", "resourceTemplates"),
                };
                let said = self.ask(&["--method", method]).await;
                match said.get("error") {
                    Some(_) => said,
                    None => json!({"items": said["result"][member]}),
                }
            }
            Step::Call(Named { name, arguments }) => {
                let arguments = arguments.to_string();
                let words = ["--method", "tools/call", "--tool-name", name];
                self.ask(&[&words[..], &["--tool-args-json", &arguments]].concat())
                    .await
            }
            Step::Prompt(Named { name, arguments }) => {
                let arguments = arguments.as_object().into_iter().flatten();
                let pairs: Vec<String> = arguments
                    .map(|(name, value)| format!("{name}={}", value.as_str().expect("a text")))
                    .collect();
                let mut words = vec!["--method", "prompts/get", "--prompt-name", name];
                if !pairs.is_empty() {
                    words.push("--prompt-args");
                    words.extend(pairs.iter().map(String::as_str));
                }
                self.ask(&words).await
            }
            Step::Read(uri) => {
                self.ask(&["--method", "resources/read", "--uri", uri])
                    .await
            }
            Step::GiveUp(_) | Step::Complete { .. } | Step::Ping => {
                panic!("the command line of the Inspector cannot {step:?}")
            }
        }
    }

    /// What it prints: an object with `result` or `error`.
    async fn ask(&self, words: &[&str]) -> Value {
        let program =
            "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
        let mut command = Command::new(component::inspector_node());
        command
            .arg(component::inspector().join(program))
            .args(["--cli", "--transport", "http", "--server-url", self.url])
            .args(["--protocol-era", era(self.scenario.era)])
            .args(["--format", "json", "--quiet", "--stored-auth-only"])
            .env("HOME", self.home.path());
        for (name, value) in self.scenario.headers.as_object().into_iter().flatten() {
            let value = value.as_str().expect("a text");
            command.arg("--header").arg(format!("{name}: {value}"));
        }
        command.args(words).kill_on_drop(true);
        command.stdin(std::process::Stdio::null());
        let output = command.output().await.expect("the Inspector starts");
        // An error is told on the other stream.
        let said = match output.status.success() {
            true => &output.stdout,
            false => &output.stderr,
        };
        let said = String::from_utf8_lossy(said);
        let message = said.lines().last().unwrap_or_default();
        serde_json::from_str(message).unwrap_or_else(|error| panic!("{error} in: {said}"))
    }
}

fn era(era: Era) -> &'static str {
    match era {
        Era::Sessions => "legacy",
        Era::Newest => "auto",
        Era::Stateless => "modern",
    }
}

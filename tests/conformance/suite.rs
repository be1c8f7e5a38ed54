//! The conformance suite, as its program is started and what it writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use harness::component;
use harness::gateway::temporary_folder;
use harness::process::{Process, command};
use harness::wait::within;
use serde_json::Value;

/// The suite takes seconds for a revision; one of its scenarios may wait half a minute for what does not come.
const BOUND: Duration = Duration::from_secs(300);

/// What a folder of results is named after the scenario: a time, such as `2026-07-28T09-40-00-123Z`.
const TIME: usize = "-2026-07-28T09-40-00-123Z".len();

/// What the suite says of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    Info,
    Skipped,
    Warning,
    Failure,
}

/// One rule that a scenario has looked at.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// Its name within the scenario; one may be looked at several times.
    pub(crate) id: String,
    pub(crate) status: Status,
    /// Why it is not a success.
    pub(crate) reason: String,
}

/// The checks of each scenario of a revision.
pub(crate) type Results = BTreeMap<String, Vec<Check>>;

/// The names of the scenarios for servers of a revision, in the suite's order.
pub(crate) async fn scenarios(revision: &str) -> Vec<String> {
    let process = start(&["list", "--server", "--spec-version", revision]).await;
    within("the suite lists its scenarios", BOUND, process.ended()).await;
    let lines = process.lines();
    let names = lines.iter().filter_map(|line| line.strip_prefix("  - "));
    let names = names.filter_map(|line| line.split(' ').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(!names.is_empty(), "{}", process.log());
    names
}

/// Runs these scenarios of a revision against the server at this URL.
pub(crate) async fn run(revision: &str, scenarios: &[String], url: &str) -> Results {
    let folder = temporary_folder("conformance");
    let output = folder.path().to_str().expect("a path in UTF-8");
    let process = start(&[
        "server",
        "--url",
        url,
        "--suite",
        "all",
        "--spec-version",
        revision,
        "--output-dir",
        output,
    ])
    .await;
    within("the suite ends", BOUND, process.ended()).await;
    let results = scenarios.iter().map(|scenario| {
        let checks = checks_in(folder.path(), scenario);
        let checks = checks.unwrap_or_else(|| vec![unfinished(scenario, &process)]);
        (scenario.clone(), checks)
    });
    results.collect()
}

async fn start(arguments: &[&str]) -> Process {
    let mut suite = command(&component::node_22());
    suite.arg(component::conformance()).args(arguments);
    Process::start("the conformance suite", suite).await
}

/// What a scenario has found; nothing where it did not run to its end.
fn checks_in(folder: &Path, scenario: &str) -> Option<Vec<Check>> {
    let folders = fs::read_dir(folder).expect("the folder of results");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    let folder = folders.into_iter().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_prefix("server-"));
        name.and_then(|name| name.get(..name.len().checked_sub(TIME)?)) == Some(scenario)
    })?;
    let checks = fs::read(folder.join("checks.json")).ok()?;
    let checks: Vec<Value> = serde_json::from_slice(&checks).expect("checks");
    Some(checks.iter().map(check).collect())
}

fn check(check: &Value) -> Check {
    let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
    let status = match check["status"].as_str() {
        Some("SUCCESS") => Status::Success,
        Some("INFO") => Status::Info,
        Some("SKIPPED") => Status::Skipped,
        Some("WARNING") => Status::Warning,
        Some("FAILURE") => Status::Failure,
        other => panic!("a status that is not known: {other:?}"),
    };
    let mut reason = text("errorMessage");
    if reason.is_empty() {
        reason = text("description");
    }
    if let Some(details) = check.get("details")
        && status != Status::Success
    {
        reason = format!("{reason} {details}");
    }
    Check {
        id: text("id"),
        status,
        reason,
    }
}

/// The one check of a scenario that an error has ended.
fn unfinished(scenario: &str, process: &Process) -> Check {
    let failed = format!("Failed to run scenario {scenario}:");
    let lines = process.lines();
    let said = lines.iter().skip_while(|line| !line.contains(&failed));
    let said: Vec<&str> = said.take(6).map(String::as_str).collect();
    Check {
        id: "runs-to-its-end".to_owned(),
        status: Status::Failure,
        reason: said.join("\n"),
    }
}

//! The table of the README.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use harness::component;

use crate::measure::Measured;
use crate::suite::{Check, Status};

/// Between these lines it stands.
const BEGIN: &str = "<!-- Written by scripts/conformance-table. -->\n";
const END: &str = "<!-- The end of what it writes. -->\n";

/// Of a scenario that a revision has not.
const NONE: &str = "";

/// As it was measured: for each scenario and revision, how many checks succeed of those that the suite judges by.
pub(crate) fn table(measured: &[Measured]) -> String {
    let mut table = "| scenario |".to_owned();
    for measured in measured {
        let _ = write!(table, " {} directly | through us |", measured.revision);
    }
    table.push_str("\n| --- |");
    table.push_str(&" --- | --- |".repeat(measured.len()));
    table.push('\n');
    for scenario in scenarios(measured) {
        let _ = write!(table, "| `{scenario}` |");
        for measured in measured {
            let (direct, through) = cells(measured, scenario);
            let _ = write!(table, " {direct} | {through} |");
        }
        table.push('\n');
    }
    table
}

/// All of them, each once.
fn scenarios(measured: &[Measured]) -> Vec<&str> {
    let mut scenarios: Vec<&str> = Vec::new();
    for scenario in measured.iter().flat_map(|measured| &measured.scenarios) {
        if !scenarios.contains(&scenario.as_str()) {
            scenarios.push(scenario);
        }
    }
    scenarios
}

fn cells(measured: &Measured, scenario: &str) -> (String, String) {
    let Some(direct) = measured.direct.get(scenario) else {
        return (NONE.to_owned(), NONE.to_owned());
    };
    let through = measured.through.iter();
    let through = through.filter_map(|(_, results)| results.get(scenario));
    let worst = through.map(|checks| share(checks)).min();
    (tell(share(direct)), worst.map_or(NONE.to_owned(), tell))
}

/// Successes, and all that the suite judges by.
fn share(checks: &[Check]) -> (usize, usize) {
    let judged = checks.iter().filter(|check| check.status != Status::Info);
    let successes = judged
        .clone()
        .filter(|check| check.status == Status::Success);
    (successes.count(), judged.count())
}

fn tell((successes, all): (usize, usize)) -> String {
    format!("{successes}/{all}")
}

fn readme() -> PathBuf {
    component::file("../README.md")
}

/// What stands between the marks, and the text before and after.
fn parts(document: &str) -> (&str, &str, &str) {
    let marks = "the marks of the table in README.md";
    let (before, rest) = document.split_once(BEGIN).expect(marks);
    let (table, after) = rest.split_once(END).expect(marks);
    (before, table, after)
}

/// Puts it into the README.
pub(crate) fn write(table: &str) {
    let document = fs::read_to_string(readme()).expect("README.md");
    let (before, _, after) = parts(&document);
    fs::write(readme(), [before, BEGIN, table, END, after].concat()).expect("README.md written");
}

/// The first line of the README's that was not measured so.
pub(crate) fn stale(table: &str) -> Option<String> {
    let document = fs::read_to_string(readme()).expect("README.md");
    let (_, written, _) = parts(&document);
    let lines = table.lines().map(Some).chain(std::iter::repeat(None));
    let written = written.lines().map(Some).chain(std::iter::repeat(None));
    let mut pairs = lines.zip(written).take_while(|pair| *pair != (None, None));
    let (measured, written) = pairs.find(|(measured, written)| measured != written)?;
    Some(format!(
        "measured: {}\nin README.md: {}\nscripts/conformance-table writes it anew",
        measured.unwrap_or("nothing more"),
        written.unwrap_or("nothing more"),
    ))
}

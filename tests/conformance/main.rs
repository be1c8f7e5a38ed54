//! Level `conformance`: MCP's own suite against a server directly, and against the same server through the gateway. See
//! `tests/README.md`.
//!
//! Each scenario of each revision is a test. It passes when no check that succeeds directly fails or is doubted through
//! the gateway, and no other fails that does not fail directly; with three servers behind the gateway each check must end
//! as with one. Arguments are words: tests run whose names hold one of them. With `--write-table` the table of the README
//! is written instead of compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests end by a panic"
)]

mod compare;
mod fixture;
mod measure;
mod report;
mod shares;
mod splitter;
mod suite;
mod table;

use std::panic::catch_unwind;
use std::process::ExitCode;

use harness::runtime;

use crate::measure::{Measured, Revision, measure, measure_some};
use crate::report::Report;
use crate::suite::Status;

/// What the requirement names, the oldest first.
const REVISIONS: [Revision; 3] = [
    Revision {
        name: "2025-06-18",
        sessions: true,
    },
    Revision {
        name: "2025-11-25",
        sessions: true,
    },
    Revision {
        name: "2026-07-28",
        sessions: false,
    },
];

fn main() -> ExitCode {
    let (options, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    let writes = options.iter().any(|option| option == "--write-table");
    let mut report = Report::new(words);
    let mut measured = Vec::new();
    for revision in &REVISIONS {
        if !report.wants(revision) {
            continue;
        }
        // What is missing or does not start fails the revision, not those after it.
        match catch_unwind(|| measured_twice_at_most(revision)) {
            Ok(results) => {
                tell(&mut report, &results);
                measured.push(results);
            }
            Err(_) => report.fail(
                format!("{}::is_measured", revision.name),
                vec!["see above".to_owned()],
            ),
        }
    }
    tell_table(&mut report, &measured, writes);
    report.end()
}

/// What fails is run once more, in fixtures of its own: the suite waits for some answers half a second and for news one
/// and a half, and what other programs delay, they delay now and then.
fn measured_twice_at_most(revision: &Revision) -> Measured {
    let mut measured = runtime::prepare(measure(revision));
    let scenarios = measured.scenarios.iter().cloned();
    let doubtful: Vec<String> = scenarios
        .filter(|scenario| !faults(&measured, scenario).is_empty())
        .collect();
    if !doubtful.is_empty() {
        eprintln!("{}: once more: {}", revision.name, doubtful.join(", "));
        measured.replace(runtime::prepare(measure_some(revision, &doubtful)));
    }
    measured
}

/// The tests of a revision.
fn tell(report: &mut Report, measured: &Measured) {
    let revision = measured.revision;
    for scenario in &measured.scenarios {
        report.test(
            &format!("{revision}::{scenario}"),
            faults(measured, scenario),
        );
    }
    let used = format!("{revision}::three_servers_have_a_share_each");
    report.test(&used, measured.split.clone());
}

fn faults(measured: &Measured, scenario: &str) -> Vec<String> {
    let direct = &measured.direct[scenario];
    if !direct.iter().any(|check| check.status == Status::Success) {
        return vec![format!("nothing succeeds directly: {direct:?}")];
    }
    let ways = || {
        measured
            .through
            .iter()
            .map(|(way, results)| (*way, &results[scenario]))
    };
    let losses = ways().flat_map(|(way, checks)| compare::losses(direct, checks, way));
    let (one_way, one) = ways().next().expect("a way");
    let others = ways().skip(1);
    let differences =
        others.flat_map(|(way, checks)| compare::differences((one, one_way), (checks, way)));
    losses.chain(differences).collect()
}

/// The table is of all revisions, so it is looked at only where all were measured.
fn tell_table(report: &mut Report, measured: &[Measured], writes: bool) {
    if !REVISIONS
        .iter()
        .map(|revision| revision.name)
        .eq(measured.iter().map(|measured| measured.revision))
    {
        return;
    }
    let table = table::table(measured);
    if writes {
        table::write(&table);
    }
    report.test(
        "the_readme_has_what_was_measured",
        table::stale(&table).into_iter().collect(),
    );
}

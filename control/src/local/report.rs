//! What people are told: the table and the line `ready` on standard output, changes in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write as _, stdout};
use std::time::Instant;

use super::model::View;
use super::sources::Sources;
use crate::index::Index;
use crate::manifests::Severity;
use crate::object::ObjectName;
use crate::printable::printable;
use crate::status_table::{Row, table};
use crate::verdict::{Readiness, Reason, Verdict};

/// Remembers what was told, and tells only what is new.
#[derive(Debug, Default)]
pub(super) struct Report {
    since: BTreeMap<Key, Instant>,
    verdicts: BTreeMap<Key, Verdict>,
    told: BTreeSet<(Severity, String)>,
}

/// Kind and name of a registration.
type Key = (&'static str, ObjectName);

impl Report {
    /// Tells what is new in what the manifests lead to.
    pub(super) fn tell(&mut self, sources: &Sources, index: &Index, view: &View) {
        self.tell_faults(sources, index, view);
        self.tell_verdicts(sources, &view.verdicts);
    }

    /// Tells what is wrong with files and objects.
    fn tell_faults(&mut self, sources: &Sources, index: &Index, view: &View) {
        let of_files = sources.errors();
        let of_files = of_files
            .iter()
            .map(|error| (error.severity, error.to_string()));
        let notices = index.notices.iter().chain(&view.notices);
        let of_objects = notices.map(|notice| {
            let severity = if notice.accepted {
                Severity::Warning
            } else {
                Severity::Error
            };
            let object = object(sources, notice.kind, &notice.name);
            (severity, format!("{object}: {}", notice.fault))
        });
        let of_envoy = view
            .left_out
            .iter()
            .map(|flaw| (Severity::Error, printable(flaw)));
        let warnings = without_effect(sources, index).chain(emptiness(sources, index));
        let of_nobody = warnings.map(|text| (Severity::Warning, printable(&text)));
        let all = of_files.chain(of_objects).chain(of_envoy).chain(of_nobody);
        let mut now = BTreeSet::new();
        for (severity, text) in all {
            let fault = (severity, text);
            let is_new = !self.told.contains(&fault) && !now.contains(&fault);
            match severity {
                _ if !is_new => {}
                Severity::Warning => tracing::warn!("{}", fault.1),
                Severity::Error => tracing::error!("{}", fault.1),
            }
            now.insert(fault);
        }
        for (_, text) in self.told.difference(&now) {
            tracing::info!("no more: {text}");
        }
        self.told = now;
    }

    /// Tells whose condition has changed.
    fn tell_verdicts(&mut self, sources: &Sources, verdicts: &[Verdict]) {
        let before = std::mem::take(&mut self.verdicts);
        for verdict in verdicts {
            let key = (verdict.kind, verdict.name.clone());
            self.since.entry(key.clone()).or_insert_with(Instant::now);
            let same = |known: &Verdict| {
                (known.ready, known.reason, &known.message)
                    == (verdict.ready, verdict.reason, &verdict.message)
            };
            if !before.get(&key).is_some_and(same) {
                tell(sources, verdict);
            }
            self.verdicts.insert(key, verdict.clone());
        }
        let verdicts = &self.verdicts;
        self.since.retain(|key, _| verdicts.contains_key(key));
    }

    /// Whether something of what was told is not accepted.
    pub(super) fn has_errors(&self) -> bool {
        let mut verdicts = self.verdicts.values();
        self.told
            .iter()
            .any(|(severity, _)| *severity == Severity::Error)
            || verdicts.any(is_refused)
    }

    /// Prints the table, and that the gateway serves at `url` where it does.
    pub(super) fn print(&self, index: &Index, url: Option<&str>) {
        let rows = index.registrations.iter().filter_map(|registration| {
            let key = (registration.kind, registration.name.clone());
            let verdict = self.verdicts.get(&key)?;
            let age = self.since.get(&key).map(Instant::elapsed);
            Some(Row::new(registration, verdict, age))
        });
        let rows: Vec<_> = rows.collect();
        let mut text = table(&rows);
        if let Some(url) = url {
            text.push_str(&format!("ready {url}\n"));
        }
        print(&text);
    }
}

fn tell(sources: &Sources, verdict: &Verdict) {
    let Verdict {
        ready,
        reason,
        message,
        ..
    } = verdict;
    let object = object(sources, verdict.kind, &verdict.name);
    if is_refused(verdict) {
        tracing::error!("{object}: Ready={ready} {reason}: {message}");
    } else {
        tracing::info!("{object}: Ready={ready} {reason}: {message}");
    }
}

/// Whether it is not as its author wants it.
fn is_refused(verdict: &Verdict) -> bool {
    verdict.ready == Readiness::False && verdict.reason != Reason::Disabled
}

/// Place, kind and name.
fn object(sources: &Sources, kind: &str, name: &ObjectName) -> String {
    match sources.place(kind, name) {
        Some(place) => format!("{place}: {kind} {name}"),
        None => format!("{kind} {name}"),
    }
}

/// Fields of registrations that are accepted and do nothing.
fn without_effect(sources: &Sources, index: &Index) -> impl Iterator<Item = String> {
    let registrations = index.registrations.iter();
    registrations
        .filter(|registration| !registration.unsupported.is_empty())
        .map(|registration| {
            let object = object(sources, registration.kind, &registration.name);
            let fields = registration.unsupported.join(", ");
            format!(
                "{object}: {}: without effect here: {fields}",
                Reason::Unsupported
            )
        })
}

/// What may be a mistake where there is nothing at all.
fn emptiness(sources: &Sources, index: &Index) -> impl Iterator<Item = String> {
    let folders = sources.empty_folders().map(|folder| {
        format!(
            "{}: no manifests (*.yaml, *.yml, *.json) in it; folders are read without descending, so name those that have some",
            folder.display()
        )
    });
    let none = "no MCPServerRegistration and no MCPServer is there, so no server is served";
    let none = index.registrations.is_empty().then(|| none.to_owned());
    folders.chain(none)
}

/// Writes to standard output, where nobody may be listening.
pub(crate) fn print(text: &str) {
    let mut stdout = stdout().lock();
    let outcome = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = outcome {
        tracing::warn!("standard output: {error}");
    }
}

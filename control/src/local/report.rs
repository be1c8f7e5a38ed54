//! What people are told: the table and the line `ready` on standard output, changes in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write as _, stdout};
use std::time::Instant;

use crate::index::Index;
use crate::manifests::{ManifestError, Severity};
use crate::object::ObjectName;
use crate::status_table::{Row, table};
use crate::verdict::{Readiness, Verdict};

/// Remembers what was told, and tells only what is new.
#[derive(Debug, Default)]
pub(super) struct Report {
    since: BTreeMap<ObjectName, Instant>,
    verdicts: BTreeMap<ObjectName, Verdict>,
    told: BTreeSet<(Severity, String)>,
}

impl Report {
    /// Tells what is wrong with files and objects.
    pub(super) fn tell_faults(
        &mut self,
        errors: &[ManifestError],
        index: &Index,
        left_out: &[String],
    ) {
        let of_files = errors
            .iter()
            .map(|error| (error.severity, error.to_string()));
        let of_objects = index.notices.iter().map(|notice| {
            let severity = if notice.accepted {
                Severity::Warning
            } else {
                Severity::Error
            };
            (
                severity,
                format!("{} {}: {}", notice.kind, notice.name, notice.fault),
            )
        });
        let of_envoy = left_out.iter().map(|flaw| (Severity::Error, flaw.clone()));
        let now: BTreeSet<_> = of_files.chain(of_objects).chain(of_envoy).collect();
        for (severity, text) in now.difference(&self.told) {
            match severity {
                Severity::Warning => tracing::warn!("{text}"),
                Severity::Error => tracing::error!("{text}"),
            }
        }
        for (_, text) in self.told.difference(&now) {
            tracing::info!("no more: {text}");
        }
        self.told = now;
    }

    /// Tells whose condition has changed.
    pub(super) fn tell_verdicts(&mut self, verdicts: &[Verdict]) {
        let before = std::mem::take(&mut self.verdicts);
        for verdict in verdicts {
            let Verdict {
                name,
                kind,
                ready,
                reason,
                message,
                ..
            } = verdict;
            self.since.entry(name.clone()).or_insert_with(Instant::now);
            let known = before
                .get(name)
                .map(|before| (before.ready, before.reason, &before.message));
            if known != Some((*ready, *reason, message)) {
                match ready {
                    Readiness::False => {
                        tracing::warn!("{kind} {name}: Ready=False {reason}: {message}")
                    }
                    _ => tracing::info!("{kind} {name}: Ready={ready} {reason}: {message}"),
                }
            }
            self.verdicts.insert(name.clone(), verdict.clone());
        }
        self.since
            .retain(|name, _| verdicts.iter().any(|verdict| verdict.name == *name));
    }

    /// Whether something of what was told is not accepted.
    pub(super) fn has_errors(&self) -> bool {
        let mut verdicts = self.verdicts.values();
        self.told
            .iter()
            .any(|(severity, _)| *severity == Severity::Error)
            || verdicts.any(|verdict| verdict.ready == Readiness::False)
    }

    /// Prints the table, and that the gateway serves at `url` where it does.
    pub(super) fn print(&self, index: &Index, url: Option<&str>) {
        let rows = index.registrations.iter().filter_map(|registration| {
            let verdict = self.verdicts.get(&registration.name)?;
            let age = self.since.get(&registration.name).map(Instant::elapsed);
            Some(Row {
                registration,
                verdict,
                age,
            })
        });
        let rows: Vec<_> = rows.collect();
        let mut text = table(&rows);
        if let Some(url) = url {
            text.push_str(&format!("ready {url}\n"));
        }
        print(&text);
    }
}

/// Writes to standard output, where nobody may be listening.
pub(super) fn print(text: &str) {
    let mut stdout = stdout().lock();
    let outcome = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = outcome {
        tracing::warn!("standard output: {error}");
    }
}

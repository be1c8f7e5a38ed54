//! The result of each test, in the words of Rust's own test programs, which `scripts/test` counts.

use std::process::ExitCode;
use std::time::Instant;

use crate::measure::Revision;

/// The tests so far.
#[derive(Debug)]
pub(crate) struct Report {
    words: Vec<String>,
    started: Instant,
    passed: usize,
    filtered: usize,
    /// With what is wrong.
    failed: Vec<(String, Vec<String>)>,
}

impl Report {
    /// Of the tests whose names hold one of the words; of all where there are none.
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self {
            words,
            started: Instant::now(),
            passed: 0,
            filtered: 0,
            failed: Vec::new(),
        }
    }

    /// Whether a test of this revision may be wanted.
    pub(crate) fn wants(&self, revision: &Revision) -> bool {
        let is_named = |revision: &Revision| {
            let mut words = self.words.iter();
            words.any(|word| word.starts_with(revision.name))
        };
        let names_another = || crate::REVISIONS.iter().any(is_named);
        is_named(revision) || !names_another()
    }

    /// The result of a test: what is wrong.
    pub(crate) fn test(&mut self, name: &str, faults: Vec<String>) {
        if !self.words.is_empty() && !self.words.iter().any(|word| name.contains(word.as_str())) {
            self.filtered += 1;
        } else if faults.is_empty() {
            println!("test {name} ... ok");
            self.passed += 1;
        } else {
            self.fail(name.to_owned(), faults);
        }
    }

    /// A test that has failed, whatever was asked for.
    pub(crate) fn fail(&mut self, name: String, faults: Vec<String>) {
        println!("test {name} ... FAILED");
        self.failed.push((name, faults));
    }

    /// Tells what is wrong, and how many tests passed. None at all is a failure, too.
    pub(crate) fn end(self) -> ExitCode {
        if !self.failed.is_empty() {
            println!("\nfailures:");
        }
        for (name, faults) in &self.failed {
            println!("\n---- {name} ----\n{}", faults.join("\n"));
        }
        let is_good = self.failed.is_empty() && self.passed > 0;
        println!(
            "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
            if is_good { "ok" } else { "FAILED" },
            self.passed,
            self.failed.len(),
            self.filtered,
            self.started.elapsed().as_secs_f32(),
        );
        ExitCode::from(u8::from(!is_good))
    }
}

//! When each registration came.

use std::collections::BTreeMap;

use super::Subject;
use crate::index::Index;
use crate::object::ObjectName;

/// The round in which each registration came; a round begins whenever the objects have changed. One that goes and comes
/// back at once is another subject by it: it is asked anew, though discovery may not have seen it go.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    current: u64,
    came: BTreeMap<ObjectName, u64>,
}

impl Rounds {
    /// Begins another, in which there are the registrations of `index`.
    pub fn begin(&mut self, index: &Index) {
        self.current += 1;
        let before = std::mem::take(&mut self.came);
        let names = index.registrations.iter().map(|known| &known.name);
        let came = names.map(|name| {
            let round = before.get(name).copied();
            (name.clone(), round.unwrap_or(self.current))
        });
        self.came = came.collect();
    }

    /// Whose lists are to be read, of the registrations of `index`.
    pub fn subjects(&self, index: &Index) -> Vec<Subject> {
        let subjects = index.registrations.iter().filter_map(|registration| {
            let subject = Subject::of(registration, &index.network)?;
            let round = self.came.get(&subject.name).copied();
            Some(Subject {
                round: round.unwrap_or_default(),
                ..subject
            })
        });
        subjects.collect()
    }
}

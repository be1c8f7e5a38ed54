//! Kubernetes manifests from folders.

mod decode;
mod document;
mod folder;
mod kind;
mod object;
mod parse;
mod read;

pub use folder::Folder;
pub use kind::{Identity, Kind};
pub use object::Object;
pub use parse::parse;
pub use read::{expect_file, is_manifest, read_folders, read_manifest};

use std::fmt;

use crate::printable::printable;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the user named its folder.
    pub file: String,
    /// From 1; 0 for the file as a whole.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&printable(&self.file)),
            line => write!(f, "{}:{line}", printable(&self.file)),
        }
    }
}

/// An object and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced {
    /// The object.
    pub object: Object,
    /// Its first line.
    pub place: Place,
}

/// Something wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ManifestError {
    /// Where.
    pub place: Place,
    /// What is wrong and what to do.
    pub reason: String,
    /// Whether what stands there is left out for it; else it is a warning.
    pub severity: Severity,
}

/// How bad a [`ManifestError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing that was asked for is missing.
    Warning,
    /// Something is not accepted.
    Error,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// What was understood.
    pub objects: Vec<Sourced>,
    /// What is wrong.
    pub errors: Vec<ManifestError>,
    /// The documents that gave no object for it.
    pub refused: Vec<Refused>,
}

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its first line.
    pub place: Place,
    /// What it is, as far as it says.
    pub identity: Option<Identity>,
    /// Whether it is meant for an AuthPolicy, which must not be dropped.
    pub policy: bool,
}

//! The manifests in the folders, kept up to date.

mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::manifests::{
    Folder, Identity, Kind, ManifestError, Object, Place, is_manifest, read_manifest,
};
use crate::object::ObjectName;
use look::{Look, look};

/// A file that was written this shortly before is read later: its writer may not have finished.
pub(super) const SETTLE: Duration = Duration::from_millis(60);

/// A file counts as gone when it was away for this long: some editors take a file away before they put the new one in
/// its place, and a policy must hold meanwhile.
const GONE: Duration = Duration::from_millis(500);

/// A folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}: name a folder with manifests", path.display())]
pub(super) struct SourcesError {
    path: PathBuf,
    cause: io::Error,
}

/// The files of some folders.
#[derive(Debug)]
pub(super) struct Sources {
    folders: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Look>,
    folder: Folder,
    /// Files that are not there, and since when.
    away: BTreeMap<PathBuf, SystemTime>,
    unreadable: BTreeSet<PathBuf>,
}

/// What a look at the folders has led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Whether there is something new in [`Sources::objects`] or [`Sources::errors`].
    pub(super) changed: bool,
    /// Whether a file was left for another look, after [`SETTLE`]: it may still be written, or come back.
    pub(super) unsettled: bool,
}

impl Sources {
    /// Reads all files.
    pub(super) fn open(folders: &[PathBuf]) -> Result<Self, SourcesError> {
        let mut sources = Self {
            folders: Vec::new(),
            files: BTreeMap::new(),
            folder: Folder::default(),
            away: BTreeMap::new(),
            unreadable: BTreeSet::new(),
        };
        let mut seen = BTreeSet::new();
        for folder in folders {
            let is_folder = std::fs::read_dir(folder).and_then(|_| folder.canonicalize());
            let real = is_folder.map_err(|cause| SourcesError {
                path: folder.clone(),
                cause,
            })?;
            // One folder in two spellings is one folder.
            if seen.insert(real) {
                sources.folders.push(folder.clone());
            }
        }
        // A file that is being written right now is better than none.
        sources.scan_at(None);
        Ok(sources)
    }

    /// Reads what is new or has changed.
    pub(super) fn scan(&mut self) -> Scan {
        self.scan_at(Some(SystemTime::now()))
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.folder.objects()
    }

    /// Objects that are there but cannot be read.
    pub(super) fn refused(&self) -> BTreeSet<Identity> {
        self.folder.refused().cloned().collect()
    }

    pub(super) fn errors(&self) -> Vec<ManifestError> {
        self.folder.errors()
    }

    /// Folders in which there is nothing to read.
    pub(super) fn empty_folders(&self) -> impl Iterator<Item = &Path> {
        let folders = self.folders.iter().map(PathBuf::as_path);
        folders.filter(|folder| !self.files.keys().any(|file| file.parent() == Some(folder)))
    }

    /// Where an object of a kind stands.
    pub(super) fn place(&self, kind: &str, name: &ObjectName) -> Option<&Place> {
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        let name = name.clone();
        self.folder.place(&Identity { kind, name })
    }

    fn scan_at(&mut self, now: Option<SystemTime>) -> Scan {
        let found = self.found();
        let mut scan = self.miss(&found, now);
        for path in found {
            let one = self.look_at(path, now);
            scan.changed |= one.changed;
            scan.unsettled |= one.unsettled;
        }
        scan
    }

    fn found(&mut self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for folder in &self.folders {
            match manifests(folder) {
                Ok(files) => {
                    self.unreadable.remove(folder);
                    found.extend(files);
                }
                Err(error) => {
                    // A folder that is away for a moment takes nothing with it.
                    let known = self.files.keys();
                    let own = known.filter(|file| file.parent() == Some(folder));
                    found.extend(own.cloned());
                    if self.unreadable.insert(folder.clone()) {
                        tracing::error!("{}: {error}; what it said last stays", folder.display());
                    }
                }
            }
        }
        found
    }

    /// Takes in which files are not among those that were found.
    fn miss(&mut self, found: &BTreeSet<PathBuf>, now: Option<SystemTime>) -> Scan {
        let mut scan = Scan::default();
        for path in found {
            if self.away.remove(path).is_some() {
                self.folder.set_away(&path.display().to_string(), false);
            }
        }
        let now = now.unwrap_or_else(SystemTime::now);
        let known = self.files.keys();
        for path in known
            .filter(|file| !found.contains(*file))
            .cloned()
            .collect::<Vec<_>>()
        {
            let name = path.display().to_string();
            let since = self.away.entry(path.clone()).or_insert(now);
            // A clock that is set back begins anew.
            *since = now.min(*since);
            if now.duration_since(*since).is_ok_and(|age| age < GONE) {
                self.folder.set_away(&name, true);
                scan.unsettled = true;
            } else {
                self.away.remove(&path);
                self.files.remove(&path);
                self.folder.remove(&name);
                scan.changed = true;
            }
        }
        scan
    }

    fn look_at(&mut self, path: PathBuf, now: Option<SystemTime>) -> Scan {
        let Some(look) = look(&path) else {
            return Scan::default();
        };
        if self.files.get(&path) == Some(&look) {
            return Scan::default();
        }
        if look.as_ref().is_ok_and(|stamp| stamp.is_fresh(now)) {
            return Scan {
                unsettled: true,
                changed: false,
            };
        }
        let name = path.display().to_string();
        let text = look.clone().and_then(|_| read_manifest(&path));
        match text {
            Ok(text) => self.folder.apply(&name, &text),
            Err(reason) => self.folder.refuse(&name, &reason),
        }
        self.files.insert(path, look);
        Scan {
            changed: true,
            unsettled: false,
        }
    }
}

fn manifests(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_manifest(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;

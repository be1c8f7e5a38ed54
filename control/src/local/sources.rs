//! The manifests in the folders, kept up to date.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::manifests::{
    Folder, Identity, Kind, ManifestError, Object, Place, expect_file, is_manifest, read_manifest,
};
use crate::object::ObjectName;

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

/// What a look at an entry of a folder tells, without opening it: a file, or why it cannot be one.
type Look = Result<Stamp, String>;

/// What changes when a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
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
        if look
            .as_ref()
            .is_ok_and(|stamp| is_fresh(stamp.modified, now))
        {
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

/// `None` where it has gone since it was listed.
fn look(path: &Path) -> Option<Look> {
    Some(match path.metadata() {
        Ok(metadata) => expect_file(metadata.file_type()).map(|()| Stamp::of(&metadata)),
        Err(_) if is_gone(path) => return None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("it is a link to a file that is not there".to_owned())
        }
        Err(error) => Err(error.to_string()),
    })
}

fn is_gone(path: &Path) -> bool {
    let found = path.symlink_metadata();
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
        }
    }
}

fn is_fresh(modified: Option<SystemTime>, now: Option<SystemTime>) -> bool {
    // A time that lies ahead says nothing.
    let age = now
        .zip(modified)
        .and_then(|(now, modified)| now.duration_since(modified).ok());
    age.is_some_and(|age| age < SETTLE)
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
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";

    /// A look after everything has settled.
    fn later(sources: &mut Sources) -> Scan {
        sources.scan_at(Some(SystemTime::now() + SETTLE))
    }

    fn opened(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let sources = Sources::open(&[directory.path().to_owned()]).unwrap();
        (directory, sources)
    }

    #[test]
    fn only_manifests_are_read() {
        let (_directory, sources) = opened(&[
            ("a.yaml", NAMESPACE),
            ("README.md", "no manifest"),
            (".b.yaml", "hidden"),
            ("B.YAML", &NAMESPACE.replace("name: a", "name: b")),
            ("c.Json", "{}"),
        ]);
        assert_eq!(sources.objects().count(), 2);
        assert_eq!(sources.errors().len(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_at_the_start() {
        let SourcesError { path, .. } = Sources::open(&["/nonexistent".into()]).unwrap_err();
        assert_eq!(path, Path::new("/nonexistent"));
    }

    #[test]
    fn files_come_change_and_go() {
        let (directory, mut sources) = opened(&[]);
        let file = directory.path().join("a.yaml");
        assert_eq!(later(&mut sources), Scan::default());
        std::fs::write(&file, NAMESPACE).unwrap();
        assert!(later(&mut sources).changed);
        assert_eq!(sources.objects().count(), 1);
        let two = format!(
            "{NAMESPACE}---\n{}",
            NAMESPACE.replace("name: a", "name: b")
        );
        std::fs::write(&file, two).unwrap();
        assert!(later(&mut sources).changed);
        assert_eq!(sources.objects().count(), 2);
        assert_eq!(later(&mut sources), Scan::default());
        std::fs::remove_file(&file).unwrap();
        assert!(unsettled(sources.scan_at(Some(SystemTime::now()))));
        assert_eq!(sources.objects().count(), 2);
        assert!(
            sources
                .scan_at(Some(SystemTime::now() + SETTLE + GONE))
                .changed
        );
        assert_eq!(sources.objects().count(), 0);
    }

    fn unsettled(scan: Scan) -> bool {
        scan.unsettled && !scan.changed
    }

    #[test]
    fn a_file_that_is_taken_away_before_it_is_put_anew_says_what_it_said_meanwhile() {
        let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
        let (file, aside) = (
            directory.path().join("a.yaml"),
            directory.path().join("a.yaml~"),
        );
        let start = SystemTime::now() + SETTLE;
        std::fs::rename(&file, &aside).unwrap();
        assert!(unsettled(sources.scan_at(Some(start))));
        assert!(unsettled(
            sources.scan_at(Some(start + GONE - Duration::from_millis(1)))
        ));
        assert_eq!(sources.objects().count(), 1);
        std::fs::write(&file, "").unwrap();
        assert!(sources.scan_at(Some(start + GONE)).changed);
        assert_eq!(sources.objects().count(), 0);
    }

    #[test]
    fn a_file_that_comes_back_unchanged_is_away_anew_when_it_goes_again() {
        let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
        let (file, aside) = (
            directory.path().join("a.yaml"),
            directory.path().join("a.yaml~"),
        );
        let start = SystemTime::now() + SETTLE;
        std::fs::rename(&file, &aside).unwrap();
        assert!(unsettled(sources.scan_at(Some(start))));
        std::fs::rename(&aside, &file).unwrap();
        sources.scan_at(Some(start + GONE));
        std::fs::remove_file(&file).unwrap();
        assert!(unsettled(sources.scan_at(Some(start + GONE))));
        assert_eq!(sources.objects().count(), 1);
    }

    #[test]
    fn a_file_that_gets_another_name_says_the_same_without_a_fault() {
        let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
        let (file, renamed) = (
            directory.path().join("a.yaml"),
            directory.path().join("b.yaml"),
        );
        std::fs::rename(&file, &renamed).unwrap();
        assert!(later(&mut sources).changed);
        assert_eq!(sources.objects().count(), 1);
        assert_eq!(sources.errors(), []);
    }

    #[test]
    fn a_file_that_is_just_being_written_is_read_when_it_has_settled() {
        let (directory, mut sources) = opened(&[]);
        let file = directory.path().join("a.yaml");
        std::fs::write(&file, NAMESPACE).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let at_once = sources.scan_at(Some(written));
        assert_eq!(
            at_once,
            Scan {
                changed: false,
                unsettled: true
            }
        );
        assert!(sources.scan_at(Some(written + SETTLE)).changed);
    }

    #[test]
    fn a_file_that_no_longer_parses_keeps_what_it_said() {
        let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
        std::fs::write(directory.path().join("a.yaml"), "kind: [").unwrap();
        assert!(later(&mut sources).changed);
        assert_eq!(sources.objects().count(), 1);
        assert_eq!(sources.errors().len(), 1);
    }

    #[test]
    fn a_file_in_whose_place_is_none_keeps_what_it_said_and_is_named() {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("a.yaml");
        std::fs::write(&target, NAMESPACE).unwrap();
        let (directory, mut sources) = opened(&[]);
        let file = directory.path().join("a.yaml");
        symlink(&target, &file).unwrap();
        assert!(later(&mut sources).changed);
        std::fs::remove_file(&target).unwrap();
        expect_kept(
            &mut sources,
            "cannot be read: it is a link to a file that is not there",
        );
        std::fs::remove_file(&file).unwrap();
        symlink("a.yaml", &file).unwrap();
        expect_kept(
            &mut sources,
            "cannot be read: Too many levels of symbolic links (os error 40)",
        );
        std::fs::remove_file(&file).unwrap();
        mkfifoat(CWD, &file, Mode::RUSR).unwrap();
        expect_kept(&mut sources, "cannot be read: it is a FIFO, not a file");
        std::fs::remove_file(&file).unwrap();
        symlink("/dev/zero", &file).unwrap();
        expect_kept(&mut sources, "cannot be read: it is a device, not a file");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, NAMESPACE).unwrap();
        assert!(later(&mut sources).changed);
        assert_eq!(sources.errors(), []);
    }

    fn expect_kept(sources: &mut Sources, reason: &str) {
        assert!(later(sources).changed);
        assert_eq!(sources.objects().count(), 1);
        let errors = sources.errors();
        let reasons: Vec<_> = errors.iter().map(|error| error.reason.as_str()).collect();
        assert_eq!(reasons, [reason]);
        assert_eq!(later(sources), Scan::default());
    }

    #[test]
    fn a_folder_that_is_away_takes_nothing_with_it() {
        let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
        let path = directory.path().to_owned();
        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!(later(&mut sources), Scan::default());
        assert_eq!(sources.objects().count(), 1);
    }
}

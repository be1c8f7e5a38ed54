//! What a look at a file tells without reading it.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::{GONE, SETTLE};
use crate::manifests::expect_file;

/// A file, or why it cannot be one.
pub(super) type Look = Result<Stamp, String>;

/// What changes when a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    /// Of content or attributes, in seconds and nanoseconds; nobody can set it, as one can `modified` (inode(7)).
    changed: (i64, i64),
    bytes: u64,
    inode: u64,
}

/// `None` where it has gone since it was listed.
pub(super) fn look(path: &Path) -> Option<Look> {
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
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            bytes: metadata.len(),
            inode: metadata.ino(),
        }
    }
    /// Whether its writer may not have finished. What is empty may just have been emptied.
    pub(super) fn is_fresh(&self, now: Option<SystemTime>) -> bool {
        let settle = if self.bytes == 0 { GONE } else { SETTLE };
        // A time that lies ahead says nothing.
        let age = now
            .zip(self.modified)
            .and_then(|(now, modified)| now.duration_since(modified).ok());
        age.is_some_and(|age| age < settle)
    }
}

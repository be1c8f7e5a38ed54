use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::Folder;

/// Whether a folder's entry of this name is read: `*.yaml`, `*.yml`, `*.json`, no hidden file.
pub fn is_manifest(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .and_then(OsStr::to_str)
        .is_some_and(|n| n.starts_with('.'));
    let known = path.extension().and_then(OsStr::to_str);
    !hidden && matches!(known, Some("yaml" | "yml" | "json"))
}

/// Reads folders, not descending.
///
/// # Errors
/// Where a folder itself cannot be read. A file that cannot is an error in [`Folder::errors`].
pub fn read_folders(folders: &[PathBuf]) -> io::Result<Folder> {
    let mut state = Folder::default();
    for folder in folders {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            files.push(entry?.path());
        }
        files.sort();
        for path in files
            .iter()
            .filter(|path| is_manifest(path) && path.is_file())
        {
            match std::fs::read_to_string(path) {
                Ok(text) => state.apply(&path.display().to_string(), &text),
                Err(error) => state.refuse(&path.display().to_string(), &error.to_string()),
            }
        }
    }
    Ok(state)
}

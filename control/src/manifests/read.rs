use std::ffi::OsStr;
use std::fs::{FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::Folder;

/// Whether a folder's entry of this name is read: `*.yaml`, `*.yml`, `*.json` in any case, no hidden file.
pub fn is_manifest(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let known = ["yaml", "yml", "json"];
    !hidden && known.iter().any(|k| extension.eq_ignore_ascii_case(k))
}

/// Reads one file. Anything else, such as a FIFO, is not waited for.
///
/// # Errors
/// Why it cannot be read, for people.
pub fn read_manifest(path: &Path) -> Result<String, String> {
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    expect_file(metadata.file_type())?;
    // What has taken its place meanwhile must not block either.
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let mut file = options.open(path).map_err(|error| error.to_string())?;
    let opened = file.metadata().map_err(|error| error.to_string())?;
    expect_file(opened.file_type())?;
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

/// What is no regular file cannot be a manifest.
///
/// # Errors
/// Says what it is.
pub fn expect_file(found: FileType) -> Result<(), String> {
    let what = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => "a folder",
        found if found.is_fifo() => "a FIFO",
        found if found.is_socket() => "a socket",
        _ => "a device",
    };
    Err(format!("it is {what}, not a file"))
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
        for path in files.iter().filter(|path| is_manifest(path)) {
            let name = path.display().to_string();
            match read_manifest(path) {
                Ok(text) => state.apply(&name, &text),
                Err(reason) => state.refuse(&name, &reason),
            }
        }
    }
    Ok(state)
}

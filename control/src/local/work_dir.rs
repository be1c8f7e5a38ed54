//! The folder that keeps Envoy's files and the key of the sessions.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tempfile::TempDir;

/// Longest path of a Unix socket in bytes, with its final zero (unix(7)).
const SOCKET_PATH_BYTES: usize = 108;

const ADMIN_SOCKET: &str = "admin.sock";
const STREAMS_SOCKET: &str = "streams.sock";

/// A mode whose folder takes files from everyone, and one with which each may take away only what is its own (chmod(1)).
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// What a Wasm module begins with (WebAssembly Core Specification, 5.5.16).
const WASM_MAGIC: &[u8] = b"\0asm";

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkDirError {
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("another mcp-control uses {}: choose another folder with --work-dir", .0.display())]
    InUse(PathBuf),
    #[error("everyone can put files into {path}: run chmod o-w {path}, or choose another folder with --work-dir", path = .0.display())]
    OpenToAll(PathBuf),
    #[error("{} is not a folder of this user's own: remove it, or choose another folder with --work-dir", .0.display())]
    NotOwn(PathBuf),
    #[error("{} is no Wasm module: name the filter with --filter PATH (`scripts/build-filter` builds it)", .0.display())]
    NoModule(PathBuf),
}

/// See the module. It is this process's alone, and goes when this is dropped, unless it was named.
#[derive(Debug)]
pub(super) struct WorkDir {
    path: PathBuf,
    admin_socket: PathBuf,
    streams_socket: PathBuf,
    _temporary: Vec<TempDir>,
    _lock: File,
}

impl WorkDir {
    pub(super) fn open(named: Option<&Path>) -> Result<Self, WorkDirError> {
        let mut temporary = Vec::new();
        let path = match named {
            Some(path) => path.to_owned(),
            None => temporary_directory(&mut temporary)?,
        };
        make_folder(&path)?;
        let path = path.canonicalize().map_err(file_error(&path))?;
        check_writers(&path)?;
        make_private(&path.join("envoy"))?;
        let lock = lock(&path)?;
        let mut sockets = path.join("envoy");
        let longest = sockets.join(STREAMS_SOCKET);
        if longest.as_os_str().as_bytes().len() >= SOCKET_PATH_BYTES {
            sockets = temporary_directory(&mut temporary)?;
        }
        Ok(Self {
            path,
            admin_socket: sockets.join(ADMIN_SOCKET),
            streams_socket: sockets.join(STREAMS_SOCKET),
            _temporary: temporary,
            _lock: lock,
        })
    }

    /// For Envoy's files. Nobody else can read it: they hold the key of the sessions.
    pub(super) fn envoy_directory(&self) -> PathBuf {
        self.path.join("envoy")
    }

    /// For Envoy's admin interface.
    pub(super) fn admin_socket(&self) -> &Path {
        &self.admin_socket
    }

    /// Where `mcp-streams` listens. Its folder is closed to all others.
    pub(super) fn streams_socket(&self) -> &Path {
        &self.streams_socket
    }

    /// Where the key of the sessions is kept.
    pub(super) fn session_key(&self) -> PathBuf {
        self.path.join("session-key")
    }

    /// Copies the filter, so that a build that goes on meanwhile does not reach the running Envoy.
    pub(super) fn keep_module(&self, module: &Path) -> Result<PathBuf, WorkDirError> {
        let bytes = std::fs::read(module).map_err(file_error(module))?;
        if !bytes.starts_with(WASM_MAGIC) {
            return Err(WorkDirError::NoModule(module.to_owned()));
        }
        let copy = self.envoy_directory().join("filter.wasm");
        std::fs::write(&copy, bytes).map_err(file_error(&copy))?;
        Ok(copy)
    }
}

fn temporary_directory(kept: &mut Vec<TempDir>) -> Result<PathBuf, WorkDirError> {
    let made = tempfile::Builder::new().prefix("mcp-control-").tempdir();
    let made = made.map_err(file_error(&std::env::temp_dir()))?;
    let path = made.path().to_owned();
    kept.push(made);
    Ok(path)
}

/// One that is there keeps its mode.
fn make_folder(path: &Path) -> Result<(), WorkDirError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(file_error(path))
}

/// Who may take away what is in the folder can put something else in its place, such as a key of its own.
fn check_writers(path: &Path) -> Result<(), WorkDirError> {
    let mode = path.metadata().map_err(file_error(path))?.mode();
    if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
        return Err(WorkDirError::OpenToAll(path.to_owned()));
    }
    Ok(())
}

/// Makes the folder, or takes it from all others where it is there.
fn make_private(path: &Path) -> Result<(), WorkDirError> {
    make_folder(path)?;
    let found = path.symlink_metadata().map_err(file_error(path))?;
    if !found.is_dir() || !is_own(&found) {
        return Err(WorkDirError::NotOwn(path.to_owned()));
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(file_error(path))
}

/// Whether it belongs to the user of this process.
pub(super) fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

fn lock(path: &Path) -> Result<File, WorkDirError> {
    let name = path.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&name).map_err(file_error(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WorkDirError::InUse(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(WorkDirError::File { path: name, cause }),
    }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> WorkDirError {
    let path = path.to_owned();
    move |cause| WorkDirError::File { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_not_named_goes_with_its_owner() {
        let work_dir = WorkDir::open(None).unwrap();
        let path = work_dir.envoy_directory();
        assert!(path.is_dir());
        drop(work_dir);
        assert!(!path.exists());
    }

    #[test]
    fn two_cannot_share_one_folder_but_can_follow_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let first = WorkDir::open(Some(directory.path())).unwrap();
        let second = WorkDir::open(Some(directory.path()));
        assert!(matches!(second, Err(WorkDirError::InUse(_))));
        drop(first);
        assert!(WorkDir::open(Some(directory.path())).is_ok());
    }

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn in_a_folder_that_others_can_read_they_can_read_no_file() {
        let directory = tempfile::tempdir().unwrap();
        set_mode(directory.path(), 0o755);
        let envoy = directory.path().join("envoy");
        std::fs::create_dir(&envoy).unwrap();
        set_mode(&envoy, 0o777);
        let work_dir = WorkDir::open(Some(directory.path())).unwrap();
        crate::local::keys::keys(&work_dir.session_key()).unwrap();
        assert_eq!(mode(directory.path()), 0o755);
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
        }
    }

    #[test]
    fn a_folder_that_is_made_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let new = directory.path().join("a/b");
        let work_dir = WorkDir::open(Some(&new)).unwrap();
        assert_eq!(mode(&new), 0o700);
        assert_eq!(mode(&work_dir.envoy_directory()), 0o700);
    }

    #[test]
    fn a_folder_that_takes_files_from_everyone_is_refused_unless_each_keeps_its_own() {
        let directory = tempfile::tempdir().unwrap();
        set_mode(directory.path(), 0o777);
        let error = WorkDir::open(Some(directory.path())).unwrap_err();
        assert!(matches!(error, WorkDirError::OpenToAll(_)));
        assert!(error.to_string().contains("chmod o-w"), "{error}");
        set_mode(directory.path(), 0o1777);
        assert!(WorkDir::open(Some(directory.path())).is_ok());
    }

    #[test]
    fn a_folder_in_it_that_somebody_else_has_laid_out_is_refused() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let envoy = directory.path().join("envoy");
        std::os::unix::fs::symlink(elsewhere.path(), envoy).unwrap();
        let opened = WorkDir::open(Some(directory.path()));
        assert!(matches!(opened, Err(WorkDirError::NotOwn(_))));
    }

    #[test]
    fn in_a_deep_folder_the_sockets_still_have_paths_that_sockets_can_have() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("x".repeat(SOCKET_PATH_BYTES));
        let work_dir = WorkDir::open(Some(&deep)).unwrap();
        for socket in [work_dir.admin_socket(), work_dir.streams_socket()] {
            assert!(std::os::unix::net::UnixListener::bind(socket).is_ok());
        }
    }

    #[test]
    fn what_is_no_module_is_not_given_to_envoy() {
        let directory = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::open(None).unwrap();
        let module = directory.path().join("filter.wasm");
        std::fs::write(&module, "<html>").unwrap();
        assert!(matches!(
            work_dir.keep_module(&module),
            Err(WorkDirError::NoModule(_))
        ));
        std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
        let copy = work_dir.keep_module(&module).unwrap();
        assert_eq!(std::fs::read(copy).unwrap(), b"\0asm\x01\0\0\0");
    }
}

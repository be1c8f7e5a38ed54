//! The folder that keeps Envoy's files and the key of the sessions.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Longest path of a Unix socket in bytes, with its final zero (unix(7)).
const SOCKET_PATH_BYTES: usize = 108;

/// What a Wasm module begins with (WebAssembly Core Specification, 5.5.16).
const WASM_MAGIC: &[u8] = b"\0asm";

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkDirError {
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("another mcp-control uses {}: choose another folder with --work-dir", .0.display())]
    InUse(PathBuf),
    #[error("{} is no Wasm module: name the filter with --filter PATH (`scripts/build-filter` builds it)", .0.display())]
    NoModule(PathBuf),
}

/// See the module. It is this process's alone, and goes when this is dropped, unless it was named.
#[derive(Debug)]
pub(super) struct WorkDir {
    path: PathBuf,
    socket: PathBuf,
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
        make_private(&path.join("envoy"))?;
        let path = path.canonicalize().map_err(file_error(&path))?;
        let lock = lock(&path)?;
        let mut socket = path.join("envoy/admin.sock");
        if socket.as_os_str().as_bytes().len() >= SOCKET_PATH_BYTES {
            socket = temporary_directory(&mut temporary)?.join("admin.sock");
        }
        Ok(Self {
            path,
            socket,
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
        &self.socket
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

fn make_private(path: &Path) -> Result<(), WorkDirError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let private = || std::fs::set_permissions(path, Permissions::from_mode(0o700));
    made.and_then(|()| private()).map_err(file_error(path))
}

fn lock(path: &Path) -> Result<File, WorkDirError> {
    let name = path.join("lock");
    let file = File::create(&name).map_err(file_error(&name))?;
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

    #[test]
    fn envoys_files_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::open(Some(directory.path())).unwrap();
        let mode = work_dir
            .envoy_directory()
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn in_a_deep_folder_the_socket_still_has_a_path_that_a_socket_can_have() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("x".repeat(SOCKET_PATH_BYTES));
        let work_dir = WorkDir::open(Some(&deep)).unwrap();
        assert!(std::os::unix::net::UnixListener::bind(work_dir.admin_socket()).is_ok());
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

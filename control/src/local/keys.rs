//! The keys that control hands to the filter.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_filter_config::{ControlKeys, SessionKey, Sessions};

use super::work_dir::is_own;
use crate::gateway_client::Signer;
use crate::render::Keys;

const KEY_BYTES: usize = 32;

/// The one key that local mode mints session ids with.
const SESSION_KEY_ID: u8 = 1;

/// In a mode: what all but the owner may do.
const OTHERS: u32 = 0o077;

/// A key can be neither read nor made.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("{} holds no key of {KEY_BYTES} bytes in base64: remove it for a new one, which ends all sessions", .0.display())]
    Malformed(PathBuf),
    #[error("others can read or have made {path}: remove it for a new key, which ends all sessions; or, where nobody has read it, run chmod 600 {path}", path = .0.display())]
    Exposed(PathBuf),
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Reads the key of the sessions, or makes it where there is none, so that sessions outlive a restart; and makes
/// control's own pair anew, whose secret never leaves this process.
pub(super) fn keys(session_key: &Path) -> Result<(Keys, Signer), KeyError> {
    let key = SessionKey {
        id: SESSION_KEY_ID,
        secret: session_secret(session_key)?,
    };
    let signer = Signer::new(random()?);
    let keys = Keys {
        sessions: Sessions {
            keys: vec![key],
            ..Sessions::default()
        },
        control: ControlKeys {
            public_keys: vec![signer.public_key()],
        },
    };
    Ok((keys, signer))
}

fn session_secret(path: &Path) -> Result<String, KeyError> {
    let file_error = |cause| KeyError::File {
        path: path.to_owned(),
        cause,
    };
    let read = File::open(path).and_then(|mut file| {
        let mut secret = String::new();
        file.read_to_string(&mut secret)?;
        Ok((file.metadata()?, secret))
    });
    match read {
        Ok((metadata, _)) if metadata.mode() & OTHERS != 0 || !is_own(&metadata) => {
            Err(KeyError::Exposed(path.to_owned()))
        }
        Ok((_, secret)) => {
            let decoded = STANDARD.decode(secret.trim());
            let is_key = decoded.is_ok_and(|key| key.len() == KEY_BYTES);
            is_key
                .then(|| secret.trim().to_owned())
                .ok_or_else(|| KeyError::Malformed(path.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = STANDARD.encode(random()?);
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            file.and_then(|mut file| file.write_all(secret.as_bytes()))
                .map_err(file_error)?;
            Ok(secret)
        }
        Err(error) => Err(file_error(error)),
    }
}

fn random() -> Result<[u8; KEY_BYTES], KeyError> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_of_the_sessions_outlives_a_restart_and_controls_pair_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session-key");
        let (first, _) = keys(&path).unwrap();
        let (second, _) = keys(&path).unwrap();
        assert_eq!(first.sessions, second.sessions);
        assert_ne!(first.control, second.control);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session-key");
        keys(&path).unwrap();
        for mode in [0o640, 0o604] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = keys(&path).unwrap_err();
            assert!(matches!(error, KeyError::Exposed(_)));
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_damaged_key_is_told_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session-key");
        std::fs::write(&path, "c2hvcnQ=").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(keys(&path), Err(KeyError::Malformed(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2hvcnQ=");
    }
}

//! Where the gateway reaches this program.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::net::{TcpListener, UnixListener};

/// `ADDR:PORT`, or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of this machine.
    Tcp(SocketAddr),
    /// A socket in its file system.
    Unix(PathBuf),
}

/// Neither form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither ADDR:PORT nor unix:PATH")]
pub struct InvalidListen;

/// What is listened on.
#[derive(Debug)]
pub enum Listener {
    /// See [`Listen::Tcp`].
    Tcp(TcpListener),
    /// See [`Listen::Unix`].
    Unix(UnixListener),
}

impl FromStr for Listen {
    type Err = InvalidListen;

    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        match text.strip_prefix("unix:") {
            Some("") => Err(InvalidListen),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| InvalidListen),
        }
    }
}

impl Listen {
    /// Begins to listen. A socket that a former process has left is replaced.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn bind(&self) -> io::Result<Listener> {
        match self {
            Self::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
            Self::Unix(path) => {
                remove_socket(path)?;
                Ok(Listener::Unix(UnixListener::bind(path)?))
            }
        }
    }
}

fn remove_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    match std::fs::symlink_metadata(path) {
        // Anything else stays, and binding fails.
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let tcp = Listen::Tcp("127.0.0.1:80".parse().unwrap());
        assert_eq!("127.0.0.1:80".parse(), Ok(tcp));
        assert_eq!("unix:/run/s".parse(), Ok(Listen::Unix("/run/s".into())));
        for text in ["", "unix:", "localhost", ":80", "/run/s"] {
            assert_eq!(text.parse::<Listen>(), Err(InvalidListen), "{text}");
        }
    }
}

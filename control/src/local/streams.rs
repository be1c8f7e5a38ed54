//! `mcp-streams` within this program, at a socket that this user's processes alone reach.

use std::fs::{Permissions, set_permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mcp_streams::{GatewayAddress, InvalidGateway, Listen, Listener, Settings, serve};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// It cannot run.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamsError {
    #[error("mcp-streams cannot listen at {}: {cause}", path.display())]
    Socket { path: PathBuf, cause: io::Error },
    #[error("mcp-streams cannot reach the gateway at {address}: {cause}")]
    Gateway {
        address: SocketAddr,
        cause: InvalidGateway,
    },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Streams {
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Streams {
    /// Begins to listen, and serves the clients of the gateway at `address` from then on.
    pub(super) async fn start(socket: &Path, address: SocketAddr) -> Result<Self, StreamsError> {
        let gateway: Result<GatewayAddress, _> = format!("http://{address}").parse();
        let gateway = gateway.map_err(|cause| StreamsError::Gateway { address, cause })?;
        let listener = listen(socket).await.map_err(|cause| StreamsError::Socket {
            path: socket.to_owned(),
            cause,
        })?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // Whoever has dropped the other end wants it, too.
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, Settings::new(gateway), shutdown));
        Ok(Self { stop, task })
    }

    /// Ready when it has ended, though nobody asked for that: why. Not to be asked again.
    pub(super) async fn ended(&mut self) -> String {
        match (&mut self.task).await {
            Ok(Ok(())) => "it has stopped".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Ends the streams in order.
    pub(super) async fn stop(self) {
        drop(self.stop);
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("mcp-streams: {error}"),
            Err(error) => tracing::warn!("mcp-streams: {error}"),
        }
    }
}

async fn listen(socket: &Path) -> io::Result<Listener> {
    let listener = Listen::Unix(socket.to_owned()).bind().await?;
    set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[tokio::test]
    async fn its_socket_is_this_users_alone_and_one_that_was_left_behind_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("streams.sock");
        let address = "127.0.0.1:1".parse().unwrap();
        for _ in 0..2 {
            let streams = Streams::start(&socket, address).await.unwrap();
            assert_eq!(socket.symlink_metadata().unwrap().mode() & 0o777, 0o600);
            tokio::net::UnixStream::connect(&socket).await.unwrap();
            streams.stop().await;
            tokio::net::UnixStream::connect(&socket).await.unwrap_err();
        }
    }

    #[tokio::test]
    async fn where_it_cannot_listen_is_told() {
        let socket = Path::new("/nonexistent/streams.sock");
        let error = Streams::start(socket, "[::1]:1".parse().unwrap()).await;
        let told = error.unwrap_err().to_string();
        assert!(told.contains("/nonexistent/streams.sock"), "{told}");
    }
}

//! The everything server of the official Go SDK, which offers what the suite asks for.

use std::net::SocketAddr;
use std::time::Duration;

use harness::component;
use harness::port::Port;
use harness::process::{Process, command};
use harness::wait::until;
use tokio::net::TcpStream;

/// See the module. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Fixture {
    _process: Process,
    port: Port,
}

impl Fixture {
    /// Starts one, with or without sessions, and waits until it listens.
    pub(crate) async fn start(sessions: bool) -> Self {
        let port = Port::hold();
        let mut server = command(&component::everything_server());
        server.arg(format!("-http={}", port.address()));
        server.arg(format!("-stateless={}", !sessions));
        let process = Process::start("everything-server", server).await;
        let address = port.address();
        until("the fixture listens", Duration::from_secs(30), || async {
            TcpStream::connect(address).await.ok()
        })
        .await;
        Self {
            _process: process,
            port,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

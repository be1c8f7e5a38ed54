//! Ports for what cannot choose one itself, or has to come back to its own.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of loopback that the system gives to nobody else as long as this lives.
///
/// A socket is bound to it and never listens. The system then leaves the port out where it chooses one itself, for a
/// listener or for a connection that leaves; a listener that names it, and reuses addresses as every server here does,
/// gets it (ip(7), socket(7): `SO_REUSEADDR`).
#[derive(Debug)]
pub struct Port {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Port {
    /// One of the system's choosing.
    pub fn hold() -> Self {
        let bound = TcpSocket::new_v4().and_then(|socket| {
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            Ok((socket.local_addr()?, socket))
        });
        let (address, socket) = bound.expect("a free port");
        Self {
            _socket: socket,
            address,
        }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.address.port()
    }

    /// It on loopback.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

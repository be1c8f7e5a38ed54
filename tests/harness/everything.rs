//! npm's `@modelcontextprotocol/server-everything`, over streamable HTTP.

use std::net::{SocketAddr, TcpListener};

use crate::component;
use crate::process::{Process, command};

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Everything {
    process: Process,
    address: SocketAddr,
}

impl Everything {
    /// Starts it and waits until it listens.
    pub async fn start() -> Self {
        Self::start_at(free_port()).await
    }

    /// Starts it at a port, such as that of one that has ended.
    pub async fn start_at(port: u16) -> Self {
        let program = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
        let mut node = command(&component::node());
        node.arg(component::npm_packages().join(program))
            .arg("streamableHttp")
            .env("PORT", port.to_string());
        let process = Process::start("server-everything", node).await;
        process
            .line("that it listens", |line| {
                line.contains("listening on port").then_some(())
            })
            .await;
        Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// A port that was free a moment ago, for servers that can't choose one themselves.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

//! npm's `@modelcontextprotocol/server-everything`, over streamable HTTP.

use std::net::SocketAddr;

use crate::component;
use crate::port::Port;
use crate::process::{Process, command};

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Everything {
    process: Process,
    port: Port,
}

impl Everything {
    /// Starts it and waits until it listens.
    pub async fn start() -> Self {
        let port = Port::hold();
        let program = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
        let mut node = command(&component::node());
        node.arg(component::npm_packages().join(program))
            .arg("streamableHttp")
            .env("PORT", port.number().to_string());
        let process = Process::start("server-everything", node).await;
        process
            .line("that it listens", |line| {
                line.contains("listening on port").then_some(())
            })
            .await;
        Self { process, port }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

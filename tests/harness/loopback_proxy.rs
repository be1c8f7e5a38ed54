//! A proxy for programs that ask the machine for names: all names lead to loopback.

use crate::component;
use crate::process::{Process, command};

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct LoopbackProxy {
    process: Process,
    url: String,
}

impl LoopbackProxy {
    /// Starts one and waits until it listens.
    pub async fn start() -> Self {
        let mut program = command(&component::node());
        program.arg(component::file("node/loopback-proxy.mjs"));
        let process = Process::start("the proxy", program).await;
        let port = |line: &str| line.strip_prefix("listening ").map(str::to_owned);
        let port = process.line("its port", port).await;
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

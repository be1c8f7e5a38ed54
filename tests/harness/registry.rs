//! An OCI registry.

use std::path::Path;

use crate::component;
use crate::process::{Process, command};

/// See the module. Ends when dropped, with all that it holds.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    port: u16,
}

impl Registry {
    /// Starts an empty one.
    pub async fn start() -> Self {
        let mut registry = command(&component::crane());
        registry.args(["registry", "serve", "--address", "127.0.0.1:0"]);
        let process = Process::start("crane registry", registry).await;
        let port = process
            .line("its port", |line| {
                line.rsplit_once("serving on port ")?.1.trim().parse().ok()
            })
            .await;
        Self { process, port }
    }

    /// `ADDR:PORT`, as it stands in names of images.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Pushes an image in the form of OCI's image layout, and gives its name with its digest.
    pub async fn push(&self, name: &str, layout: &Path) -> String {
        let mut push = command(&component::crane());
        push.args(["push", "--insecure"]).arg(layout);
        push.arg(format!("{}/{name}:tests", self.authority()));
        finish("crane push", push).await.trim().to_owned()
    }
}

/// What a command prints that ends by itself, and well.
async fn finish(name: &str, mut command: tokio::process::Command) -> String {
    let output = command.output().await.expect("a command that starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

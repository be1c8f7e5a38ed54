//! An OCI registry, and the filter as an image in it.

use std::fs;
use std::path::Path;

use crate::component;
use crate::gateway::temporary_folder;
use crate::process::{Process, command};

/// The name that a module must have in an image, see Istio's documentation of WasmPlugin.
const MODULE: &str = "plugin.wasm";

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

    /// Pushes a module as an image of one layer, and gives its name with its digest, `ADDR:PORT/NAME@sha256:DIGEST`.
    pub async fn push(&self, name: &str, module: &Path) -> String {
        let folder = temporary_folder("image");
        let layer = folder.path().join("layer.tar");
        fs::copy(module, folder.path().join(MODULE)).expect("the module copied");
        let mut tar = command(Path::new("tar"));
        tar.arg("-cf")
            .arg(&layer)
            .arg("-C")
            .arg(folder.path())
            .arg(MODULE);
        finish("tar", tar).await;
        let mut push = command(&component::crane());
        push.args(["append", "--insecure", "--oci-empty-base", "--new_tag"])
            .arg(format!("{}/{name}:tests", self.authority()))
            .arg("--new_layer")
            .arg(&layer);
        finish("crane append", push).await.trim().to_owned()
    }
}

/// What a command prints that ends by itself, and well.
async fn finish(name: &str, mut command: tokio::process::Command) -> String {
    let output = command.output().await.expect("a command that starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

//! The programs `kubectl` and `mcp-control`, as a person uses them in the project's folder.

use std::path::Path;
use std::process::Output;

use crate::component;
use crate::kubernetes::Kubernetes;
use crate::process::command;

/// How a command line ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether the last command of it has exit status 0.
    pub well: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command line of a shell that knows both, for this cluster.
pub async fn shell(kubernetes: &Kubernetes, line: &str) -> Ended {
    let folders = [component::kubectl(), component::control()].map(|program| {
        let folder = program.parent().expect("a folder");
        folder.display().to_string()
    });
    let path = std::env::var("PATH").expect("a PATH");
    let mut shell = command(Path::new("/bin/sh"));
    shell
        .args(["-c", line])
        .current_dir(component::file(".."))
        .env("PATH", format!("{}:{path}", folders.join(":")))
        .env("KUBECONFIG", kubernetes.kubeconfig());
    let Output {
        status,
        stdout,
        stderr,
    } = shell.output().await.expect("a shell");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended {
        well: status.success(),
        out: text(stdout),
        err: text(stderr),
    }
}

//! The gateway under test: `mcp-control local` with an Envoy of its own, on a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use mcp_filter_config::PluginConfig;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::component;
use crate::manifests::Manifests;
use crate::proc::{children, resident_bytes};
use crate::process::{Process, command};

/// How the filter stands in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One instance.
    Hold,
    /// Two instances, as Istio needs them.
    Pair,
}

impl Role {
    fn argument(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Pair => "pair",
        }
    }
}

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Gateway {
    role: Role,
    arguments: Vec<&'static str>,
    // Ended before its folders go: fields are dropped in order.
    process: Process,
    address: SocketAddr,
    table: Vec<String>,
    folder: TempDir,
    work: TempDir,
}

impl Gateway {
    /// Starts it and waits until it serves.
    pub async fn start(role: Role, manifests: &Manifests) -> Self {
        Self::start_with(role, manifests, &[]).await
    }

    /// As [`Gateway::start`], with `mcp-streams` beside it.
    pub async fn streaming(role: Role, manifests: &Manifests) -> Self {
        let (folder, work) = (folder_of(manifests), temporary_folder("work"));
        Self::start_in((role, vec!["--streams"]), folder, work, &[]).await
    }

    /// As [`Gateway::start`], with environment variables.
    pub async fn start_with(
        role: Role,
        manifests: &Manifests,
        environment: &[(&str, &str)],
    ) -> Self {
        let (folder, work) = (folder_of(manifests), temporary_folder("work"));
        Self::start_in((role, Vec::new()), folder, work, environment).await
    }

    /// Ends it and starts another one on the same folders, at an address of its own.
    pub async fn restart(self) -> Self {
        self.stop(Signal::TERM).await;
        let Self {
            role,
            arguments,
            folder,
            work,
            ..
        } = self;
        Self::start_in((role, arguments), folder, work, &[]).await
    }

    async fn start_in(
        (role, arguments): (Role, Vec<&'static str>),
        folder: TempDir,
        work: TempDir,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut local = command(&component::control());
        local.arg("local").arg(folder.path()).args([
            "--listen",
            "127.0.0.1:0",
            "--role",
            role.argument(),
        ]);
        local.args(&arguments);
        local
            .arg("--envoy")
            .arg(component::envoy())
            .arg("--filter")
            .arg(component::filter());
        local
            .arg("--work-dir")
            .arg(work.path())
            .current_dir(work.path());
        local.envs(environment.iter().copied());
        let process = Process::start("mcp-control local", local).await;
        let url = process
            .line("`ready`", |line| {
                line.strip_prefix("ready ").map(str::to_owned)
            })
            .await;
        let table = process
            .lines()
            .into_iter()
            .filter(|line| !line.starts_with("stderr: "))
            .collect();
        Self {
            role,
            arguments,
            process,
            address: address_of(&url),
            table,
            folder,
            work,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for MCP clients.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// What it printed on stdout up to and with the line `ready`.
    pub fn printed(&self) -> &[String] {
        &self.table
    }

    /// The configuration that it has pushed to its filter.
    pub fn configuration(&self) -> PluginConfig {
        let file = match self.role {
            Role::Hold => "envoy/filter-hold.json",
            Role::Pair => "envoy/filter-route.json",
        };
        let pushed = fs::read(self.work.path().join(file)).expect("a configuration pushed");
        let pushed: Value = serde_json::from_slice(&pushed).expect("an answer to Envoy");
        let plugin = &pushed["resources"][0]["typed_config"]["config"];
        let configuration = plugin["configuration"]["value"].as_str();
        serde_json::from_str(configuration.expect("text")).expect("a configuration")
    }

    /// Where `mcp-streams` listens.
    pub fn streams_socket(&self) -> PathBuf {
        self.work.path().join("envoy/streams.sock")
    }

    /// The process `mcp-control`.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The folder of manifests.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file into the folder, at once, as editors do.
    pub fn write(&self, name: &str, text: &str) {
        let partial = self.work.path().join("partial");
        fs::write(&partial, text).expect("a manifest written");
        fs::rename(&partial, self.folder.path().join(name)).expect("a manifest in place");
    }

    /// Takes a file from the folder.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.folder.path().join(name)).expect("a manifest removed");
    }

    /// The process id of its Envoy.
    pub fn envoy_pid(&self) -> u32 {
        let children = children(self.process.pid());
        assert_eq!(children.len(), 1, "one child, Envoy: {children:?}");
        children[0]
    }

    /// Resident memory of its Envoy, in bytes.
    pub fn envoy_bytes(&self) -> u64 {
        resident_bytes(self.envoy_pid())
    }

    /// Asks it to end, as Ctrl-C or a service manager does, and waits.
    pub async fn stop(&self, signal: Signal) -> ExitStatus {
        self.process.signal(signal);
        self.process.ended().await
    }
}

fn folder_of(manifests: &Manifests) -> TempDir {
    let folder = temporary_folder("manifests");
    for (name, text) in manifests.files() {
        fs::write(folder.path().join(name), text).expect("a manifest written");
    }
    folder
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/mcp"))
        .and_then(|address| address.parse().ok())
        .unwrap_or_else(|| panic!("http://ADDR:PORT/mcp, not {url}"))
}

/// A folder that goes with its value; those that an ended test program left behind go with the next one's first.
pub fn temporary_folder(purpose: &str) -> TempDir {
    static PARENT: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(|| {
        let user = rustix::process::getuid().as_raw();
        let parent = std::env::temp_dir().join(format!("mcp-proxy-wasm-tests-{user}"));
        for old in fs::read_dir(&parent).into_iter().flatten().flatten() {
            if !Path::new("/proc").join(old.file_name()).exists() {
                let _ = fs::remove_dir_all(old.path());
            }
        }
        let own = parent.join(std::process::id().to_string());
        fs::create_dir_all(&own).expect("a temporary folder");
        own
    });
    tempfile::Builder::new()
        .prefix(purpose)
        .tempdir_in(&*PARENT)
        .expect("a temporary folder")
}

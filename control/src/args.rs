//! The command line.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum, value_parser};

use crate::image::Image;

/// Where MCP clients connect unless told otherwise; the address of the guides.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8001);

/// Configures an Envoy with the MCP filter from Kubernetes manifests.
#[derive(Clone, Debug, Parser)]
#[command(name = "mcp-control", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the registrations of folders through an own Envoy on this machine.
    Local(LocalArgs),
    /// Validate the manifests of folders; exit status 1 when something in them is not accepted.
    Check(CheckArgs),
    /// Print the plugin configuration for the manifests of folders, with what their servers offer.
    Render(RenderArgs),
    /// Become another program that ends when the process that started this one does.
    #[command(name = crate::envoy::leash::COMMAND, hide = true)]
    Leash(LeashArgs),
}

/// Arguments of `local`.
#[derive(Clone, Debug, Group)]
pub struct LocalArgs {
    /// Folders with manifests (*.yaml, *.yml, *.json), read without descending.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Where MCP clients connect.
    #[arg(long, value_name = "ADDR:PORT", default_value_t = DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// The Envoy binary.
    #[arg(long, value_name = "PATH", env = "MCP_ENVOY")]
    pub envoy: Option<PathBuf>,
    /// The filter, as built by `scripts/build-filter`.
    #[arg(long, value_name = "PATH", env = "MCP_FILTER")]
    pub filter: Option<PathBuf>,
    /// How the filter stands in Envoy: one instance that holds the headers, or the two that Istio needs.
    #[arg(long, value_enum, default_value_t = LocalRole::Hold)]
    pub role: LocalRole,
    /// Where Envoy's files and the keys are kept; a temporary folder where absent.
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// Envoy's worker threads.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..=256))]
    pub concurrency: u32,
}

/// How the filter stands in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LocalRole {
    /// One instance, role `hold`.
    Hold,
    /// Two instances, roles `route` and `gate`.
    Pair,
}

/// Arguments of the hidden `leash`.
#[derive(Clone, Debug, Group)]
pub struct LeashArgs {
    /// The id of the process that started this one.
    pub parent: u32,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Arguments of `check`.
#[derive(Clone, Debug, Group)]
pub struct CheckArgs {
    /// Folders with manifests (*.yaml, *.yml, *.json), read without descending.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// Arguments of `render`.
#[derive(Clone, Debug, Group)]
pub struct RenderArgs {
    /// Folders with manifests (*.yaml, *.yml, *.json), read without descending.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// The part that the printed configuration is for.
    #[arg(long, value_enum, default_value_t = RenderRole::Hold)]
    pub role: RenderRole,
    /// Print the two WasmPlugins of the gateway instead, which pull the filter from this image:
    /// oci://REGISTRY/NAME@sha256:DIGEST
    #[arg(long, value_name = "URL", conflicts_with = "role")]
    pub wasm_plugins: Option<Image>,
    /// Ask no server: print a configuration that serves nothing yet. Needs neither Envoy nor filter.
    #[arg(long)]
    pub offline: bool,
    /// The Envoy binary, through which the servers are asked.
    #[arg(long, value_name = "PATH", env = "MCP_ENVOY")]
    pub envoy: Option<PathBuf>,
    /// The filter, as built by `scripts/build-filter`.
    #[arg(long, value_name = "PATH", env = "MCP_FILTER")]
    pub filter: Option<PathBuf>,
    /// Where Envoy's files and the keys are kept; a temporary folder, and keys of this run's alone, where absent.
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
}

/// The part that a printed configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RenderRole {
    /// The only instance.
    Hold,
    /// The first of two.
    Route,
    /// The second of two.
    Gate,
}

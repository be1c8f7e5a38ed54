//! The command line.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum, value_parser};

use mcp_filter_config::Telemetry;

use crate::attach::Attach;
use crate::image::Image;
use crate::object::ObjectName;
use crate::registry::Registry;

/// Where MCP clients connect unless told otherwise; the address of the guides.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8001);

/// Where operators and their tools ask control itself, unless told otherwise.
pub const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8080);

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
    /// Print the registrations, tools and faults of a cluster or of folders.
    Get(GetArgs),
    /// Serve the registrations of a cluster through its own gateways.
    Run(RunArgs),
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
    /// Serve streams, too, which the filter alone cannot: news of changed lists and resources (GET and
    /// `subscriptions/listen`), and questions of servers to clients of another revision.
    #[arg(long)]
    pub streams: bool,
    /// Envoy's worker threads.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u32).range(1..=256))]
    pub concurrency: u32,
    /// What the filter tells of requests.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
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

/// Arguments of `run`. The API server is the one of KUBECONFIG, or of the Pod's service account.
#[derive(Clone, Debug, Group)]
pub struct RunArgs {
    /// Where control keeps its keys and its lease.
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "mcp-system"
    )]
    pub namespace: String,
    /// By which this control is told from others. The host's name where absent.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,
    /// The filter's image, which gateways pull: oci://REGISTRY/NAME@sha256:DIGEST
    #[arg(long, value_name = "URL", env = "MCP_FILTER_IMAGE")]
    pub image: Option<Image>,
    /// Whose the WasmPlugins are.
    #[arg(long, value_enum, default_value_t = PluginsMode::Manage)]
    pub wasmplugins: PluginsMode,
    /// What becomes of AuthPolicies.
    #[arg(long, value_enum, default_value_t = AuthPolicies::Translate)]
    pub auth_policies: AuthPolicies,
    /// By which of Istio's objects control has gateways run the filter.
    #[arg(long, value_enum, default_value_t = Attach::WasmPlugin)]
    pub attach: Attach,
    /// What is looked at before a gateway is given an image.
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// Where a gateway is reached, whatever the objects say. May be given several times.
    #[arg(long, value_name = "NAMESPACE/NAME=HOST:PORT", value_parser = gateway_address)]
    pub gateway_address: Vec<(ObjectName, String)>,
    /// Where /healthz, /readyz, /status and /metrics are.
    #[arg(long, value_name = "ADDR:PORT", default_value_t = DEFAULT_ADMIN)]
    pub admin: SocketAddr,
    /// After how long without a sign of life another control takes over.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = value_parser!(u16).range(3..=300))]
    pub lease_seconds: u16,
    /// What is logged: error, warn, info, debug or trace, or directives such as mcp_control=debug,kube=info.
    #[arg(long, value_name = "LEVEL", env = "RUST_LOG", default_value = "info")]
    pub log: String,
    /// How it is logged, on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What the filter tells of requests.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// What the filter tells of requests to whoever watches it.
#[derive(Clone, Copy, Debug, Default, Group)]
pub struct TelemetryArgs {
    /// Of what there are statistics in Envoy, beside those of the whole filter.
    #[arg(long, value_enum, env = "MCP_STATS", default_value_t)]
    pub stats: Stats,
    /// Leave each request's method, server, tool and outcome in Envoy's filter state, for access logs.
    #[arg(long, env = "MCP_FILTER_STATE")]
    pub filter_state: bool,
}

/// How fine the statistics are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stats {
    /// None of single servers.
    Off,
    /// Of each server.
    #[default]
    Servers,
    /// Of each server and of each tool.
    Tools,
}

impl From<TelemetryArgs> for Telemetry {
    fn from(args: TelemetryArgs) -> Self {
        Self {
            stats: match args.stats {
                Stats::Off => mcp_filter_config::Stats::Off,
                Stats::Servers => mcp_filter_config::Stats::Servers,
                Stats::Tools => mcp_filter_config::Stats::Tools,
            },
            filter_state: args.filter_state,
        }
    }
}

/// How the registry of the filter's image is reached.
#[derive(Clone, Debug, Group)]
pub struct RegistryArgs {
    /// Whether the registry is asked first, if there is such an image and its filter can read the configuration.
    #[arg(long, value_enum, default_value_t = ImageCheck::Required)]
    pub image_check: ImageCheck,
    /// The registry's logins in the form of Docker's config.json; none where there is no such file.
    #[arg(long, value_name = "FILE")]
    pub registry_login: Option<PathBuf>,
    /// Certificate authorities in PEM that sign for the registry, beside the known ones; none where there is no such file.
    #[arg(long, value_name = "FILE")]
    pub registry_ca: Option<PathBuf>,
    /// A registry without TLS. May be given several times.
    #[arg(long, value_name = "HOST:PORT")]
    pub registry_http: Vec<String>,
    /// The Secret with the registry's login in each gateway's namespace, for the WasmPlugins that control makes.
    #[arg(long, value_name = "NAME")]
    pub image_pull_secret: Option<String>,
}

impl RegistryArgs {
    /// How it is asked; `None` where it is not.
    pub fn registry(&self) -> Option<Registry> {
        match self.image_check {
            ImageCheck::Required => Some(Registry {
                logins: self.registry_login.clone(),
                authorities: self.registry_ca.clone(),
                without_tls: self.registry_http.clone(),
            }),
            ImageCheck::Off => None,
        }
    }
}

/// Whether the registry of an image is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageCheck {
    /// A gateway gets no image that control cannot look at, and keeps the one that it has.
    Required,
    /// A gateway gets whatever is named.
    Off,
}

/// How is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A line of JSON.
    Json,
}

/// Whose the WasmPlugins are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PluginsMode {
    /// Control's: it makes, mends and deletes a pair for each gateway.
    Manage,
    /// Yours: control owns their `spec.pluginConfig` alone.
    Adopt,
}

/// What becomes of AuthPolicies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthPolicies {
    /// The filter and Istio enforce them, and control says so in their statuses.
    Translate,
    /// Nothing: another product's controller enforces them.
    Ignore,
}

fn gateway_address(text: &str) -> Result<(ObjectName, String), String> {
    let parts = text.split_once('=');
    parts
        .and_then(|(name, address)| Some((ObjectName::parse(name)?, address.to_owned())))
        .ok_or_else(|| "must be NAMESPACE/NAME=HOST:PORT".to_owned())
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
    #[arg(long, value_name = "URL", conflicts_with_all = ["role", "envoy_filter"])]
    pub wasm_plugins: Option<Image>,
    /// Print the EnvoyFilter of the gateway instead, which has it pull the filter from this image:
    /// oci://REGISTRY/NAME@sha256:DIGEST
    #[arg(long, value_name = "URL", conflicts_with = "role")]
    pub envoy_filter: Option<Image>,
    /// Print it as `local --streams` has it.
    #[arg(long, conflicts_with_all = ["wasm_plugins", "envoy_filter"])]
    pub streams: bool,
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
    /// What the filter tells of requests.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
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

/// Arguments of `get`. Without folders it is a cluster's: that of KUBECONFIG, or of the Pod's service account.
#[derive(Clone, Debug, Group)]
pub struct GetArgs {
    /// Folders with manifests (*.yaml, *.yml, *.json), read without descending.
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Only registrations and extensions of this namespace, and the tools of its registrations.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Every name that is served, with the registration whose server has it.
    #[arg(long)]
    pub tools: bool,
    /// All that is known, as one document.
    #[arg(short, long, value_enum)]
    pub output: Option<Format>,
    /// Ask no server of the folders. Needs neither Envoy nor filter.
    #[arg(long, requires = "folders", conflicts_with = "tools")]
    pub offline: bool,
    /// The Envoy binary, through which the servers of the folders are asked.
    #[arg(long, value_name = "PATH", env = "MCP_ENVOY")]
    pub envoy: Option<PathBuf>,
    /// The filter, as built by `scripts/build-filter`.
    #[arg(long, value_name = "PATH", env = "MCP_FILTER")]
    pub filter: Option<PathBuf>,
}

/// In which language a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

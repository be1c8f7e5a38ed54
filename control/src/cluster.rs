//! The registrations of a cluster, served by its own gateways.
//!
//! ```text
//! watches -> objects -> model (for each gateway: index, render) -> follower of the gateway (push, ask) -> attachments
//!                          ^                                                  |
//!                          +------------------ discovery <--------------------+-> statuses, events
//! ```
//! Of several controls one leads; the others watch, so that they can take over at once.

mod action;
mod admin;
mod apply;
mod attachments;
mod auth_policies;
mod authentications;
mod events;
mod extensions;
mod follower;
mod followers;
mod impatient;
mod inspection;
mod kept;
mod keys;
mod lateness;
pub mod lease;
mod live;
pub mod metrics;
mod model;
mod notices;
mod nudges;
mod objects;
mod roll;
mod rolls;
mod secrets;
mod session;
mod session_keys;
mod snapshot;
mod standing;
mod status;
mod statuses;
mod streams;
mod tally;
mod virtual_servers;
mod watches;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::panic;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use mcp_filter_config::Telemetry;

use crate::args::{AuthPolicies, PluginsMode, RunArgs};
use crate::attach::Attach;
use crate::crds;
use crate::image::Image;
use crate::labels::PROGRAM;
use crate::object::ObjectName;
use crate::registry::Registry;
use crate::signals::Signals;
use admin::Admin;
use impatient::SILENCE;
use keys::SharedKeys;
use lease::Lease;
use session::Session;

/// The lease's name.
const LEASE: &str = PROGRAM;

/// Why control cannot start or go on.
#[derive(Debug, thiserror::Error)]
enum ClusterError {
    #[error(
        "which image is the filter's? Give --image oci://REGISTRY/NAME@sha256:DIGEST, or --wasmplugins=adopt where the \
         WasmPlugins are yours"
    )]
    NoImage,
    #[error(
        "EnvoyFilters cannot be yours: leave out --wasmplugins=adopt, so that control makes them, or --attach=envoyfilter, \
         so that the WasmPlugins stay yours"
    )]
    AdoptedEnvoyFilters,
    #[error(
        "Istio gives no login to what an EnvoyFilter pulls: leave out --image-pull-secret, and give Istio's agent the \
         registry's login in the gateways' Pods, or leave out --attach=envoyfilter (docs/kubernetes.md, EnvoyFilters)"
    )]
    PullSecret,
    #[error("the cluster is not known: {0}")]
    Config(#[from] kube::config::InferConfigError),
    #[error("the cluster cannot be spoken with: {0}")]
    Client(#[from] kube::Error),
    #[error(transparent)]
    Keys(#[from] keys::KeyError),
    #[error("the admin interface cannot be at {address} (--admin): {cause}")]
    Admin {
        address: SocketAddr,
        cause: io::Error,
    },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("{0}")]
    Foreign(String),
    #[error("this control leads no more: {0}")]
    Lost(#[from] lease::Lost),
    #[error("control has ended by itself: {0}")]
    Ended(#[from] tokio::task::JoinError),
    #[error("{0}")]
    Runtime(#[from] io::Error),
}

/// What the command line says.
#[derive(Debug)]
struct Options {
    gateway_addresses: BTreeMap<ObjectName, String>,
    owner: Owner,
    /// Where the filter's images are looked at; `None` where they are not.
    registry: Option<Registry>,
    telemetry: Telemetry,
    auth_policies: AuthPolicies,
}

/// Whose the objects are that run the filter.
#[derive(Debug)]
enum Owner {
    /// Control, which has them pull this image.
    Control(FilterImage),
    /// A user, of WasmPlugins; control owns `spec.pluginConfig` alone.
    User,
}

impl Options {
    /// By what control attaches the filter.
    fn attach(&self) -> Attach {
        match &self.owner {
            Owner::Control(image) => image.attach,
            Owner::User => Attach::WasmPlugin,
        }
    }
}

/// What a gateway pulls.
#[derive(Clone, Debug)]
struct FilterImage {
    /// By what.
    attach: Attach,
    image: Image,
    /// The Secret of the gateway's namespace with the login that the registry wants.
    pull_secret: Option<String>,
}

/// Serves until a signal comes.
pub fn run(args: &RunArgs) -> ExitCode {
    end_with_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(ClusterError::from)
        .and_then(|runtime| runtime.block_on(serve(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A panic would end one task alone, and what that serves would stand still without a word. Another control takes over from
/// a program that ends, or its Pod starts anew. Not by the profile: `mcp-streams`, whose tasks are clients' own, shares that.
fn end_with_panics() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tell(panic);
        process::abort();
    }));
}

fn options(args: &RunArgs) -> Result<Options, ClusterError> {
    let attach = args.attach;
    if attach == Attach::EnvoyFilter && args.registry.image_pull_secret.is_some() {
        return Err(ClusterError::PullSecret);
    }
    let owner = match (args.wasmplugins, &args.image) {
        (PluginsMode::Adopt, _) if attach == Attach::EnvoyFilter => {
            return Err(ClusterError::AdoptedEnvoyFilters);
        }
        (PluginsMode::Adopt, _) => Owner::User,
        (PluginsMode::Manage, Some(image)) => Owner::Control(FilterImage {
            attach,
            image: image.clone(),
            pull_secret: args.registry.image_pull_secret.clone(),
        }),
        (PluginsMode::Manage, None) => return Err(ClusterError::NoImage),
    };
    Ok(Options {
        gateway_addresses: args.gateway_address.iter().cloned().collect(),
        auth_policies: args.auth_policies,
        owner,
        registry: match args.wasmplugins {
            PluginsMode::Manage => args.registry.registry(),
            // The images are users', and so are their registries.
            PluginsMode::Adopt => None,
        },
        telemetry: args.telemetry.into(),
    })
}

async fn serve(args: &RunArgs) -> Result<(), ClusterError> {
    let options = options(args)?;
    let mut signals = Signals::new()?;
    let mut config = kube::Config::infer().await?;
    config.read_timeout = Some(SILENCE);
    let client = Client::try_from(config)?;
    expect_own_definitions(&client).await?;
    let keys = SharedKeys::open(client.clone(), &args.namespace).await?;
    let session = Session::start(client.clone(), keys, options);
    let metrics = Arc::clone(session.metrics());
    let mut lease = lease(args, client)?;
    let admin = Admin::new(session.snapshot(), session.beat(), metrics, lease.leader());
    let address = admin
        .serve(args.admin)
        .await
        .map_err(|cause| ClusterError::Admin {
            address: args.admin,
            cause,
        })?;
    tracing::info!("admin interface at http://{address}");
    let (leads, leading) = watch::channel(false);
    let (stop, stopped) = oneshot::channel();
    let mut running = tokio::spawn(session.run(leading, stopped));
    tokio::select! {
        () = lease.acquire() => {}
        ended = &mut running => return Ok(ended?),
        () = signals.next() => return Ok(()),
    }
    tracing::info!("{} leads", lease.identity());
    leads.send_replace(true);
    tokio::select! {
        // What it has begun ends with the program: another may lead already.
        lost = lease.hold() => return Err(lost.into()),
        ended = &mut running => return Ok(ended?),
        () = signals.next() => {}
    }
    drop(stop);
    // Another may take over when the lease is released, or has ended.
    let patience = Duration::from_secs(args.lease_seconds.into()) / 2;
    match timeout(patience, &mut running).await {
        Ok(ended) => ended?,
        Err(_) => {
            tracing::warn!("not all sessions with servers were ended in time");
            // Whoever leads next is the only one that writes.
            running.abort();
        }
    }
    lease.release().await;
    Ok(())
}

fn lease(args: &RunArgs, client: Client) -> Result<Lease, ClusterError> {
    let host = || {
        let name = rustix::system::uname();
        name.nodename().to_string_lossy().into_owned()
    };
    let identity = args.identity.clone().unwrap_or_else(host);
    let duration = Duration::from_secs(args.lease_seconds.into());
    Lease::new(client, &args.namespace, LEASE, &identity, duration).map_err(ClusterError::Random)
}

/// Definitions of this project's kinds that are not its own are let alone, and so are their objects.
async fn expect_own_definitions(client: &Client) -> Result<(), ClusterError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut found = Vec::new();
    for name in crds::names() {
        if let Some(definition) = definitions.get_opt(name).await? {
            found.extend(serde_json::to_value(definition));
        }
    }
    match crds::foreign(&found) {
        foreign if foreign.is_empty() => Ok(()),
        foreign => Err(ClusterError::Foreign(foreign.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;

    /// Set in the program that panics.
    const PANICS: &str = "MCP_CONTROL_TEST_PANICS";

    #[tokio::test]
    async fn a_panic_of_one_task_ends_the_program() {
        if env::var_os(PANICS).is_some() {
            end_with_panics();
            let task = tokio::spawn(async { panic!("in one task") });
            assert!(task.await.is_err());
            process::exit(0);
        }
        let name = "cluster::tests::a_panic_of_one_task_ends_the_program";
        let mut panics = Command::new(env::current_exe().unwrap());
        let ended = panics
            .args(["--exact", name, "--nocapture"])
            .env(PANICS, "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success(), "{told}");
        assert!(told.contains("in one task"), "{told}");
    }
}

//! The registrations of a cluster, served by its own gateways.
//!
//! ```text
//! watches -> objects -> model (for each gateway: index, render) -> follower of the gateway (push, ask) -> WasmPlugins
//!                          ^                                                  |
//!                          +------------------ discovery <--------------------+-> statuses, events
//! ```
//! Of several controls one leads; the others watch, so that they can take over at once.

mod admin;
mod apply;
mod extensions;
mod follower;
mod keys;
pub mod lease;
pub mod metrics;
mod model;
mod objects;
mod plugins;
mod secrets;
mod session;
mod snapshot;
mod standing;
mod status;
mod statuses;
mod watches;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use kube::Client;

use crate::args::{PluginsMode, RunArgs};
use crate::image::Image;
use crate::object::ObjectName;
use crate::signals::Signals;
use admin::Admin;
use keys::KeyPair;
use session::Session;

/// Why control cannot start or go on.
#[derive(Debug, thiserror::Error)]
enum ClusterError {
    #[error(
        "which image is the filter's? Give --image oci://REGISTRY/NAME@sha256:DIGEST, or --wasmplugins=adopt where the \
         WasmPlugins are yours"
    )]
    NoImage,
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
    #[error("{0}")]
    Runtime(#[from] io::Error),
}

/// What the command line says.
#[derive(Debug)]
struct Options {
    gateway_addresses: BTreeMap<ObjectName, String>,
    plugins: WasmPlugins,
}

/// Whose the WasmPlugins are.
#[derive(Debug)]
enum WasmPlugins {
    /// Control's, which pull this image.
    Manage(Image),
    /// Users'; control owns `spec.pluginConfig` alone.
    Adopt,
}

/// Serves until a signal comes.
pub fn run(args: &RunArgs) -> ExitCode {
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

fn options(args: &RunArgs) -> Result<Options, ClusterError> {
    let plugins = match (args.wasmplugins, &args.image) {
        (PluginsMode::Adopt, _) => WasmPlugins::Adopt,
        (PluginsMode::Manage, Some(image)) => WasmPlugins::Manage(image.clone()),
        (PluginsMode::Manage, None) => return Err(ClusterError::NoImage),
    };
    Ok(Options {
        gateway_addresses: args.gateway_address.iter().cloned().collect(),
        plugins,
    })
}

async fn serve(args: &RunArgs) -> Result<(), ClusterError> {
    let options = options(args)?;
    let mut signals = Signals::new()?;
    let client = Client::try_from(kube::Config::infer().await?)?;
    let keys = KeyPair::open(client.clone(), &args.namespace).await?;
    let mut session = Session::start(client, keys, options);
    let admin = Admin::new(session.snapshot(), session.beat());
    let address = admin
        .serve(args.admin)
        .await
        .map_err(|cause| ClusterError::Admin {
            address: args.admin,
            cause,
        })?;
    tracing::info!("admin interface at http://{address}");
    session.lead();
    tokio::select! {
        () = session.run() => {}
        () = signals.next() => {}
    }
    session.stop().await;
    Ok(())
}

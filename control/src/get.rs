//! `mcp-control get`: registrations, tools and faults, of a cluster or of folders.
//!
//! ```text
//! cluster (apiserver) --+
//!                       +--> listing --> table, JSON, YAML
//! folders (local mode) -+
//! ```
//! Both print alike. Faults are no failure: that is to know nothing.

mod attachment;
mod cluster;
mod extension;
mod fault;
mod folder;
mod listing;
mod print;
mod reference;
mod registration;
mod standing;
mod tool;
mod virtual_server;

use std::io;
use std::process::ExitCode;

use k8s_openapi::jiff::Timestamp;

use crate::args::GetArgs;
use crate::local;
use listing::Listing;

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
enum GetError {
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    #[error(transparent)]
    Folders(#[from] local::NotInspected),
    #[error("the document cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the document cannot be written: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
    #[error("{0}")]
    Runtime(#[from] io::Error),
}

/// Prints what is there.
pub fn run(args: &GetArgs) -> ExitCode {
    match printed(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn printed(args: &GetArgs) -> Result<(), GetError> {
    let listing = if args.folders.is_empty() {
        of_cluster(args)?
    } else {
        folder::listing(local::inspect(args)?)
    };
    let listing = match &args.namespace {
        Some(namespace) => listing.within(namespace),
        None => listing,
    };
    if listing.registrations.is_empty() {
        tracing::warn!("{}", print::nothing(args.namespace.as_deref()));
    }
    let text = match args.output {
        Some(format) => print::document(&listing, format)?,
        None if args.tools => print::tools(&listing),
        None => print::registrations(&listing, Timestamp::now()),
    };
    local::print(&text);
    Ok(())
}

fn of_cluster(args: &GetArgs) -> Result<Listing, GetError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(cluster::listing(args))?)
}

#[cfg(test)]
mod tests;

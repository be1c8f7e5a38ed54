//! `mcp-control render`: the plugin configuration on standard output.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mcp_filter_config::{PluginConfig, Role};

use super::LocalError;
use super::keys::keys;
use super::model::Model;
use super::report::{self, Report};
use super::session::Session;
use super::sources::Sources;
use super::work_dir::WorkDir;
use crate::args::{DEFAULT_LISTEN, LocalArgs, LocalRole, RenderArgs, RenderRole};
use crate::render::for_role;

/// Any free port: nobody but discovery connects.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Prints what the manifests alone give.
pub(super) fn without_asking(args: &RenderArgs) -> Result<(), LocalError> {
    let sources = Sources::open(&args.folders)?;
    let work_dir = WorkDir::open(args.work_dir.as_deref())?;
    let (keys, _) = keys(&work_dir.session_key())?;
    let mut model = Model::new(DEFAULT_LISTEN, keys);
    model.read(sources.objects(), sources.refused());
    let view = model.view()?;
    Report::default().tell(&sources, model.index(), &view);
    print(args, &view.service.config);
    Ok(())
}

/// Prints what the manifests and the servers that they name give.
pub(super) async fn after_asking(args: &RenderArgs) -> Result<(), LocalError> {
    let mut session = Session::start(&local_args(args)).await?;
    let outcome = session.ready().await.and_then(|()| session.view());
    session.stop().await;
    print(args, &outcome?.service.config);
    Ok(())
}

fn local_args(args: &RenderArgs) -> LocalArgs {
    LocalArgs {
        folders: args.folders.clone(),
        listen: LISTEN,
        envoy: args.envoy.clone(),
        filter: args.filter.clone(),
        role: LocalRole::Hold,
        work_dir: args.work_dir.clone(),
        concurrency: 1,
    }
}

fn print(args: &RenderArgs, config: &PluginConfig) {
    let role = match args.role {
        RenderRole::Hold => Role::Hold,
        RenderRole::Route => Role::Route,
        RenderRole::Gate => Role::Gate,
    };
    // Strings, numbers and lists alone: cannot fail.
    let json = serde_json::to_string_pretty(&for_role(config, role)).unwrap_or_default();
    report::print(&format!("{json}\n"));
}

//! `mcp-control render`: the plugin configuration on standard output.

use mcp_filter_config::{PluginConfig, Role};

use super::LocalError;
use super::inspect;
use super::keys::keys;
use super::model::Model;
use super::report::{self, Report};
use super::session::Session;
use super::sources::Sources;
use super::work_dir::WorkDir;
use crate::args::{DEFAULT_LISTEN, LocalArgs, RenderArgs, RenderRole};
use crate::attach::Attach;
use crate::image::Image;
use crate::object::ObjectName;
use crate::render::{attachment, for_role};

/// Prints what the manifests alone give.
pub(super) fn without_asking(args: &RenderArgs) -> Result<(), LocalError> {
    let sources = Sources::open(&args.folders)?;
    let work_dir = WorkDir::open(args.work_dir.as_deref())?;
    let (keys, _) = keys(&work_dir.session_key())?;
    let socket = args.streams.then(|| work_dir.streams_socket().to_owned());
    let mut model = Model::new(DEFAULT_LISTEN, keys).telling(args.telemetry.into());
    model.stream_by(socket);
    model.read(sources.objects(), sources.refused());
    Report::default().tell(&sources, model.index(), &model.view()?);
    print(args, (&model, &sources))
}

/// Prints what the manifests and the servers that they name give.
pub(super) async fn after_asking(args: &RenderArgs) -> Result<(), LocalError> {
    let programs = (args.envoy.as_deref(), args.filter.as_deref());
    let local_args = inspect::local_args(&args.folders, programs, args.work_dir.as_deref());
    let local_args = LocalArgs {
        telemetry: args.telemetry,
        streams: args.streams,
        ..local_args
    };
    let mut session = Session::start(&local_args).await?;
    let ready = session.ready().await;
    let printed = ready.and_then(|()| print(args, session.known()));
    session.stop().await;
    printed
}

fn print(args: &RenderArgs, (model, sources): (&Model, &Sources)) -> Result<(), LocalError> {
    let text = match (&args.wasm_plugins, &args.envoy_filter) {
        (Some(image), _) => objects((Attach::WasmPlugin, image), model, sources)?,
        (None, Some(image)) => objects((Attach::EnvoyFilter, image), model, sources)?,
        (None, None) => configuration(args.role, &model.view()?.service.config),
    };
    report::print(&text);
    Ok(())
}

fn configuration(role: RenderRole, config: &PluginConfig) -> String {
    let role = match role {
        RenderRole::Hold => Role::Hold,
        RenderRole::Route => Role::Route,
        RenderRole::Gate => Role::Gate,
    };
    // Strings, numbers and lists alone: cannot fail.
    let json = serde_json::to_string_pretty(&for_role(config, role)).unwrap_or_default();
    format!("{json}\n")
}

/// The only gateway.
fn gateway(model: &Model) -> Result<&ObjectName, LocalError> {
    let gateways = &model.index().gateways;
    let mut names = gateways.iter();
    match (names.next(), names.next()) {
        (Some(gateway), None) => Ok(gateway),
        _ => Err(LocalError::Gateways(gateways.iter().cloned().collect())),
    }
}

/// In YAML.
fn objects(
    (attach, image): (Attach, &Image),
    model: &Model,
    sources: &Sources,
) -> Result<String, LocalError> {
    let gateway = gateway(model)?;
    let config = model.for_cluster(sources.objects())?;
    if config
        .endpoints
        .iter()
        .all(|endpoint| endpoint.hosts.is_empty())
    {
        return Err(LocalError::NoPublicHost(gateway.clone()));
    }
    let objects = attachment(attach, gateway, image, &config)?;
    Ok(serde_saphyr::to_string_multiple(&objects)?)
}

//! What folders hold, for `mcp-control get`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use mcp_filter_config::PluginConfig;

use super::LocalError;
use super::model::Model;
use super::session::Session;
use super::sources::Sources;
use crate::args::{DEFAULT_LISTEN, GetArgs, LocalArgs, LocalRole, TelemetryArgs};
use crate::index::Index;
use crate::manifests::{Identity, ManifestError, Object};
use crate::render::{Keys, Listed};
use crate::verdict::Verdict;

/// Any free port: nobody but discovery connects.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// All that is known of some folders.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) objects: Vec<Object>,
    /// Where objects stand.
    pub(crate) places: BTreeMap<Identity, String>,
    /// What is wrong with files.
    pub(crate) errors: Vec<ManifestError>,
    /// Folders in which there is nothing to read.
    pub(crate) empty_folders: Vec<PathBuf>,
    pub(crate) index: Index,
    /// One for each registration of the index.
    pub(crate) verdicts: Vec<Verdict>,
    /// What Envoy would refuse, with the reason.
    pub(crate) left_out: Vec<String>,
    pub(crate) config: PluginConfig,
    /// What clients are shown with it.
    pub(crate) listed: Listed,
    /// Whether the servers were asked.
    pub(crate) is_asked: bool,
}

/// What the manifests alone say.
pub(super) fn without_asking(folders: &[PathBuf]) -> Result<Inspection, LocalError> {
    let sources = Sources::open(folders)?;
    let mut model = Model::new(DEFAULT_LISTEN, Keys::default());
    model.read(sources.objects(), sources.refused());
    inspection(&model, &sources, false)
}

/// What the manifests and the servers that they name say.
pub(super) async fn after_asking(args: &GetArgs) -> Result<Inspection, LocalError> {
    let programs = (args.envoy.as_deref(), args.filter.as_deref());
    let mut session = Session::start(&local_args(&args.folders, programs, None)).await?;
    let ready = session.ready().await;
    let (model, sources) = session.known();
    let inspection = ready.and_then(|()| inspection(model, sources, true));
    session.stop().await;
    inspection
}

/// How servers are asked by who serves nobody.
pub(super) fn local_args(
    folders: &[PathBuf],
    (envoy, filter): (Option<&Path>, Option<&Path>),
    work_dir: Option<&Path>,
) -> LocalArgs {
    LocalArgs {
        folders: folders.to_vec(),
        listen: LISTEN,
        envoy: envoy.map(Path::to_owned),
        filter: filter.map(Path::to_owned),
        role: LocalRole::Hold,
        work_dir: work_dir.map(Path::to_owned),
        streams: false,
        concurrency: 1,
        telemetry: TelemetryArgs::default(),
    }
}

fn inspection(model: &Model, sources: &Sources, is_asked: bool) -> Result<Inspection, LocalError> {
    let view = model.view()?;
    let objects: Vec<_> = sources.objects().cloned().collect();
    let places = objects.iter().filter_map(|object| {
        let identity = object.identity();
        let place = sources.place(identity.kind.as_str(), &identity.name)?;
        Some((identity, place.to_string()))
    });
    Ok(Inspection {
        places: places.collect(),
        objects,
        errors: sources.errors(),
        empty_folders: sources.empty_folders().map(Path::to_owned).collect(),
        index: model.index().clone(),
        verdicts: view.verdicts,
        left_out: view.left_out,
        config: view.service.config,
        listed: view.listed,
        is_asked,
    })
}

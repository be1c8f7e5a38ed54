//! `mcp-control check`: what the manifests alone say.

use std::path::PathBuf;

use super::LocalError;
use super::model::Model;
use super::report::Report;
use super::sources::Sources;
use crate::args::DEFAULT_LISTEN;
use crate::render::Keys;

/// Prints the table and tells what is not accepted. Whether everything is.
pub(super) fn accepted(folders: &[PathBuf]) -> Result<bool, LocalError> {
    let sources = Sources::open(folders)?;
    let mut model = Model::new(DEFAULT_LISTEN, Keys::default());
    model.read(sources.objects(), sources.refused());
    let view = model.view()?;
    let mut report = Report::default();
    report.tell(&sources, model.index(), &view);
    report.print(model.index(), None);
    Ok(!report.has_errors())
}

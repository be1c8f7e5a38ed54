//! Writes the definitions of the kinds into a folder: `generate_crds FOLDER`.

use std::path::PathBuf;

use anyhow::Context as _;
use mcp_control::crds;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("FOLDER is missing")?;
    let folder = PathBuf::from(folder);
    for file in crds::files()? {
        let path = folder.join(&file.name);
        std::fs::write(&path, &file.text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

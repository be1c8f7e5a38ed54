//! `mcp-filter-link MODULE LINKED`: the last step of building the filter, after the linker.
//!
//! The SDK exports the whole of its ABI. The host pays for each callback that a module exports, and one of them has to
//! answer more than the SDK can say, so the exports are made those of `exports`. No other byte of the module changes.

mod exports;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, linked] = arguments.as_slice() else {
        bail!("usage: mcp-filter-link MODULE LINKED");
    };
    let bytes = std::fs::read(module).with_context(|| module.display().to_string())?;
    let bytes = exports::link(&bytes).with_context(|| module.display().to_string())?;
    // Whoever reads it meanwhile sees the one or the other.
    let part = linked.with_added_extension(std::process::id().to_string());
    std::fs::write(&part, bytes).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, linked).with_context(|| linked.display().to_string())
}

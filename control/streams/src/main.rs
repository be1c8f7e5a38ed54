//! The program `mcp-streams`.

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use clap::Parser as _;
use mcp_streams::args::Args;
use mcp_streams::{Settings, serve};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&args.log).context("--log")?)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();
    let listener = args.listen.bind().await.context("--listen")?;
    tracing::info!(listen = ?args.listen, gateway = ?args.gateway, "serving");
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let mut settings = Settings::new(args.gateway);
    settings.bounds.per_client = args.per_client;
    serve(listener, settings, shutdown).await?;
    Ok(())
}

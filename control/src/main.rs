//! The program `mcp-control`.

use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use mcp_control::args::{Args, Command, LogFormat};
use mcp_control::envoy::leash;
use mcp_control::{cluster, get, local};
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&args.command)?)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    match &args.command {
        Command::Run(run) if run.log_format == LogFormat::Json => log.json().init(),
        Command::Local(_) | Command::Run(_) | Command::Leash(_) => log.init(),
        // What they tell is read at once, by a person.
        Command::Check(_) | Command::Get(_) | Command::Render(_) => {
            log.with_target(false).without_time().init()
        }
    }
    match args.command {
        Command::Local(args) => Ok(local::run(&args)),
        Command::Check(args) => Ok(local::check(&args)),
        Command::Get(args) => Ok(get::run(&args)),
        Command::Render(args) => Ok(local::render(&args)),
        Command::Run(args) => Ok(cluster::run(&args)),
        Command::Leash(args) => Err(leash::become_program(args.parent, &args.command).into()),
    }
}

/// What is logged.
fn filter(command: &Command) -> anyhow::Result<EnvFilter> {
    let usual = match command {
        Command::Run(run) => {
            // It warns of every kind that the apiserver does not serve.
            let text = format!("kube_client::client=error,{}", run.log);
            return EnvFilter::try_new(text).context("--log");
        }
        // Faults are what it prints, and what it ends for it says itself.
        Command::Get(_) => {
            "warn,kube_client=off,mcp_control::discovery=off,mcp_control::local::report=off"
        }
        _ => "info",
    };
    Ok(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual)))
}

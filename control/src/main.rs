//! The program `mcp-control`.

use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;

use clap::Parser;
use mcp_control::args::{Args, Command};
use mcp_control::envoy::leash;
use mcp_control::{cluster, local};
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    match args.command {
        Command::Local(_) | Command::Run(_) | Command::Leash(_) => log.init(),
        // What they tell is read at once, by a person.
        Command::Check(_) | Command::Render(_) => log.with_target(false).without_time().init(),
    }
    match args.command {
        Command::Local(args) => Ok(local::run(&args)),
        Command::Check(args) => Ok(local::check(&args)),
        Command::Render(args) => Ok(local::render(&args)),
        Command::Run(args) => Ok(cluster::run(&args)),
        Command::Leash(args) => Err(leash::become_program(args.parent, &args.command).into()),
    }
}

//! Measures what a request costs Envoy, in CPU time, for the same work done in several ways, in one interleaved run.
//!
//! Each variant is an Envoy of its own with one worker. Servers and load stand in this process and do not count.

mod case;
mod configure;
mod cpu;
mod envoy;
mod http;
mod load;
mod report;
mod server;
mod token;
mod variant;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::case::Case;
use crate::envoy::Envoy;
use crate::report::{CaseReport, Report};
use crate::server::Server;
use crate::variant::Variant;

/// Measures what a request costs.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The Envoy binary.
    #[arg(long)]
    envoy: PathBuf,
    /// The filter.
    #[arg(long)]
    filter: PathBuf,
    /// The no-op module.
    #[arg(long)]
    noop: PathBuf,
    /// Write the figures as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Rounds; each measures every variant of a case once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Milliseconds of load for one measurement.
    #[arg(long, default_value_t = 1500)]
    millis: u64,
    /// Only these cases.
    #[arg(long)]
    only: Vec<String>,
    /// Only these ways beside plain Envoy; `stats_off` and `stats_tools` are measured only so.
    #[arg(long)]
    way: Vec<String>,
    /// Leave out the measurements of memory and of configuration changes.
    #[arg(long)]
    no_configure: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let mut report = Report::default();
    for case in Case::ALL
        .iter()
        .filter(|case| args.only.is_empty() || args.only.iter().any(|name| name == case.name()))
    {
        eprintln!("{}: starting Envoys", case.name());
        report.cases.push(measure(*case, &args, folder.path())?);
    }
    if !args.no_configure {
        report.configure = configure::measure(&args, folder.path())?;
    }
    report.print();
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

fn measure(case: Case, args: &Args, folder: &std::path::Path) -> anyhow::Result<CaseReport> {
    let servers = [Server::start(case.tools())?, Server::start(case.tools())?];
    let mut runs = Vec::new();
    let wanted = |variant: &&Variant| {
        let named = if args.way.is_empty() {
            !variant.is_special()
        } else {
            args.way.iter().any(|name| name == variant.name())
        };
        variant.serves(case) && (named || **variant == Variant::Plain)
    };
    for variant in Variant::ALL.iter().filter(wanted) {
        let config = variant.bootstrap(case, [servers[0].port(), servers[1].port()], args)?;
        let envoy = Envoy::start(&args.envoy, &config, folder)?;
        let request = variant.request(case, &envoy)?;
        load::check(&envoy, &request, &variant.expectation(case))?;
        runs.push((*variant, envoy, request));
    }
    let mut report = CaseReport::new(case);
    let span = Duration::from_millis(args.millis);
    for round in 0..=args.rounds {
        for (variant, envoy, request) in &runs {
            let sample = load::closed(envoy, request, span)?;
            // The first round warms up.
            if round > 0 {
                report.add(*variant, sample);
            }
        }
    }
    for (variant, envoy, request) in &runs {
        let rate = report.capacity(*variant) * 0.7;
        report.add_latency(*variant, load::open(envoy, request, rate, span * 2)?);
    }
    Ok(report)
}

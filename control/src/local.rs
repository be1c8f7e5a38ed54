//! Local mode: the manifests of folders, served by an own Envoy on this machine.
//!
//! ```text
//! folders -> sources -> model (index, render) -> gateway (Envoy's files, then Envoy)
//!                         ^                          |
//!                         +------- discovery <-------+
//! ```
//! Standard output has the status table and one line `ready URL`, each once; everything else is logged.
//!
//! `check` and `render` read the same folders by the same code, and end.

mod check;
mod gateway;
mod inspect;
mod keys;
mod model;
mod print;
mod program;
mod report;
mod restarts;
mod session;
mod sources;
mod streams;
mod watch;
mod work_dir;

use std::io;
use std::process::ExitCode;

use mcp_filter_core::table::CompileError;
use rustix::fs::Mode;
use rustix::process::umask;

use crate::args::{CheckArgs, GetArgs, LocalArgs, RenderArgs};
pub(crate) use inspect::Inspection;
pub(crate) use report::print;
use session::Session;

use crate::object::ObjectName;
use crate::render::Unwritable;
use crate::signals::Signals;

/// Why local mode cannot start or go on.
#[derive(Debug, thiserror::Error)]
enum LocalError {
    #[error(transparent)]
    Sources(#[from] sources::SourcesError),
    #[error(transparent)]
    Program(#[from] program::ProgramError),
    #[error(transparent)]
    WorkDir(#[from] work_dir::WorkDirError),
    #[error(transparent)]
    Keys(#[from] keys::KeyError),
    #[error("the filter would refuse what the manifests lead to: {0}")]
    Config(#[from] CompileError),
    #[error("the WasmPlugins are those of one gateway, but the manifests make {}", gateways(.0))]
    Gateways(Vec<ObjectName>),
    #[error(
        "Gateway {0} has no public host: give its listener a hostname, or its MCPGatewayExtension a publicHost"
    )]
    NoPublicHost(ObjectName),
    #[error(transparent)]
    WasmPlugins(#[from] Unwritable),
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser::Error),
    #[error(transparent)]
    Gateway(#[from] gateway::GatewayError),
    #[error(transparent)]
    Streams(#[from] streams::StreamsError),
    #[error("the HTTP client for discovery cannot be made: {0}")]
    Client(reqwest::Error),
    #[error("{0}")]
    Runtime(#[from] io::Error),
}

/// Why there is nothing to be shown of folders.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NotInspected(#[from] LocalError);

fn gateways(names: &[ObjectName]) -> String {
    match names {
        [] => "none serve: write an MCPGatewayExtension that names it".to_owned(),
        names => {
            let names: Vec<_> = names.iter().map(ObjectName::to_string).collect();
            format!(
                "{} serve: keep one of them in these folders",
                names.join(" and ")
            )
        }
    }
}

/// Serves until a signal comes, on the thread that calls, which must live as long as the program.
pub fn run(args: &LocalArgs) -> ExitCode {
    write_privately();
    exit_code(block_on(serve(args)).map(|()| true))
}

/// Validates, prints the table, and fails where something is not accepted. No server is asked.
pub fn check(args: &CheckArgs) -> ExitCode {
    exit_code(check::accepted(&args.folders))
}

/// Prints the plugin configuration.
pub fn render(args: &RenderArgs) -> ExitCode {
    write_privately();
    let printed = if args.offline {
        print::without_asking(args)
    } else {
        block_on(print::after_asking(args))
    };
    exit_code(printed.map(|()| true))
}

/// What folders hold, and what the servers say that they name.
pub(crate) fn inspect(args: &GetArgs) -> Result<Inspection, NotInspected> {
    write_privately();
    let inspection = if args.offline {
        inspect::without_asking(&args.folders)
    } else {
        block_on(inspect::after_asking(args))
    };
    Ok(inspection?)
}

/// Nobody else reads what this program and its Envoy write: some of it holds the key of the sessions.
fn write_privately() {
    umask(Mode::RWXG | Mode::RWXO);
}

fn block_on<T>(future: impl Future<Output = Result<T, LocalError>>) -> Result<T, LocalError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

fn exit_code(outcome: Result<bool, LocalError>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: &LocalArgs) -> Result<(), LocalError> {
    let mut signals = Signals::new()?;
    let mut session = tokio::select! {
        session = Session::start(args) => session?,
        () = signals.next() => return Ok(()),
    };
    let outcome = tokio::select! {
        error = ready_and_on(&mut session) => Err(error),
        () = signals.next() => Ok(()),
    };
    session.stop().await;
    outcome
}

async fn ready_and_on(session: &mut Session) -> LocalError {
    if let Err(error) = session.ready().await {
        return error;
    }
    session.announce();
    session.run().await
}

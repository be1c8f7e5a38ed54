//! The clients, and what each of them can do.

use harness::clients::Sdk;
use harness::inspector;
use harness::scenario::{Era, Scenario, Seen, Step};

use crate::rust_sdk;

/// A client and what it is told to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    program: Program,
    pub(crate) era: Era,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    Sdk(Sdk),
    /// In this process.
    Rmcp,
    Inspector,
}

/// What a server and a client that both choose the newest revision choose, by the gateway's part.
pub(crate) const NEWEST: &str = "2026-07-28";

pub(crate) const TYPESCRIPT: Client = sessions(Program::Sdk(Sdk::TypeScript));
pub(crate) const TYPESCRIPT_CLIENT: Client = sessions(Program::Sdk(Sdk::TypeScriptClient));
pub(crate) const TYPESCRIPT_CLIENT_NEWEST: Client = newest(Program::Sdk(Sdk::TypeScriptClient));
pub(crate) const PYTHON: Client = sessions(Program::Sdk(Sdk::Python));
pub(crate) const PYTHON_NEWEST: Client = newest(Program::Sdk(Sdk::Python));
pub(crate) const FAST_MCP: Client = sessions(Program::Sdk(Sdk::FastMcp));
pub(crate) const FAST_MCP_NEWEST: Client = newest(Program::Sdk(Sdk::FastMcp));
pub(crate) const RMCP: Client = sessions(Program::Rmcp);
pub(crate) const RMCP_NEWEST: Client = newest(Program::Rmcp);
pub(crate) const INSPECTOR: Client = sessions(Program::Inspector);
pub(crate) const INSPECTOR_NEWEST: Client = newest(Program::Inspector);

/// Those that know a revision without sessions, told to speak no other.
pub(crate) const STATELESS: [Client; 5] = [
    stateless(Program::Sdk(Sdk::TypeScriptClient)),
    stateless(Program::Sdk(Sdk::Python)),
    stateless(Program::Sdk(Sdk::FastMcp)),
    stateless(Program::Rmcp),
    stateless(Program::Inspector),
];

const fn sessions(program: Program) -> Client {
    let era = Era::Sessions;
    Client { program, era }
}

const fn newest(program: Program) -> Client {
    let era = Era::Newest;
    Client { program, era }
}

const fn stateless(program: Program) -> Client {
    let era = Era::Stateless;
    Client { program, era }
}

impl Client {
    /// Runs a scenario against `url`.
    pub(crate) async fn run(self, url: &str, scenario: &Scenario) -> Seen {
        match self.program {
            Program::Sdk(sdk) => sdk.run(url, scenario).await,
            Program::Rmcp => rust_sdk::run(url, scenario).await,
            Program::Inspector => inspector::run(url, scenario).await,
        }
    }

    /// Whether it can do such a step.
    pub(crate) fn can(self, step: &Step) -> bool {
        match step {
            Step::List(_) | Step::Call(_) | Step::Prompt(_) | Step::Read(_) => true,
            Step::GiveUp(_) | Step::Complete { .. } => self.is_programmed(),
            // The newest revision has none.
            Step::Ping => self.is_programmed() && self.revision() < "2026",
        }
    }

    /// Whether it shows its progress, answers questions, and can be told more than a command line says.
    pub(crate) fn is_programmed(self) -> bool {
        !matches!(self.program, Program::Inspector)
    }

    /// Whether a server with sessions can ask it back through the gateway.
    pub(crate) fn can_be_asked(self) -> bool {
        self.is_programmed() && self.revision() < "2026"
    }

    /// What it speaks with the gateway.
    pub(crate) fn revision(self) -> &'static str {
        match self.era {
            Era::Sessions => "2025-11-25",
            Era::Newest => NEWEST,
            Era::Stateless => "2026-07-28",
        }
    }
}
